"""JSON documents that hold a table in another way than as a list of records."""

from __future__ import annotations

from typing import Any

from dataflow.shared.shown import quoted
from dataflow.sources.file.header import looks_like_a_value
from dataflow.sources.records import lists_of_records

_FEWEST = 2
_ERRORS = frozenset({"error", "errors", "fault"})
_OWN_CODE = "Read it with code of your own in ingestion.py, or save it as CSV."


def note_on_shape(document: Any) -> str:
    """What to say of a document that would be read as one row, though it is not; or nothing."""
    if not isinstance(document, dict):
        return ""
    found = _lists_of_lists(document)
    place = max(found, key=lambda path: found[path], default="")
    records = max(lists_of_records(document).values(), default=0)
    if place and found[place] >= records:
        return (
            f"The file has rows without names, as lists in {quoted(place)}, which are not read as "
            f"rows. {_OWN_CODE}"
        )
    if records:
        return ""
    values = list(document.values())
    lists = [value for value in values if isinstance(value, list) and not _objects(value)]
    lengths = {len(value) for value in lists}
    if lists and len(lists) == len(values) and len(lengths) == 1 and min(lengths) >= _FEWEST:
        return (
            f"The file looks like one list for each column, of {len(lists[0]):,} values; it is "
            f"read as one row. {_OWN_CODE}"
        )
    plain = all(not isinstance(value, dict | list) for value in values)
    if plain and len(values) >= _FEWEST and all(map(looks_like_a_value, document)):
        return (
            f"The file looks like one value for each of {len(values):,} keys, such as "
            f"{quoted(next(iter(document)))}; it is read as one row. {_OWN_CODE}"
        )
    if plain and not _ERRORS.isdisjoint(document):
        return "The file is one row that looks like the message of an error, not like data."
    return ""


def _lists_of_lists(document: dict[str, Any], prefix: str = "") -> dict[str, int]:
    """The paths and lengths of lists that hold nothing but lists."""
    found = {}
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
            found[f"{prefix}{key}"] = len(value)
        elif isinstance(value, dict) and not prefix:
            found |= _lists_of_lists(value, f"{key}.")
    return found


def _objects(values: list[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)
