"""Several files as one table, or the refusal to make one of what are several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.shared.shown import shortened
from dataflow.sources.column_names import compared_name
from dataflow.sources.errors import ContractError, SourceSettingError
from dataflow.sources.lost_columns import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from dataflow.shared.contract import Contract

_MOST_GROUPS = 6
_MOST_NAMES = 6
_MOST_FILES = 3
_MONTHS = r"(?<![a-z])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?![a-z])"


def check_shapes(
    columns: Mapping[str, Sequence[str]],
    union_by_name: bool | None,
    contract: Contract | None = None,
) -> frozenset[str]:
    """Refuse files that are several tables, and one that has lost a column which others have.

    Files with different columns are one table if they are told to be, or if they are called alike
    but for numbers and months and have a column in common, as files of one series are.

    Args:
        columns: The names of the columns of each file.
        union_by_name: Whether they are told to be one table, with null where a file lacks a column.

    Returns:
        The columns that some of the files lack, in lower case.

    Raises:
        SourceSettingError: They are several tables.
        ContractError: A file lacks a column of the contract that others have.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for file, names in columns.items():
        groups.setdefault(frozenset(name.lower() for name in names), []).append(file)
    lacking = frozenset[str]().union(*groups) - frozenset.intersection(*groups)
    if len(groups) <= 1 or union_by_name:
        return lacking
    stems = {_stem(file) for file in columns}
    if union_by_name is None and len(stems) == 1 and frozenset.intersection(*groups):
        _refuse_lost(columns, contract)
        return lacking
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


def spelled_alike(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Tables of several files, in which a column is spelled as in the first one that has it.

    Tables with columns that differ by case only stay as they are.
    """
    first: dict[str, str] = {}
    for table in tables:
        if len({name.lower() for name in table.column_names}) < table.num_columns:
            return list(tables)
        for name in table.column_names:
            first.setdefault(name.lower(), name)
    return [
        table.rename_columns([first[name.lower()] for name in table.column_names])
        for table in tables
    ]


def _refuse_lost(columns: Mapping[str, Sequence[str]], contract: Contract | None) -> None:
    if contract is None or contract.on_change.lost_column != "fail":
        return
    agreed = {
        compared_name(column.source or name): column.source or name
        for name, column in contract.columns.items()
        if not column.optional
    }
    there = {file: set(map(compared_name, names)) for file, names in columns.items()}
    every = set[str]().union(*there.values())
    for file, names in there.items():
        if lost := [name for key, name in agreed.items() if key in every - names]:
            raise ContractError(
                f"{file} has no {listed(lost)}, which the contract names, and other files have; it "
                f"has {listed(list(columns[file]))}. Nothing was loaded.",
                "Correct that file; or, if files may lack the column, write `optional: true` on it "
                f"in `{contract.place}.columns`, and it is null there.",
            )


def _stem(file: str) -> str:
    name = file.rsplit("/", 1)[-1].lower()
    return re.sub(r"[\W\d_]+", "", re.sub(_MONTHS, "", name))


def _few(names: Sequence[str], most: int) -> str:
    shown = ", ".join(shortened(name, 40) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
