"""Records in JSON: found in an answer of an API or a file, and kept on disk as JSON Lines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError
from dataflow.sources.exact_numbers import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from io import BufferedWriter
    from pathlib import Path

    from dataflow.sources.local_file import LocalFile

# What is not in a document; null is.
MISSING: Any = object()
_DEEPEST = 3
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# So many characters are shown on each side of one that cannot be.
_AROUND = 12
# Lists that stand beside the records of an answer, and are none.
_BESIDE = (
    *("links", "errors", "warnings", "messages", "notices", "included", "facets", "aggregations"),
    *("filters", "sort", "columns", "fields", "schema", "breadcrumbs", "expands"),
)


class OtherShapeError(SourceDataError):
    """A document holds its records in another shape than as a list of objects.

    Args:
        document: The document.
    """

    def __init__(self, reason: str, instruction: str, document: Any) -> None:
        super().__init__(reason, instruction)
        self.document = document


class JsonLines:
    """A JSON Lines file that grows; only the records being added are in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        path.write_bytes(b"")

    def add(self, records: Iterable[dict[str, Any]], lines: Sequence[str] | None = None) -> None:
        """Append records, of which ``lines`` is what `as_lines` has made, if they are at hand.

        Raises:
            SourceDataError: A text holds half a character, which no file can hold.
        """
        with self.path.open("ab") as file:
            if lines is None:
                for record in records:
                    self._write(file, [record], [_ENCODER.encode(record)])
            elif lines:
                self._write(file, list(records), lines)

    def _write(
        self, file: BufferedWriter, records: Sequence[dict[str, Any]], lines: Sequence[str]
    ) -> None:
        try:
            file.write("\n".join([*lines, ""]).encode())
        except UnicodeEncodeError:
            for number, (record, line) in enumerate(zip(records, lines, strict=True), start=1):
                _refuse_half_character(record, line, self.count + number)
        self.count += len(lines)


def as_lines(records: Iterable[dict[str, Any]]) -> list[str]:
    """Records as the lines of a JSON Lines file.

    >>> as_lines([{"id": 1, "tags": ["a"]}])
    ['{"id":1,"tags":["a"]}']
    """
    return list(map(_ENCODER.encode, records))


def _refuse_half_character(record: dict[str, Any], line: str, number: int) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        raise _half_character(record, number, error) from None


def _half_character(
    record: dict[str, Any], number: int, error: UnicodeEncodeError
) -> SourceDataError:
    """JSON can write one half of a character that takes two escapes, such as an emoji's."""
    half = f"\\u{ord(error.object[error.start]):x}"
    near = error.object[max(error.start - _AROUND, 0) : error.end + _AROUND]
    near = near.encode("utf-8", errors="replace").decode()
    key = next((key for key, value in record.items() if _has_half(value)), next(iter(record)))
    return SourceDataError(
        f"Record {number:,} has half a character in {quoted(key)}, {half} where {near!r} has a "
        "question mark: no text can hold it.",
        "Correct it at the source, or read it with code of your own in ingestion.py.",
    )


def _has_half(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def parted(document: Any) -> Any:
    """A list of what is said of the records, and of these, as an object by their places.

    So paths lead to both. Anything else is returned as it is.

    >>> parted([{"page": 1, "total": 2}, [{"id": 1}, {"id": 2}]])
    {'0': {'page': 1, 'total': 2}, '1': [{'id': 1}, {'id': 2}]}
    >>> parted([{"id": 1}, {"id": 2}])
    [{'id': 1}, {'id': 2}]
    """
    match document:
        case [dict() as said, list() as records] if _are_objects(records):
            return {"0": said, "1": records}
        case [{"total": 0} as said, None]:
            return {"0": said, "1": []}
    return document


def value_at(document: Any, path: str) -> Any:
    """The value at a dotted path such as ``meta.next``, or ``MISSING``.

    A key with dots in it is found as well.
    """
    if not isinstance(document, dict):
        return MISSING
    if path in document:
        return document[path]
    first, dot, rest = path.partition(".")
    if not dot or first not in document:
        return MISSING
    return value_at(document[first], rest)


def find_records(document: Any, data_path: str | None, shown: str) -> list[dict[str, Any]]:
    """The list of records in an answer.

    Without a path it is the answer itself, or the one list of objects in it; an object without
    any list is one record.
    """
    if data_path:
        found = value_at(document, data_path)
        if found is MISSING:
            keys = ", ".join(map(repr, document)) if isinstance(document, dict) else ""
            raise SourceDataError(
                f"{shown} has nothing at {quoted(data_path)}; it has {keys or 'no keys'}.",
                "Correct `ingestion.source.data_path`.",
            )
    else:
        found = _guess(document, shown)
    records = [found] if isinstance(found, dict) else found
    if records is None:
        return []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise OtherShapeError(
            f"{shown} holds values that are not objects.",
            "Set `ingestion.source.data_path` to the list of records, which must be JSON objects; "
            "or, if each is a list of values, `ingestion.source.records` to rows.",
            document,
        )
    return records


def read_json(file: LocalFile) -> Any:
    """The document in a JSON file, held in memory whole."""
    try:
        data = file.path.read_bytes()
        # JSON tells its encoding by its first bytes, and may begin with a mark.
        return parted(loads(data.decode(json.detect_encoding(data))))
    except (ValueError, RecursionError) as error:
        raise SourceDataError(
            f"{file.shown} is not JSON: {error}.", "Correct the file, or fetch it again."
        ) from error


def extract_records(files: Sequence[LocalFile], data_path: str, folder: Path) -> list[LocalFile]:
    """The lists of records in JSON files, as files of JSON Lines; each is held in memory whole."""
    extracted = []
    for number, file in enumerate(files):
        lines = JsonLines(folder / f"records-{number}.jsonl")
        lines.add(find_records(read_json(file), data_path, file.shown))
        extracted.append(replace(file, path=lines.path, format="jsonl"))
    return extracted


def lists_of_records(document: Any) -> dict[str, int]:
    """The paths and lengths of the lists of several objects in a document that is an object.

    A list of one object is among them where an object of such a list has the same keys.
    """
    lists = _lists(document, "", _DEEPEST) if isinstance(document, dict) else {}
    kinds = {_keys(values) for values in lists.values() if len(values) > 1}
    return {
        path: len(values)
        for path, values in lists.items()
        if len(values) > 1 or (values and _keys(values) in kinds)
    }


def lists_of_lists(document: Any) -> dict[str, list[Any]]:
    """The lists of a document that hold nothing but lists, such as rows without names."""
    found: dict[str, list[Any]] = {}
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
            found[key] = value
        elif isinstance(value, dict):
            inner = {name: item for name, item in value.items() if isinstance(item, list) and item}
            found |= {
                f"{key}.{name}": item
                for name, item in inner.items()
                if all(isinstance(each, list) for each in item)
            }
    return found


def _guess(document: Any, shown: str) -> Any:
    if not isinstance(document, dict):
        return document
    lists = _lists(document, "", _DEEPEST)
    filled = {path: values for path, values in lists.items() if values}
    chosen = filled or lists
    rows = lists_of_lists(document)
    beside = [path for path in filled if path.rpartition(".")[2].lower() in _BESIDE]
    if rows and filled and len(beside) == len(filled):
        # What describes the columns is no record.
        raise OtherShapeError(
            f"{shown} has its rows as lists of values in {quoted(next(iter(rows)))}.",
            f"Set `records: rows`, `data_path: {next(iter(rows))}` and `names_path: {beside[0]}` "
            "under `ingestion.source`.",
            document,
        )
    own = {p: v for p, v in lists.items() if p.rpartition(".")[2].lower() not in _BESIDE}
    if len(chosen) > 1 or own.keys().isdisjoint(chosen):
        # `data` beside `links` is as plain as `data` alone, also where `data` has no records today.
        chosen = {p: v for p, v in own.items() if v} or own or chosen
    if len(chosen) > 1:
        raise SourceDataError(
            f"{shown} has several lists of records: {', '.join(chosen)}.",
            f"Set `ingestion.source.data_path` to the one that is meant, such as "
            f"{next(iter(chosen))}.",
        )
    return next(iter(chosen.values())) if chosen else document


def _keys(values: list[Any]) -> frozenset[str]:
    """The keys of the first object of a list."""
    return frozenset(next((each for each in values if each is not None), {}))


def _are_objects(values: list[Any]) -> bool:
    return not values or (
        all(isinstance(value, dict | None) for value in values)
        and any(value is not None for value in values)
    )


def _lists(document: dict[str, Any], prefix: str, depth: int) -> dict[str, list[Any]]:
    """The lists of objects in a document that are not in a list themselves, and empty lists.

    Those of objects and nulls are among them, for the reader to refuse.
    """
    found: dict[str, list[Any]] = {}
    for key, value in document.items():
        if isinstance(value, list) and _are_objects(value):
            found[f"{prefix}{key}"] = value
        elif isinstance(value, dict) and depth > 1:
            found |= _lists(value, f"{prefix}{key}.", depth - 1)
    return found
