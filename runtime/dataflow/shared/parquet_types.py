"""Arrow tables as Parquet and DuckDB can hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def storable(table: pa.Table) -> pa.Table:
    """The table without structs that have no fields: neither Parquet nor DuckDB can hold them."""
    import pyarrow as pa

    kinds = [_storable_type(field.type) for field in table.schema]
    if kinds == table.schema.types:
        return table
    columns = [
        pa.chunked_array([_storable_array(chunk) for chunk in column.chunks], type=kind)
        for column, kind in zip(table.columns, kinds, strict=True)
    ]
    fields = [field.with_type(kind) for field, kind in zip(table.schema, kinds, strict=True)]
    return pa.table(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _storable_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        fields = [field.with_type(_storable_type(field.type)) for field in kind]
        return pa.struct(fields) if fields else pa.null()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_storable_type(kind.value_type)))
    return kind


def _storable_array(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = _storable_type(array.type)
    if kind == array.type:
        return array
    if pa.types.is_null(kind):
        return pa.nulls(len(array))
    if pa.types.is_struct(kind):
        children = [_storable_array(child) for child in array.flatten()]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
    # Offsets made anew: those of a slice do not start at 0, which from_arrays refuses with a mask.
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    values = _storable_array(array.flatten())
    return pa.ListArray.from_arrays(offsets, values, type=kind, mask=array.is_null())


def durations_as_texts(table: pa.Table) -> pa.Table:
    """The table with lengths of time as texts such as ``2 days 01:30:00``, which SQL can cast.

    Parquet keeps them as bare numbers, of which nobody could tell the unit.
    """
    import pyarrow as pa

    for at, field in enumerate(table.schema):
        if pa.types.is_duration(field.type) or pa.types.is_interval(field.type):
            table = table.set_column(at, field.name, _as_texts(table.column(at)))
    return table


def _as_texts(lengths: pa.ChunkedArray) -> pa.ChunkedArray:
    import duckdb
    import pyarrow as pa

    with duckdb.connect(":memory:") as connection:
        connection.register("lengths", pa.table({"c": lengths}))
        texts = connection.sql("SELECT CAST(c AS VARCHAR) AS c FROM lengths")
        return texts.to_arrow_table()["c"]
