"""How the lists and objects of a column are built, so that samples of them can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# What lies deeper, and more keys of one object, no test of a rendered workflow needs.
_DEEPEST = 4
_MOST_KEYS = 30


def shape_of_type(kind: pa.DataType, depth: int = 0) -> Any:
    """A list as a list of the shape of its items, an object by its keys, all else as a type.

    >>> import pyarrow as pa
    >>> shape_of_type(pa.list_(pa.struct([("id", pa.int64()), ("at", pa.timestamp("us", "UTC"))])))
    [{'id': 'BIGINT', 'at': 'TIMESTAMP WITH TIME ZONE'}]
    """
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        # Of lists that were all empty nothing is known.
        inner = kind.value_type
        return [] if pa.types.is_null(inner) else [shape_of_type(inner, depth + 1)]
    if pa.types.is_struct(kind):
        if depth >= _DEEPEST:
            return "JSON"
        fields = [kind.field(index) for index in range(min(kind.num_fields, _MOST_KEYS))]
        return {field.name: shape_of_type(field.type, depth + 1) for field in fields}
    return _plain(kind)


def _plain(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    tests = {
        "BOOLEAN": pa.types.is_boolean,
        "BIGINT": pa.types.is_integer,
        "DOUBLE": lambda one: pa.types.is_floating(one) or pa.types.is_decimal(one),
        "DATE": pa.types.is_date,
        "TIME": pa.types.is_time,
        "JSON": pa.types.is_nested,
    }
    return next((name for name, test in tests.items() if test(kind)), "VARCHAR")
