"""What a workflow's config.yaml says that its dashboard shows: time zone, and columns' units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.environment import interpolate
from dataflow.shared.plain_yaml import load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project

_DEFAULT_ZONE = "UTC"


@dataclass(frozen=True)
class ConfigValues:
    """What a dashboard shows of a config.yaml.

    Args:
        time_zone: The zone that the workflow's days are those of.
        units: What columns' numbers count, by the column's name in small letters.
    """

    time_zone: str = _DEFAULT_ZONE
    units: dict[str, str] = field(default_factory=dict)


def values_of(config: WorkflowConfig) -> ConfigValues:
    """Those of a configuration that a run has read."""
    contracts = [table.contract for table in config.tables]
    contracts += [
        child.contract for table in config.tables for child in table.child_tables.values()
    ]
    units = {
        name.lower(): column.unit
        for contract in contracts
        if contract
        for name, column in contract.columns.items()
        if column.unit
    }
    return ConfigValues(config.workflow.timezone, units)


def read_config_values(project: Project, workflow_id: str) -> ConfigValues:
    """Read them, outside of a run; what is missing or cannot be read has its default.

    The file is not checked, since a mistake elsewhere in it is a run's matter.
    """
    path = project.workflow_dir(workflow_id) / "config.yaml"
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ConfigValues()
    zone = _section(content, "workflow").get("timezone")
    ingestion = _section(content, "ingestion")
    sources = [ingestion, *_section(ingestion, "sources").values()]
    units: dict[str, str] = {}
    for source in sources:
        for name, column in _section(source, "columns").items():
            if isinstance(column, dict) and column.get("unit"):
                units[str(name).lower()] = str(column["unit"])
    return ConfigValues(_known_zone(zone, project.values), units)


def _section(content: Any, name: str) -> dict[str, Any]:
    found = content.get(name) if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def _known_zone(written: Any, values: Mapping[str, str]) -> str:
    from zoneinfo import ZoneInfo

    if not isinstance(written, str):
        return _DEFAULT_ZONE
    zone, _, _ = interpolate(written, values)
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, KeyError):
        return _DEFAULT_ZONE
