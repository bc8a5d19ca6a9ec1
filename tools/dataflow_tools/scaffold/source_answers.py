"""From answers to the template's questions to the source that they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the template writes into config.yaml for each way to log in: a key, and the end of the name
# of the variable that it is read from.
_CREDENTIALS = {
    "bearer_token": {"token": "TOKEN"},
    "basic": {"username": "USERNAME", "password": "PASSWORD"},
    "api_key": {"api_key": "API_KEY"},
    "oauth2_client_credentials": {"client_id": "CLIENT_ID", "client_secret": "CLIENT_SECRET"},
}


def described_source(
    workflow_id: str,
    source: Mapping[str, Any],
    answers: Mapping[str, Any],
    environ: Mapping[str, str],
) -> dict[str, Any]:
    """A source with what answers say about it, ready to be read.

    Args:
        workflow_id: What the names of its variables begin with.
        source: Its settings as its location tells them.
        answers: Answers to the template's questions, as far as they were given.
        environ: The environment that variables are read from.

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
    for key, end in _CREDENTIALS.get(str(described.get("auth_type")), {}).items():
        described.setdefault(key, f"${{{workflow_id.upper()}_{end}}}")
    return {str(key): value for key, value in resolved(described, environ).items()}


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
