"""Columns of a database as it declares them, and their values as the types that it says.

Servers send values as text. A value becomes what its column's type says only if that type holds it
in every program that the rows go through; a column with one that it does not hold stays text, as
the server writes it, and a note says so. So no value ever becomes another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import shortened
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.inference import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb
    import pyarrow as pa

TEXT = "VARCHAR"
# A number with as many digits as anyone likes: its values say how many there are.
ANY_NUMBER = "NUMERIC"
# The most digits that a number of DuckDB's and of Parquet's readers may have.
MOST_DIGITS = 38
_NUMBER = r"[+-]?\d+(\.\d+)?"
_DAY = r"\d{4}-\d\d-\d\d"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
# What the text of a value looks like that the type holds. No year 0, none beyond 9999, none before
# Christ, and no infinity: only DuckDB has them; Python and the dashboards misread or refuse them.
_HELD = {
    "DATE": _DAY,
    "TIME": _CLOCK,
    "TIMESTAMP": f"{_DAY} {_CLOCK}",
    "TIMESTAMPTZ": rf"{_DAY} {_CLOCK}\+00",
    "UUID": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
# How many digits after the point a number gets that declares none and has some.
_ROOMY = (10, 18)
# Lists of these are numbers in JSON as well.
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


@dataclass(frozen=True)
class Declared:
    """A column as the database declares it.

    Args:
        type: DuckDB's type for it; with ``[]`` for lists.
        said: What a person should know about values of this type, if anything.
    """

    type: str
    said: str = ""

    @property
    def is_list(self) -> bool:
        """Whether its values are lists."""
        return self.type.endswith("[]")

    @property
    def item(self) -> str:
        """The type of a value, or of a list's items."""
        return self.type.removesuffix("[]")


def decimal(digits: int, scale: int) -> Declared:
    """A number with so many digits, of which so many stand after the point.

    >>> decimal(10, 2).type
    'DECIMAL(10,2)'
    """
    if scale < 0:
        digits, scale = digits - scale, 0
    digits = max(digits, scale, 1)
    if digits > MOST_DIGITS:
        what = f"numbers of up to {digits} digits, more than the {MOST_DIGITS} that DuckDB holds"
        return Declared(TEXT, f"has {what}, and is text; cast it where its values have fewer.")
    return Declared(f"DECIMAL({digits},{scale})")


class Gathered:
    """Rows as they come, put together by column."""

    def __init__(self, columns: Sequence[Declared]) -> None:
        self.columns = columns
        self._chunks: list[list[pa.Array]] = [[] for _ in columns]
        self._nested: set[int] = set()

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take one batch of rows, whose values are texts, but for those of the plainest types."""
        import pyarrow as pa

        for index, values in enumerate(zip(*rows, strict=True)):
            column, kind = list(values), _storage(self.columns[index])
            if pa.types.is_list(kind) and any(map(_is_nested, column)):
                self._nested.add(index)
            if index in self._nested:
                item = self.columns[index].item
                column, kind = [_json(value, item) for value in column], pa.string()
            array = pa.array(column, kind)
            chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
            self._chunks[index].extend(chunks)

    def table(self, names: Sequence[str], notes: list[str]) -> pa.Table:
        """All rows, each column in the type that it declares, or as text with a note why."""
        import pyarrow as pa

        columns = []
        with open_engine() as engine:
            engine.execute("SET arrow_lossless_conversion = true")
            for index, name in enumerate(names):
                declared, chunks = self.columns[index], self._chunks[index]
                self._chunks[index] = []
                if index in self._nested:
                    notes.append(f"Column {name!r} has lists of lists; it is JSON, as text.")
                    columns.append(pa.chunked_array(_all_json(chunks, declared.item), pa.string()))
                    continue
                if declared.said:
                    notes.append(f"Column {name!r} {declared.said}")
                column = pa.chunked_array(chunks, _storage(declared))
                columns.append(typed_column(engine, column, declared, name, notes))
        return pa.table(dict(zip(names, columns, strict=True)))


def _storage(declared: Declared) -> pa.DataType:
    """What the values are before they get their type: numbers, bytes, else texts."""
    import pyarrow as pa

    plain = {
        "BIGINT": pa.int64(),
        "UBIGINT": pa.uint64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "BLOB": pa.binary(),
    }
    kind = plain.get(declared.item, pa.string())
    return pa.list_(kind) if declared.is_list else kind


def typed_column(
    engine: duckdb.DuckDBPyConnection,
    column: pa.ChunkedArray,
    declared: Declared,
    name: str,
    notes: list[str],
) -> pa.ChunkedArray:
    """A column of texts in the type that it declares, or as it is with a note why."""
    import pyarrow as pa

    if not comes_as_text(declared):
        return column
    engine.register("dataflow_column", pa.table({"c": column}))
    try:
        source = "dataflow_column"
        if declared.is_list:
            source = "(SELECT unnest(c) AS c FROM dataflow_column)"
        kind = type_of_texts(engine, source, declared, name, notes)
        if not kind:
            return column
        wanted = f"{kind}[]" if declared.is_list else kind
        query = f"SELECT CAST(c AS {wanted}) AS c FROM dataflow_column"  # noqa: S608
        return engine.sql(query).to_arrow_table(batch_size=BATCH_ROWS)["c"]
    finally:
        engine.unregister("dataflow_column")


def comes_as_text(declared: Declared) -> bool:
    """Whether values that are no text come as texts, for their type to be made of them."""
    import pyarrow as pa

    return declared.item != TEXT and _storage(Declared(declared.item)) == pa.string()


def type_of_texts(
    engine: duckdb.DuckDBPyConnection, source: str, declared: Declared, name: str, notes: list[str]
) -> str:
    """The type that all texts ``c`` of a relation can be cast to; nothing, and a note, if none."""
    kind = _number_type(engine, source) if declared.item == ANY_NUMBER else declared.item
    misfit = _misfit(engine, source, kind)
    if misfit is None:
        return kind
    held = kind.lower() if kind else f"no number of up to {MOST_DIGITS} digits"
    shown = f"it has {shortened(misfit, 40)!r}, which is {'no ' if kind else ''}{held} here"
    notes.append(f"Column {name!r} is text: {shown}.")
    return ""


def _misfit(engine: duckdb.DuckDBPyConnection, source: str, kind: str) -> str | None:
    """A value that a type does not hold; the longest one, or one that is no number, for no type."""
    query = f"SELECT c FROM {source} WHERE c IS NOT NULL"  # noqa: S608
    if kind:
        query += f" AND NOT (regexp_full_match(c, '{_HELD.get(kind, _NUMBER)}')"
        query += f" AND TRY_CAST(c AS {kind}) IS NOT NULL"
        query += " AND c >= '0001')" if kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ") else ")"
    else:
        query += f" ORDER BY regexp_full_match(c, '{_NUMBER}'), length(c) DESC"
    row = engine.execute(f"{query} LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def _number_type(engine: duckdb.DuckDBPyConnection, source: str) -> str:
    """The decimal that holds every number of a column, or nothing if none does."""
    row: Any = engine.execute(
        f"SELECT coalesce(bool_and(regexp_full_match(c, '{_NUMBER}')), true), "  # noqa: S608
        "coalesce(max(length(ltrim(split_part(c, '.', 1), '+-'))), 1), "
        "coalesce(max(length(split_part(c, '.', 2))), 0), "
        "coalesce(max(length(rtrim(split_part(c, '.', 2), '0'))), 0) "
        f"FROM {source}"
    ).fetchone()
    are_numbers, whole, scale, shortest = row
    # With room for more places, if it has any: another day may bring them, in the same type.
    roomy = [places for places in _ROOMY if 0 < scale <= places]
    scales = [*roomy, scale, shortest]
    fitting = [places for places in scales if whole + places <= MOST_DIGITS]
    return f"DECIMAL({MOST_DIGITS},{fitting[0]})" if are_numbers and fitting else ""


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, list) for item in value)


def _json(value: Any, item: str) -> str | None:
    return None if value is None else _json_value(value, item)


def _json_value(value: Any, item: str) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_json_value(part, item) for part in value)}]"
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, bytes):
        return json.dumps(f"\\x{value.hex()}")
    if isinstance(value, float):
        return json.dumps(value) if value - value == 0 else json.dumps(str(value))
    is_number = item not in _HELD and item != TEXT and _JSON_NUMBER.fullmatch(value)
    return value if is_number else json.dumps(value, ensure_ascii=False)


def _all_json(chunks: Iterable[pa.Array], item: str) -> list[list[str | None]]:
    """Batches that came before the first list of lists as JSON, as those after it are."""
    import pyarrow as pa

    return [
        [
            value if pa.types.is_string(chunk.type) else _json(value, item)
            for value in chunk.to_pylist()
        ]
        for chunk in chunks
    ]
