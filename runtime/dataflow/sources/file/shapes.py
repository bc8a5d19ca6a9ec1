"""Several files as one table, or the refusal to make one of what are several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.shared.shown import shortened
from dataflow.sources.errors import SourceSettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_GROUPS = 6
_MOST_NAMES = 6
_MOST_FILES = 3
_MONTHS = r"(?<![a-z])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?![a-z])"


def check_shapes(columns: Mapping[str, Sequence[str]], union_by_name: bool | None) -> None:
    """Refuse files that are several tables.

    Files with different columns are one table if they are told to be, or if they are called alike
    but for numbers and months and have a column in common, as files of one series are.

    Args:
        columns: The names of the columns of each file.
        union_by_name: Whether they are told to be one table.

    Raises:
        SourceSettingError: They are several tables.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for file, names in columns.items():
        groups.setdefault(frozenset(name.lower() for name in names), []).append(file)
    if len(groups) <= 1 or union_by_name:
        return
    stems = {_stem(file) for file in columns}
    if union_by_name is None and len(stems) == 1 and frozenset.intersection(*groups):
        return
    listed = "; ".join(
        f"{_few([file.rsplit('/', 1)[-1] for file in files], _MOST_FILES)} "
        f"({_few(columns[files[0]], _MOST_NAMES)})"
        for files in list(groups.values())[:_MOST_GROUPS]
    )
    more = f"; and {len(groups) - _MOST_GROUPS} more" if len(groups) > _MOST_GROUPS else ""
    raise SourceSettingError(
        f"The files have different columns and are {len(groups)} tables: {listed}{more}.",
        "Name the files of one table in `ingestion.source.url`, or set "
        "`ingestion.source.union_by_name: true` to read all as one, with null where a file lacks a "
        "column.",
    )


def _stem(file: str) -> str:
    name = file.rsplit("/", 1)[-1].lower()
    return re.sub(r"[\W\d_]+", "", re.sub(_MONTHS, "", name))


def _few(names: Sequence[str], most: int) -> str:
    shown = ", ".join(shortened(name, 40) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
