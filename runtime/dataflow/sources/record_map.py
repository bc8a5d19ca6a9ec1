"""JSON in which an object has one record for each of its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the column with the keys is called, or with one underscore more for each record's own.
KEY = "key"
_SHARED = 0.5
_FEWEST = 2


def records_of(value: Any, shown: str) -> list[dict[str, Any]]:
    """The records of a map, each with its key.

    Raises:
        SourceDataError: It is no object, or what it holds are not objects.
    """
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        raise SourceDataError(
            f"{shown} is not an object with one record for each key.",
            "Take `records: map` out of `ingestion.source`, or set `data_path` to that object.",
        )
    name = key_column(value)
    return [{name: key, **record} for key, record in value.items()]


def key_column(records: Mapping[str, Mapping[str, Any]]) -> str:
    """The name for the keys that no record has."""
    taken = {field.lower() for record in records.values() for field in record}
    name = KEY
    while name in taken:
        name += "_"
    return name


def is_map_of_records(value: Any) -> bool:
    """Whether an object looks like one record for each key: objects with most fields in common.

    A table by columns, as pandas writes it, has row numbers as the fields of all; that is none.
    """
    if not isinstance(value, dict) or len(value) < _FEWEST:
        return False
    records = list(value.values())
    if not all(isinstance(record, dict) and record for record in records):
        return False
    fields = [set(record) for record in records]
    if all(field.isdigit() for each in fields for field in each):
        return False
    shared = set.intersection(*fields)
    return len(shared) >= _SHARED * max(map(len, fields))


def note_on_map(value: Any, shown: str) -> str | None:
    """What to say of an object that is read as one row and looks like a map; None if nothing."""
    if not is_map_of_records(value):
        return None
    first = next(iter(value))
    return (
        f"{shown} looks like one record for each key ({quoted(first)} and {len(value) - 1:,} "
        "more), and is read as one row. To read each as a row set `records: map`."
    )
