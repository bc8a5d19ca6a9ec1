"""Lengths of time as text: no file that hands rows on knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.sources.duckdb_session import open_engine

if TYPE_CHECKING:
    from dataflow.sources.inference import TypedTable


def durations_as_text(typed: TypedTable) -> TypedTable:
    """A table whose lengths of time are texts such as ``2 days 01:30:00``, which SQL can cast.

    Steps hand tables on as Parquet, which refuses intervals and keeps durations as bare numbers.
    """
    import pyarrow as pa

    table, told = typed.table, []
    for index, column in enumerate(table.schema):
        if pa.types.is_duration(column.type) or pa.types.is_interval(column.type):
            with open_engine() as connection:
                connection.register("dataflow_durations", pa.table({"c0": table[index]}))
                query = "SELECT CAST(c0 AS VARCHAR) AS c0 FROM dataflow_durations"
                texts = connection.sql(query).to_arrow_table()["c0"]
            table = table.set_column(index, column.name, texts)
            told.append(
                f"Column {column.name!r} has lengths of time and is text; cast it to interval."
            )
    return replace(typed, table=table, notes=[*typed.notes, *told])
