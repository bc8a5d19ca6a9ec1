"""What dbt says of a model that refers to one that is not there: where, and which was meant."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dataflow.shared.suggestion import did_you_mean, known_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# dbt: Model 'model.shop.orders' (models/marts/orders.sql) depends on a node named 'stg_order' ...
_SAID = re.compile(r"\((?P<file>[^()\s]+)\) depends on a node named '(?P<name>[^']+)'")
# dbt: Model 'model.shop.orders' (models/marts/orders.sql) depends on a source named 'crm.peple' ...
_SOURCE_SAID = re.compile(r"\((?P<file>[^()\s]+)\) depends on a source named '(?P<name>[^']+)'")
_MOST_NAMED = 10
_MODELS = ("*.sql", "*.csv", "*.py")


def told_missing_node(said: str, folder: Path, shown: str = "") -> str:
    """What dbt says, with the file's path as people type it, and what was meant.

    Args:
        said: What dbt says of any fault.
        folder: The dbt project.
        shown: The folder as a person in the project's folder would type it; empty to leave paths.
    """
    if found := _SAID.search(said):
        names = {
            path.stem
            for pattern in _MODELS
            for path in folder.rglob(pattern)
            if path.stem != found["name"] and "target" not in path.relative_to(folder).parts
        }
        hint = did_you_mean(found["name"], sorted(names))
    elif found := _SOURCE_SAID.search(said):
        known = sorted(set(_sources(folder)))
        near = did_you_mean(found["name"], known)
        hint = near or (f"there are: {known_names(known, _MOST_NAMED)}" if known else "")
    else:
        return said
    if shown:
        said = said.replace(f"({found['file']})", f"({shown}/{found['file']})")
    return f"{said.rstrip()}; {hint}" if hint else said


def _sources(folder: Path) -> Iterator[str]:
    """The sources that a dbt project's files declare, those of its packages among them."""
    import yaml

    for path in (*folder.rglob("*.yml"), *folder.rglob("*.yaml")):
        if "target" in path.relative_to(folder).parts:
            continue
        # What is wrong with such a file dbt says itself.
        with suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
            content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
            declared = content.get("sources") if isinstance(content, dict) else None
            for source in declared if isinstance(declared, list) else ():
                for table in source.get("tables") or () if isinstance(source, dict) else ():
                    if isinstance(table, dict):
                        yield f"{source.get('name')}.{table.get('name')}"
