"""Lengths of time, which Parquet has no type for, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.inference import TypedTable

if TYPE_CHECKING:
    import pyarrow as pa


def durations_as_text(typed: TypedTable) -> TypedTable:
    """A table whose lengths of time are texts such as ``2 days 01:30:00``, which SQL can cast.

    Steps hand tables on as Parquet, which refuses intervals and keeps durations as bare numbers.
    """
    import pyarrow as pa

    table, told = typed.table, []
    for index, field in enumerate(table.schema):
        if pa.types.is_duration(field.type) or pa.types.is_interval(field.type):
            table = table.set_column(index, field.name, _texts(table[index]))
            told.append(
                f"Column {field.name!r} has lengths of time and is text; cast it to interval."
            )
    return TypedTable(table, [*typed.notes, *told])


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    with open_engine() as connection:
        connection.register("dataflow_durations", pa.table({"c0": column}))
        query = "SELECT CAST(c0 AS VARCHAR) AS c0 FROM dataflow_durations"
        return connection.sql(query).to_arrow_table()["c0"]
