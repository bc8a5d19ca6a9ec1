"""What a workflow's config says of it, for the pages that list and head workflows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.environment import interpolate
from dataflow.shared.plain_yaml import load_yaml
from dataflow.shared.redaction import is_secret_key

if TYPE_CHECKING:
    from dataflow.shared.project import Project


def describe_workflow(project: Project, workflow_id: str) -> dict[str, str]:
    """What a workflow's config says of it: ``title``, ``description`` and its first ``table``."""
    # A config with an error elsewhere in it must not take the site down.
    path = project.workflow_dir(workflow_id) / "config.yaml"
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
        told, load = content["workflow"], content.get("load") or {}
        return {
            "title": _interpolated(told.get("name")) or workflow_id,
            "description": _interpolated(told.get("description")),
            "table": _interpolated(load.get("table") or _first_table(content)),
        }
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {"title": workflow_id, "description": "", "table": ""}


def _first_table(content: dict[str, Any]) -> str | None:
    """The table of the first of several sources."""
    sources = (content.get("ingestion") or {}).get("sources") or {}
    name = next(iter(sources), None)
    return None if name is None else (sources[name].get("load") or {}).get("table") or name


def _interpolated(value: object) -> str:
    """A text of a config file as a run reads it, but with secrets and unset variables by name."""
    text = "" if value is None else str(value)
    known = {name: part for name, part in os.environ.items() if not is_secret_key(name)}
    _, unknown, _ = interpolate(text, known)
    return str(interpolate(text, {**known, **{name: f"${{{name}}}" for name in unknown}})[0])
