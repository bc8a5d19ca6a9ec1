"""Planning: the source, its credentials, how rows are written, what happens on errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.config import CONFIG_FILE, is_asked
from dataflow.shared.config_types import value_at
from dataflow.shared.environment import REFERENCE
from dataflow.shared.own_code import OwnCode
from dataflow.shared.redaction import redact
from dataflow.sources.api.settings import login_variables
from dataflow_tools.checks.protocol import Group, Verdict, check, judged, not_applicable
from dataflow_tools.checks.workflow_source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.tried_workflow import TriedWorkflow
    from dataflow_tools.checks.workflow_source import ConfiguredSource, WorkflowSource

# `env_var('NAME')` or `env_var('NAME', 'default')`, a Jinja function of dbt's.
_DBT_VARIABLE = re.compile(r"env_var\(\s*['\"](?P<name>\w+)['\"]\s*(?P<default>,)?")
# Set by the library itself while dbt runs.
_OWN_VARIABLES = {"DATAFLOW_DATABASE"}
_LOCATED = ("file", "api", "database")
_DISPOSITIONS = ("replace", "append", "merge")
_NO_SOURCE = "it reads the tables of other workflows"
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@check(Group.PLANNING, "the source is defined", position=1)
def check_source(workflow: WorkflowSource) -> Verdict:
    """Type and location have to be there."""
    if workflow.does_without_config:
        return not_applicable("there is no config.yaml")
    if workflow.reads_others_alone:
        return not_applicable(_NO_SOURCE)
    findings = [
        workflow.at_key(
            f"{source.key} does not say its {key}.",
            f"Add `{key}:` to {source.key}.",
            *(*source.path, "source"),
        )
        for source in workflow.sources
        for key in _needed_keys(source.values.get("type"))
        if not source.values.get(key) and not _is_unset(workflow, source, key)
    ]
    told = [
        f"{source.values.get('type')}: {redact(str(source.values.get('url', '')).split('?', 1)[0])}"
        if source.values.get("url")
        else str(source.values.get("type"))
        for source in workflow.sources
    ]
    return judged(findings, "; ".join(told))


def _needed_keys(kind: Any) -> tuple[str, ...]:
    """What a source has to say; what kinds of plug-ins and of workflows need, they know."""
    return ("type", "url") if kind in (None, "", *_LOCATED) else ("type",)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_unset(workflow: WorkflowSource, source: ConfiguredSource, key: str) -> bool:
    """Whether a key of the source is a variable without a value: another point's matter."""
    written = _mapping(value_at(workflow.document.values, (*source.path, "source")))
    return "${" in str(written.get(key) or "")


@check(Group.PLANNING, "every variable is documented, and set or has a default", position=2)
def check_credentials(workflow: TriedWorkflow) -> Verdict:
    """Look at the variables of config.yaml and dbt's profiles."""
    used = dict(
        [*_dbt_variables(workflow), *_login_variables(workflow), *_config_variables(workflow)]
    )
    if not used:
        return not_applicable("config.yaml refers to no variable")
    root = workflow.project.root
    texts = [workflow.readme, *(read_text(root / name) for name in ("README.md", ".env.example"))]
    known = set(re.findall(r"\w+", " ".join(text for text in texts if text)))
    findings = []
    values = workflow.project.values
    for name, (file, line, has_default) in sorted(used.items()):
        if name not in known:
            reason = f"The environment variable {name} is not documented."
            told = f"Say in {workflow.shown('README.md')} what {name} is and where to get it."
            findings.append(workflow.finding(reason, told, file, line))
        if workflow.with_environment and not has_default and name not in values:
            reason = f"The environment variable {name} is not set and has no default."
            told = f"Set {name} in the environment; --no-environment leaves this question out."
            findings.append(workflow.finding(reason, told, file, line))
    return judged(findings, ", ".join(sorted(used)))


def _config_variables(workflow: WorkflowSource) -> Iterator[tuple[str, tuple[str, int, bool]]]:
    for path, position in workflow.document.items.items():
        value = value_at(workflow.document.values, path)
        if not isinstance(value, str):
            continue
        for match in re.finditer(rf"(?<!\$){REFERENCE}", value):
            name, default, _ = match[0][2:-1].partition(":-")
            yield name, (CONFIG_FILE, position.line, bool(default) or not is_asked(path))


def _login_variables(workflow: WorkflowSource) -> Iterator[tuple[str, tuple[str, int, bool]]]:
    """Those that an API's login is read from where config.yaml does not say it."""
    code = OwnCode(workflow.workflow_id, workflow.folder)
    for configured in workflow.sources:
        path = (*configured.path, "source")
        source = _mapping(value_at(workflow.document.values, path))
        if source.get("type") == "api" and not code.reads_source_itself:
            line = workflow.document.position((*path, "auth_type"), of_key=True).line
            found = login_variables(workflow.workflow_id, source, configured.name)
            for names in found.values():
                name = next((each for each in names if workflow.project.values.get(each)), names[0])
                yield name, (CONFIG_FILE, line, False)


def _dbt_variables(workflow: WorkflowSource) -> Iterator[tuple[str, tuple[str, int, bool]]]:
    text = read_text(workflow.folder / "dbt" / "profiles.yml") or ""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _DBT_VARIABLE.finditer(line):
            if match["name"] not in _OWN_VARIABLES:
                yield match["name"], ("dbt/profiles.yml", number, bool(match["default"]))


@check(Group.PLANNING, "the write disposition and its key are chosen", position=3)
def check_write(workflow: WorkflowSource) -> Verdict:
    """What is chosen has to be possible."""
    if workflow.reads_others_alone:
        return not_applicable(_NO_SOURCE)
    findings: list[Finding] = []
    told = []
    for source in workflow.sources:
        fault, chosen = _how_written(source)
        if fault is None:
            told.append(f"{source.name}: {chosen}" if source.name else chosen)
            continue
        path = ("load", "write_disposition")
        findings.append(workflow.at_key(*fault, *((*source.path, *path) if source.name else path)))
    return judged(findings, "; ".join(told))


def _how_written(source: ConfiguredSource) -> tuple[tuple[str, str] | None, str]:
    """What is wrong with how rows are written, and what to do; or how they are written."""
    chosen, key = source.load.get("write_disposition"), source.load.get("primary_key") or []
    key = [key] if isinstance(key, str) else key
    if chosen not in _DISPOSITIONS:
        how = "not chosen" if chosen is None else "none of the possible ones"
        reason = f"load.write_disposition is {how}."
        told = f"Write `write_disposition:` with one of {', '.join(_DISPOSITIONS)}."
    elif chosen == "merge" and not key:
        reason = "write_disposition: merge has no load.primary_key."
        told = "Name the columns that tell rows apart in `primary_key:`."
    else:
        columns = f", key {', '.join(map(str, key))}" if isinstance(key, list) and key else ""
        return None, f"{chosen}{columns}"
    return (reason, told), ""


@check(Group.PLANNING, "retries and a time-out are configured", position=4)
def check_errors(workflow: WorkflowSource) -> Verdict:
    """A source on another machine needs both, and at least one retry."""
    if workflow.reads_others_alone:
        return not_applicable(_NO_SOURCE)
    path = ("ingestion", "parameters")
    parameters = _mapping(workflow.setting(*path))
    retries, timeout = parameters.get("max_retries"), parameters.get("timeout_seconds")
    remote = any(_REMOTE.match(str(s.values.get("url") or "")) for s in workflow.sources)
    if not remote and retries is None and timeout is None:
        return not_applicable("the source is on this machine")
    findings = []
    for name, example in (("max_retries", 3), ("timeout_seconds", 30)):
        if parameters.get(name) is None:
            reason = f"ingestion.parameters.{name} is not chosen."
            told = f"Write `{name}: {example}` or what suits the source."
            findings.append(workflow.at_key(reason, told, *path))
    if remote and retries == 0:
        reason = "ingestion.parameters.max_retries is 0, and the source is on another machine."
        told = "Allow at least one retry, such as `max_retries: 3`."
        findings.append(workflow.at_key(reason, told, *path, "max_retries"))
    return judged(findings, f"{retries} retries, {timeout} s time-out")
