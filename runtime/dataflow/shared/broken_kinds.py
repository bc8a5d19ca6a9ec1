"""Whether the kinds that a config.yaml names can be imported, without validating the rest of it.

A workflow's code imports a kind when it runs, not when it is loaded; and validating a whole
configuration wants its variables, which need not be set where somebody only lists workflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.config_kinds import model_of
from dataflow.shared.plugins import PluginError, installed
from dataflow.shared.yaml_document import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.shared.config_kinds import KindGroup

_CONFIG = "config.yaml"


def broken_kinds(folder: Path) -> list[str]:
    """Why plug-ins that a workflow's sources and stages name cannot be used.

    Args:
        folder: The workflow's folder. What is wrong with its config.yaml otherwise is left to those
            who validate it.

    >>> from pathlib import Path
    >>> broken_kinds(Path("a folder without a config.yaml"))
    []
    """
    try:
        values = parse_yaml((folder / _CONFIG).read_bytes()).values
    except OSError:
        return []
    reasons = []
    for group, name in dict.fromkeys(_named(values)):
        if name in installed(group):
            try:
                model_of(group, name)
            except PluginError as error:
                reasons.append(f"{error.reason} {error.instruction}")
    return reasons


def _named(values: Any) -> Iterator[tuple[KindGroup, str]]:
    ingestion = _at(values, "ingestion")
    several = _at(ingestion, "sources")
    sources = [ingestion, *(several.values() if isinstance(several, dict) else ())]
    for kind in (_at(_at(each, "source"), "type") for each in sources):
        if isinstance(kind, str):
            yield "sources", kind
    stages = _at(_at(values, "transformation"), "stages")
    for name in (_at(stage, "name") for stage in (stages if isinstance(stages, list) else ())):
        if isinstance(name, str):
            yield "stages", name


def _at(values: Any, key: str) -> Any:
    return values.get(key) if isinstance(values, dict) else None
