"""How the lists and objects of a column are built, so that samples of them can be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

# What lies deeper, and more keys of one object, no test of a rendered workflow needs.
_DEEPEST = 4
_MOST_KEYS = 30
_DAY, _CLOCK = r"\d{4}-\d\d-\d\d", r"[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
_MOMENTS = {
    "DATE": re.compile(_DAY),
    "TIMESTAMP": re.compile(_DAY + _CLOCK),
    "TIMESTAMP WITH TIME ZONE": re.compile(_DAY + _CLOCK + r"(Z|[+-]\d\d(:?\d\d)?)"),
}


def shape_of(kind: pa.DataType, values: Iterable[Any], depth: int = 0) -> Any:
    """A list as a list of the shape of its items, an object by its keys, all else as a type.

    Args:
        values: Some of the values, which tell texts that are days and moments from others.

    >>> import pyarrow as pa
    >>> kind = pa.list_(pa.struct([("id", pa.int64()), ("at", pa.string())]))
    >>> shape_of(kind, [[{"id": 1, "at": "2026-01-02T10:00:00Z"}]])
    [{'id': 'BIGINT', 'at': 'TIMESTAMP WITH TIME ZONE'}]
    """
    import pyarrow as pa

    known = [value for value in values if value is not None]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        # Of lists that were all empty nothing is known.
        items = [item for value in known for item in value]
        return [shape_of(kind.value_type, items, depth + 1)] if items else []
    if pa.types.is_struct(kind):
        if depth >= _DEEPEST:
            return "JSON"
        fields = [kind.field(index) for index in range(min(kind.num_fields, _MOST_KEYS))]
        return {
            field.name: shape_of(field.type, (v.get(field.name) for v in known), depth + 1)
            for field in fields
        }
    return _moment(known) or _plain(kind)


def _moment(values: Sequence[Any]) -> str:
    """The type of texts that are all days or moments; empty if they are not."""
    texts = [value for value in values if isinstance(value, str)]
    for name, pattern in _MOMENTS.items():
        if texts and all(pattern.fullmatch(text) for text in texts):
            return name
    return ""


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
