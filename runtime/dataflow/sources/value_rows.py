"""JSON whose rows, or columns, are lists of values: their names stand beside them, or first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.column_names import distinct_names
from dataflow.sources.errors import SourceDataError
from dataflow.sources.record_map import records_of
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

# What `records` may be beside a list of objects.
SHAPES = ("map", "rows", "columns")
# Where an object that describes a column has its name: the first of these.
_NAME_KEYS = ("fieldName", "name", "id", "label", "title", "key")


def shaped_records(
    document: Any, records: str, data_path: str | None, names_path: str | None, shown: str
) -> list[dict[str, Any]]:
    """The records of a document that has them in another shape than as a list of objects.

    Args:
        records: `map`: an object with one record for each key; `rows`: a list of lists of values;
            `columns`: an object with one list for each column.
        data_path: Where they are; None if they are the document.
        names_path: Where the names are, of `rows`; None if the first list has them.

    Raises:
        SourceDataError: It is not of this shape.
    """
    found = value_at(document, data_path) if data_path else document
    if found is MISSING:
        raise SourceDataError(
            f"{shown} has nothing at {quoted(data_path)}.",
            "Correct `ingestion.source.data_path`.",
        )
    if records == "map":
        return records_of(found, shown)
    if records == "columns":
        return _of_columns(found, shown)
    if found is None or found == []:
        return []
    if not isinstance(found, list) or not all(isinstance(row, list) for row in found):
        raise SourceDataError(
            f"{shown} is not a list of rows that are lists of values.",
            "Take `records: rows` out of `ingestion.source`, or set `data_path` to that list.",
        )
    if names_path is None:
        names, rows, first = found[0], found[1:], 2
    else:
        names, rows, first = value_at(document, names_path), found, 1
    return _of_rows(_names(names, names_path, shown), rows, first, shown)


def name_of(column: Any) -> str | None:
    """The name in what describes a column: a text, or an object with one; None if there is none."""
    if isinstance(column, dict):
        column = next((column[key] for key in _NAME_KEYS if column.get(key)), None)
    return column if isinstance(column, str) else None


def _names(found: Any, names_path: str | None, shown: str) -> Sequence[str]:
    names = [name_of(column) for column in found] if isinstance(found, list) else []
    told = [name for name in names if name is not None]
    if not names or len(told) < len(names):
        where = f"at {quoted(names_path)}" if names_path else "in its first list"
        raise SourceDataError(
            f"{shown} has no names of columns {where}.",
            "Set `ingestion.source.names_path` to the list of names, or of objects with a `name`.",
        )
    return distinct_names(told)[0]


def _of_rows(
    names: Sequence[str], rows: Sequence[list[Any]], first: int, shown: str
) -> list[dict[str, Any]]:
    for number, row in enumerate(rows, start=first):
        if len(row) != len(names):
            raise SourceDataError(
                f"{shown}, list {number:,}: there are {len(row)} values, and {len(names)} names.",
                "Correct it at the source, or read it with code of your own in ingestion.py.",
            )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _of_columns(found: Any, shown: str) -> list[dict[str, Any]]:
    lists = list(found.values()) if isinstance(found, dict) else [None]
    lengths = {len(each) if isinstance(each, list) else None for each in lists}
    if None in lengths or len(lengths) > 1:
        odd = next((key for key, each in _items(found) if not isinstance(each, list)), "")
        why = f"{quoted(odd)} is no list" if odd else "they are not equally long"
        raise SourceDataError(
            f"{shown} is not an object with one list for each column: {why}.",
            "Take `records: columns` out of `ingestion.source`, or set `data_path` to that object.",
        )
    names = distinct_names(list(found))[0]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _items(found: Any) -> list[tuple[str, Any]]:
    return list(found.items()) if isinstance(found, dict) else []
