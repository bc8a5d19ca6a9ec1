"""Planning: the source, its credentials, how rows are written, what happens on errors."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from dataflow.shared.config import CONFIG_FILE
from dataflow.shared.config_types import value_at
from dataflow.shared.environment import REFERENCE
from dataflow.shared.redaction import redact
from dataflow_tools.checks.checklist import Finding, Point, judged, missing, not_applicable
from dataflow_tools.checks.workflow_source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.checks.workflow_source import WorkflowSource

# `env_var('NAME')` or `env_var('NAME', 'default')`, a Jinja function of dbt's.
_DBT_VARIABLE = re.compile(r"env_var\(\s*['\"](?P<name>\w+)['\"]\s*(?P<default>,)?")
# Set by the library itself while dbt runs.
_OWN_VARIABLES = {"DATAFLOW_DATABASE"}
_DISPOSITIONS = ("replace", "append", "merge")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def check_planning(workflow: WorkflowSource, *, with_environment: bool = True) -> list[Point]:
    """Judge the points of planning.

    Args:
        workflow: The workflow.
        with_environment: Whether variables have to be set here and now.
    """
    return [
        _source(workflow),
        _credentials(workflow, with_environment=with_environment),
        _write(workflow),
        _errors(workflow),
    ]


def _source(workflow: WorkflowSource) -> Point:
    source = workflow.setting("ingestion", "source")
    source = source if isinstance(source, dict) else {}
    findings = [
        Finding(
            workflow.shown(CONFIG_FILE),
            f"ingestion.source does not say its {key}.",
            f"Add `{key}:` to ingestion.source.",
            workflow.line_of("ingestion", "source"),
        )
        for key in ("type", "url")
        if not source.get(key) and not _is_unset(workflow, key)
    ]
    where = redact(str(source.get("url", "")).split("?", 1)[0])
    return judged("source", findings, f"{source.get('type')}: {where}")


def _is_unset(workflow: WorkflowSource, key: str) -> bool:
    """Whether a key of the source is a variable without a value: another point's matter."""
    raw = workflow.document.values.get("ingestion") or {}
    source = raw.get("source") if isinstance(raw, dict) else None
    return isinstance(source, dict) and "${" in str(source.get(key) or "")


def _credentials(workflow: WorkflowSource, *, with_environment: bool) -> Point:
    used = {**dict(_dbt_variables(workflow)), **dict(_config_variables(workflow))}
    if not used:
        return not_applicable("credentials", "config.yaml refers to no variable")
    texts = [workflow.readme, *(_project_text(workflow, n) for n in ("README.md", ".env.example"))]
    known = set(re.findall(r"\w+", " ".join(text for text in texts if text)))
    findings = []
    for name, (file, line, has_default) in sorted(used.items()):
        if name not in known:
            findings.append(
                Finding(
                    file,
                    f"The environment variable {name} is not documented.",
                    f"Say in {workflow.shown('README.md')} what {name} is and where to get it.",
                    line,
                )
            )
        if with_environment and not has_default and name not in os.environ:
            findings.append(
                Finding(
                    file,
                    f"The environment variable {name} is not set and has no default.",
                    f"Set {name} in the environment; --no-environment leaves this question out.",
                    line,
                )
            )
    return judged("credentials", findings, ", ".join(sorted(used)))


def _config_variables(workflow: WorkflowSource) -> Iterator[tuple[str, tuple[str, int, bool]]]:
    file = workflow.shown(CONFIG_FILE)
    for path, position in workflow.document.items.items():
        value = value_at(workflow.document.values, path)
        if not isinstance(value, str):
            continue
        for match in re.finditer(rf"(?<!\$){REFERENCE}", value):
            name, default, _ = match[0][2:-1].partition(":-")
            yield name, (file, position.line, bool(default))


def _dbt_variables(workflow: WorkflowSource) -> Iterator[tuple[str, tuple[str, int, bool]]]:
    text = read_text(workflow.folder / "dbt" / "profiles.yml") or ""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _DBT_VARIABLE.finditer(line):
            if match["name"] not in _OWN_VARIABLES:
                place = (workflow.shown("dbt", "profiles.yml"), number, bool(match["default"]))
                yield match["name"], place


def _project_text(workflow: WorkflowSource, name: str) -> str | None:
    return read_text(workflow.project.root / name)


def _write(workflow: WorkflowSource) -> Point:
    chosen = workflow.setting("load", "write_disposition")
    key = workflow.setting("load", "primary_key") or []
    key = [key] if isinstance(key, str) else key
    place = (workflow.shown(CONFIG_FILE), workflow.line_of("load", "write_disposition"))
    if chosen not in _DISPOSITIONS:
        return missing(
            "write",
            Finding(
                place[0],
                "load.write_disposition is not chosen."
                if chosen is None
                else "load.write_disposition is none of the possible ones.",
                f"Write `write_disposition:` with one of {', '.join(_DISPOSITIONS)}.",
                place[1],
            ),
        )
    if chosen == "merge" and not key:
        return missing(
            "write",
            Finding(
                place[0],
                "write_disposition: merge has no load.primary_key.",
                "Name the columns that tell rows apart in `primary_key:`.",
                place[1],
            ),
        )
    columns = f", key {', '.join(map(str, key))}" if isinstance(key, list) and key else ""
    return judged("write", (), f"{chosen}{columns}")


def _errors(workflow: WorkflowSource) -> Point:
    parameters = workflow.setting("ingestion", "parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    retries, timeout = parameters.get("max_retries"), parameters.get("timeout_seconds")
    remote = _REMOTE.match(str(workflow.setting("ingestion", "source", "url") or ""))
    if not remote and retries is None and timeout is None:
        return not_applicable("errors", "the source is on this machine")
    findings = [
        Finding(
            workflow.shown(CONFIG_FILE),
            f"ingestion.parameters.{name} is not chosen.",
            f"Write `{name}: {example}` or what suits the source.",
            workflow.line_of("ingestion", "parameters"),
        )
        for name, value, example in (
            ("max_retries", retries, 3),
            ("timeout_seconds", timeout, 30),
        )
        if value is None
    ]
    if remote and retries == 0:
        findings.append(
            Finding(
                workflow.shown(CONFIG_FILE),
                "ingestion.parameters.max_retries is 0, and the source is on another machine.",
                "Allow at least one retry, such as `max_retries: 3`.",
                workflow.line_of("ingestion", "parameters", "max_retries"),
            )
        )
    return judged("errors", findings, f"{retries} retries, {timeout} s time-out")
