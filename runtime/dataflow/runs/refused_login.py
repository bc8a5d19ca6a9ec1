"""Says of a login that a source refused where its values came from, and never which they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.environment import REFERENCE
from dataflow.shared.yaml_document import parse_yaml
from dataflow.sources.api.settings import LOGIN_KEYS, login_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.project import Project
    from dataflow.sources.errors import AccessRefusedError

_CONFIG = "config.yaml"
_NAME = re.compile(r"\w+")


def tell_of_login(
    error: AccessRefusedError, project: Project, workflow_id: str, source: str
) -> None:
    """Add to an error which variables the login of a source is read from, and their origins.

    Args:
        error: What a reader raised.
        source: Which of several sources it is; empty for a single one.
    """
    if error.is_of_login_told:
        return
    given = _as_written(project, workflow_id, source)
    if given.get("auth_type", "none") == "none" and "headers" not in given:
        said = "It was asked without a login (`auth_type: none`)."
    else:
        said = "; ".join(
            f"{key} is {_origin(project, name)}"
            for key, name in _variables(workflow_id, given, source)
        )
        said = f"Read in this run: {said}." if said else ""
    if said:
        error.instruction = f"{error.instruction} {said}"
        error.args = (error.reason, error.instruction)
    error.is_of_login_told = True


def _as_written(project: Project, workflow_id: str, source: str) -> dict[str, Any]:
    """A source's settings with their references, as they stand in config.yaml."""
    try:
        values = parse_yaml((project.workflow_dir(workflow_id) / _CONFIG).read_bytes()).values
        ingestion = values["ingestion"]
        found = (ingestion["sources"][source] if source else ingestion)["source"]
    except (OSError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _variables(
    workflow_id: str, given: dict[str, Any], source: str
) -> Iterator[tuple[str, list[str]]]:
    """The keys of a login, each with the names of its variables; the first that is set counts."""
    left_out = login_variables(workflow_id, given, source)
    for key in LOGIN_KEYS.get(str(given.get("auth_type")), ()):
        if key in left_out:
            yield key, left_out[key]
    for key, value in given.items():
        texts = value.values() if isinstance(value, dict) else [value]
        found = [_NAME.findall(match[0])[0] for text in texts for match in _references(text)]
        for name in dict.fromkeys(found):
            yield key, [name]


def _references(text: Any) -> Iterator[re.Match[str]]:
    return re.finditer(REFERENCE, text) if isinstance(text, str) else iter(())


def _origin(project: Project, names: list[str]) -> str:
    for name in names:
        if origin := project.values.origin(name):
            return f"${{{name}}}, from the {origin}"
    return f"${{{names[0]}}}, which is not set"
