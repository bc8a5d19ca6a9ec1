"""Columns that config.yaml names elsewhere than in the contract, and that the contract lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dataflow.shared.config_types import refusal, value_at
from dataflow.shared.contract import columns_in
from dataflow.shared.suggestion import did_you_mean, known_names

if TYPE_CHECKING:
    from pydantic_core import PydanticCustomError

    from dataflow.shared.config_types import FaultsBetween

_CURSORS = ("cursor_field", "column")
_MOST_NAMED = 10


def faults_of_columns(values: Mapping[str, Any]) -> FaultsBetween:
    """Find the cursors and the partition's column that are in no contract.

    A source without a contract says nothing about its columns. A cursor is named as the source has
    it, the partition's column as the warehouse has it.

    Args:
        values: The whole configuration, as it is written.
    """
    partition = value_at(values, ("workflow", "partition", "column"))
    told = False
    for path, described in _described(values):
        columns = columns_in(described.get("columns"))
        if not isinstance(columns, Mapping) or not columns:
            continue
        named = {str(name): column for name, column in columns.items()}
        at_source = [_at_source(name, column) for name, column in named.items()]
        incremental = value_at(described, ("source", "incremental"))
        for key in _CURSORS if isinstance(incremental, Mapping) else ():
            cursor = incremental.get(key)
            if isinstance(cursor, str) and cursor.strip() and _is_slip(cursor, at_source):
                yield (*path, "source", "incremental", key), _unknown(cursor, at_source)
        if isinstance(partition, str) and partition.strip() and not told:
            names = list(named)
            if _is_slip(partition, names):
                told = True
                yield ("workflow", "partition", "column"), _unknown(partition, names)


def _described(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Each mapping that has a source with its contract, and where it stands."""
    ingestion = values.get("ingestion")
    if not isinstance(ingestion, Mapping):
        return
    several = ingestion.get("sources")
    if not isinstance(several, Mapping) or not several:
        yield ("ingestion",), ingestion
        return
    for name, described in several.items():
        if isinstance(described, Mapping):
            yield ("ingestion", "sources", str(name)), described


def _at_source(name: str, column: Any) -> str:
    given = column.get("source") if isinstance(column, Mapping) else None
    return str(given) if given else name


def _is_slip(column: str, names: list[str]) -> bool:
    """Whether no column is called so, nor holds the object that a dotted path leads into.

    One that is like none of them may come all the same: a contract need not have every column, and
    `transform.py` makes others. A source in which it is not is found out when it is read.
    """
    known = {name.lower() for name in names}
    parts = column.lower().split(".")
    if any(".".join(parts[:count]) in known for count in range(1, len(parts) + 1)):
        return False
    return bool(did_you_mean(column, names))


def _unknown(name: str, known: list[str]) -> PydanticCustomError:
    hint = did_you_mean(name, known)
    return refusal("is no column of the contract", known_names(known, _MOST_NAMED), hint)
