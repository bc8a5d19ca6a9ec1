"""From answers to the template's questions to the source that they describe."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError
from dataflow.shared.plugins import installed
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import as_sentence, did_you_mean
from dataflow.workflows.identifiers import RESERVED_IDS, suggest_workflow_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What the template writes into config.yaml for each way to log in: a key, and the end of the name
# of the variable that it is read from.
_CREDENTIALS = {
    "bearer_token": {"token": "TOKEN"},
    "basic": {"username": "USERNAME", "password": "PASSWORD"},
    "api_key": {"api_key": "API_KEY"},
    "oauth2_client_credentials": {"client_id": "CLIENT_ID", "client_secret": "CLIENT_SECRET"},
}
# What the template has questions for.
_TEMPLATES_OWN = ("file", "api", "database")
_LOGIN = ("auth_type", "token_url")
# Answers that describe one source.
_OF_ONE = (
    *("source_type", "source_url", "source_table", "source_settings", "data_path", "null_values"),
    *("columns", "primary_key", "confirmed", "table", "more_tables"),
)


def described_source(
    workflow_id: str,
    source: Mapping[str, Any],
    answers: Mapping[str, Any],
    environ: Mapping[str, str],
    name: str = "",
) -> dict[str, Any]:
    """A source with what answers say about it, ready to be read.

    Args:
        workflow_id: What the names of its variables begin with.
        source: Its settings as its location tells them.
        answers: Answers to the template's questions, as far as they were given.
        environ: The environment that variables are read from.
        name: Which of several sources it is.

    Raises:
        BadInputError: A variable that is needed is not set, or the settings are none.
    """
    settings = answers.get("source_settings") or {}
    if not isinstance(settings, dict):
        raise BadInputError(
            f"source_settings is {settings!r}, not keys and values.",
            "Write -d source_settings='{encoding: cp1252}'.",
        )
    described = {**source, **settings}
    for answer, setting in (
        *(("source_type", "type"), ("source_table", "table"), ("null_values", "null_values")),
        *((name, name) for name in ("auth_type", "token_url", "data_path")),
    ):
        if answers.get(answer):
            described[setting] = answers[answer]
    if described.get("query"):
        described.pop("table", None)
    if name and described.get("type") != "api":
        # An answer for those of several sources that are APIs.
        described = {key: value for key, value in described.items() if key not in _LOGIN}
    for key, end in _CREDENTIALS.get(str(described.get("auth_type")), {}).items():
        variable = f"{workflow_id}_{end}".upper()
        own = f"{workflow_id}_{name}_{end}".upper() if name else variable
        described.setdefault(key, f"${{{own if environ.get(own) else variable}}}")
    return {str(key): value for key, value in resolved(described, environ).items()}


def with_kind(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers in which the kind of a plug-in's source is what the template asks for.

    Raises:
        BadInputError: No installed kind has that name.

    >>> with_kind({"source_type": "api"})
    {'source_type': 'api'}
    """
    kind = answers.get("source_type")
    if kind is None or kind in (*_TEMPLATES_OWN, "other"):
        return dict(answers)
    known = list(installed("sources"))
    if kind not in known:
        meant = as_sentence(did_you_mean(str(kind), known))
        raise BadInputError(
            f"No source of the type {quoted(str(kind))} is installed.",
            f"{meant} There are: {', '.join(known)}. One that only this workflow's ingestion.py "
            "reads is written into config.yaml once the workflow is made.".strip(),
        )
    return {**answers, "source_type": "other", "source_kind": kind}


def plugin_kinds() -> list[str]:
    """The kinds of sources that plug-ins bring."""
    return [name for name in installed("sources") if name not in _TEMPLATES_OWN]


def how_to_log_in(workflow_id: str, source: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    """What to type where an API has refused access to `dataflow workflow new`.

    >>> how_to_log_in("items", {"type": "api"}, {"auth_type": "bearer_token"})
    'See that ITEMS_TOKEN is right, and what it may read, or name another login.'
    """
    chosen = str(answers.get("auth_type") or "none")
    if chosen in _CREDENTIALS:
        names = " and ".join(f"{workflow_id}_{e}".upper() for e in _CREDENTIALS[chosen].values())
        verb = "is" if len(_CREDENTIALS[chosen]) == 1 else "are"
        it = "it" if verb == "is" else "they"
        return f"See that {names} {verb} right, and what {it} may read, or name another login."
    if source.get("type") != "api":
        return "See whether the address is right, and who may read it."
    ways = [
        f"-d auth_type={way} reads {' and '.join(f'{workflow_id}_{end}'.upper() for end in ends)}"
        for way, ends in _CREDENTIALS.items()
    ]
    variable = f"{workflow_id}_TOKEN".upper()
    return (
        f"If it needs a login, set {variable} in the environment, and add "
        f"-d auth_type=bearer_token. Others: {'; '.join(ways[1:])} (with -d token_url=URL)."
    )


def named_sources(locations: Sequence[str], given: Mapping[str, Any]) -> dict[str, str]:
    """The locations by the names of their tables; the name of a single one may be empty.

    Args:
        given: Answers to the template's questions.

    Raises:
        BadInputError: A name is missing, cannot be one or is given twice, or an answer is for none
            of several sources in particular.

    >>> named_sources(["orders=data/orders.csv", "people=people.csv"], {})
    {'orders': 'data/orders.csv', 'people': 'people.csv'}
    """
    named: dict[str, str] = {}
    for location in locations:
        name, place = _name_and_place(location)
        if name:
            _check_table(name)
        if not name and len(locations) > 1:
            raise BadInputError(
                f"--source {location!r} has no name, and there are several.",
                "Name the table of each: --source orders=LOCATION.",
            )
        if name in named:
            raise BadInputError(f"Two sources are called {name}.", "Give each a name of its own.")
        named[name] = place
    answered = [key for key in given if key in _OF_ONE]
    if len(named) > 1 and answered:
        raise BadInputError(
            f"-d {answered[0]} is for one source, and there are several.",
            "Leave it out, and write it into the config.yaml that is made.",
        )
    return named


def _name_and_place(location: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z_]\w*)=(.+)", location)
    # A file may be called like that, as in folders such as year=2024.
    if found is None or Path(location).exists() or glob.has_magic(location.partition("/")[0]):
        return "", location
    return found[1], found[2]


def _check_table(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED_IDS:
        raise BadInputError(
            f"{name!r} cannot be the name of a table here.",
            f"Use lower-case words joined by underscores, such as {suggest_workflow_id(name)}.",
        )


def configured_source(answers: Mapping[str, Any]) -> dict[str, Any]:
    """One of several sources as config.yaml has it; its login comes from variables of its own."""
    kind = str(answers["source_type"])
    settings = answers.get("source_settings") or {}
    source: dict[str, Any] = {"type": kind, "url": answers["source_url"]}
    if kind == "file":
        source["null_values"] = answers.get("null_values", [""])
    elif kind == "database" and "query" not in settings:
        source["table"] = answers["source_table"]
    elif kind == "api":
        source["auth_type"] = answers.get("auth_type", "none")
        if answers.get("token_url"):
            source["token_url"] = answers["token_url"]
        if source["auth_type"] == "api_key":
            source["api_key_name"] = "X-API-Key"
        source |= {"data_path": answers.get("data_path"), "paging": {"type": "auto"}}
    return {**source, **settings}


def resolved(values: Any, environ: Mapping[str, str]) -> Any:
    """Values with what their ``${VARIABLES}`` stand for.

    Raises:
        BadInputError: A variable is not set.
    """
    found, faults = resolve(values, environ)
    if faults:
        raise BadInputError(
            f"The source cannot be looked at: {'; '.join(fault.reason for fault in faults)}.",
            f"{faults[0].hint[:1].upper()}{faults[0].hint[1:]}, and run it again.",
        )
    return found
