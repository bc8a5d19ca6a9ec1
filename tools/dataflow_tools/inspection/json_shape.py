"""JSON documents that hold a table in another way than as a list of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.header import looks_like_a_value
from dataflow.sources.records import lists_of_lists, lists_of_records
from dataflow.sources.value_rows import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEWEST = 2
_DEEPEST = 3
_CUBE = frozenset({"id", "size", "value", "dimension"})
_ERRORS = frozenset({"error", "errors", "fault"})
_OWN_CODE = "Read it with code of your own in ingestion.py, or save it as CSV."


def refuse_cube(document: Any) -> None:
    """Refuse JSON-stat, whose values stand by their places in a cube and not in rows.

    Raises:
        SourceDataError: It is such a document (https://json-stat.org/full).
    """
    if isinstance(document, dict) and document.keys() >= _CUBE:
        raise SourceDataError(
            "This is JSON-stat: a cube of values beside its dimensions, which is not read as rows.",
            "Take the same data as CSV, which who publishes JSON-stat has as well. " + _OWN_CODE,
        )


def shape_of(document: Any) -> tuple[dict[str, str], str]:
    """The settings with which the lists of values in a document are read, and what to say of it.

    Nothing to set and to say, if it is no such document.
    """
    if isinstance(document, list):
        return _rows(document, "", document)
    if not isinstance(document, dict):
        return {}, ""
    found = {path: len(rows) for path, rows in lists_of_lists(document).items()}
    place = max(found, key=lambda path: found[path], default="")
    names = [path for path, value in _lists(document) if value and all(map(name_of, value))]
    records = lists_of_records(document)
    others = [length for path, length in records.items() if path not in names]
    if place and found[place] >= max(others, default=0):
        return _rows(lists_of_lists(document)[place], place, document)
    if records:
        return {}, ""
    return _columns(document) or ({}, _note_on_values(document))


def _rows(rows: list[Any], place: str, document: Any) -> tuple[dict[str, str], str]:
    """Rows that are lists of values, and where their names are."""
    widths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if not rows or 0 in widths or len(widths) > 1:
        unnamed = rows and 0 not in widths
        return {}, _unnamed(place, "of different lengths") if unnamed else ""
    (width,) = widths
    settings = {"records": "rows", **({"data_path": place} if place else {})}
    where = f"in {quoted(place)} " if place else ""
    told = f"The file has its rows {where}as lists of {width} values (`records: rows`), with names "
    for path, value in _lists(document):
        if path != place and len(value) == width and all(map(name_of, value)):
            return {**settings, "names_path": path}, f"{told}at {quoted(path)}."
    head = rows[0]
    if len(rows) < _FEWEST or not all(isinstance(name, str) and name.strip() for name in head):
        return {}, _unnamed(place, "without names")
    if len({name.lower() for name in head}) < width or any(map(looks_like_a_value, head)):
        return {}, _unnamed(place, "without names")
    return settings, f"{told}in the first list: {', '.join(map(quoted, head[:3]))}."


def _unnamed(place: str, how: str) -> str:
    where = f" in {quoted(place)}" if place else ""
    return f"The file has rows {how}, as lists{where}, which are not read as rows. {_OWN_CODE}"


def _columns(document: dict[str, Any]) -> tuple[dict[str, str], str] | None:
    """One list for each column, in the document or in one object in it."""
    if _is_columns(document):
        path, columns = "", document
    else:
        inner = {key: value for key, value in document.items() if _is_columns(value)}
        if len(inner) != 1:
            return None
        ((path, columns),) = inner.items()
    where = f" in {quoted(path)}" if path else ""
    length = len(next(iter(columns.values())))
    note = (
        f"The file looks like one list for each column{where}, of {length:,} values; they are read "
        "so (`records: columns`)."
    )
    return {"records": "columns", **({"data_path": path} if path else {})}, note


def _is_columns(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) < _FEWEST:
        return False
    lists = [each for each in value.values() if isinstance(each, list) and not _objects(each)]
    lengths = {len(each) for each in lists}
    return len(lists) == len(value) and len(lengths) == 1 and min(lengths) >= _FEWEST


def _note_on_values(document: dict[str, Any]) -> str:
    values = list(document.values())
    plain = all(not isinstance(value, dict | list) for value in values)
    if plain and len(values) >= _FEWEST and all(map(looks_like_a_value, document)):
        return (
            f"The file looks like one value for each of {len(values):,} keys, such as "
            f"{quoted(next(iter(document)))}; it is read as one row. {_OWN_CODE}"
        )
    if plain and not _ERRORS.isdisjoint(document):
        return "The file is one row that looks like the message of an error, not like data."
    return ""


def _lists(document: Any, prefix: str = "", depth: int = _DEEPEST) -> Iterator[tuple[str, Any]]:
    """The lists in a document that are in no list themselves, by their paths."""
    if not isinstance(document, dict) or not depth:
        return
    for key, value in document.items():
        if isinstance(value, list):
            yield f"{prefix}{key}", value
        else:
            yield from _lists(value, f"{prefix}{key}.", depth - 1)


def _objects(values: list[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)
