"""What dbt says of a model that refers to one that is not there: where, and which was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.shared.suggestion import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

# dbt: Model 'model.shop.orders' (models/marts/orders.sql) depends on a node named 'stg_order' ...
_SAID = re.compile(r"\((?P<file>[^()\s]+)\) depends on a node named '(?P<name>[^']+)'")
_MODELS = ("*.sql", "*.csv", "*.py")


def told_missing_node(said: str, folder: Path, shown: str = "") -> str:
    """What dbt says, with the file's path as people type it, and what was meant.

    Args:
        said: What dbt says of any fault.
        folder: The dbt project.
        shown: The folder as a person in the project's folder would type it; empty to leave paths.
    """
    found = _SAID.search(said)
    if found is None:
        return said
    names = {
        path.stem
        for pattern in _MODELS
        for path in folder.rglob(pattern)
        if path.stem != found["name"] and "target" not in path.relative_to(folder).parts
    }
    hint = did_you_mean(found["name"], sorted(names))
    if shown:
        said = said.replace(f"({found['file']})", f"({shown}/{found['file']})")
    return f"{said.rstrip()}; {hint}" if hint else said
