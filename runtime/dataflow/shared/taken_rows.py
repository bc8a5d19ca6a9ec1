"""Rows that were handed out as dicts, and what somebody has changed in them since.

Whoever gets a list of dicts may change them where they are. So may whoever gets rows that are read
from a file as they are asked for: the changed ones are remembered, and take the others' place.
"""

from __future__ import annotations

import math
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

from dataflow.shared.column_values import arrow_column, refuse_other_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

_CHANGING = (
    *("__delitem__", "__ior__", "__setitem__"),
    *("clear", "pop", "popitem", "setdefault", "update"),
)
_NOTHING = object()


class KeepsRows(Protocol):
    """Whoever has handed a row out, and is told when it is about to be changed."""

    def keep(self, number: int, row: TakenRow) -> None:
        """Let a row be what it is from now on."""


class TakenRow(dict[str, Any]):
    """A row as a dict that tells whoever has handed it out before it is changed.

    Copies of it are plain dicts, and so is what ``|`` and ``**`` make of it.
    """

    __slots__ = ("_number", "_rows")
    _number: int
    _rows: KeepsRows

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def taken_rows(values: list[dict[str, Any]], rows: KeepsRows, first: int) -> list[TakenRow]:
    """Rows to hand out, one after the other, the first of which has that number."""
    # No call of Python's for each: whoever goes through millions of rows would notice.
    taken = list(map(TakenRow, values))
    for number, row in enumerate(taken, first):
        row._rows = rows
        row._number = number
    return taken


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def change(self: TakenRow, *args: Any, **named: Any) -> Any:
        self._rows.keep(self._number, self)
        return method(self, *args, **named)

    return change


for _name in _CHANGING:
    setattr(TakenRow, _name, _telling(getattr(dict, _name)))


def is_nested(kind: pa.DataType) -> bool:
    """Whether values of a type are lists or dicts, which can be changed within."""
    import pyarrow as pa

    return bool(pa.types.is_nested(kind))


def with_changed_rows(table: pa.Table, changed: Mapping[int, Mapping[str, Any]]) -> pa.Table:
    """A table in which some rows are what somebody has made of them.

    A column in which no value has changed is left as it is. One that no row has any more is gone,
    and new ones come last. A column keeps its type where the new values are of it.

    Args:
        changed: The rows, by their numbers.

    Raises:
        TableError: The values of a column do not go together.

    >>> import pyarrow as pa
    >>> with_changed_rows(pa.table({"id": [1, 2]}), {1: {"id": 5, "n": "b"}}).to_pylist()
    [{'id': 1, 'n': None}, {'id': 5, 'n': 'b'}]
    """
    import pyarrow as pa

    numbers = sorted(changed)
    rows = [changed[number] for number in numbers]
    some = table.take(pa.array(numbers, pa.int64()))
    is_all = len(rows) == table.num_rows
    names: dict[Any, None] = dict.fromkeys(table.column_names)
    for row in rows:
        names.update(dict.fromkeys(row))
    refuse_other_names(names)
    columns: dict[str, Any] = {}
    for name in names:
        there = name in table.column_names
        values = [row.get(name, _NOTHING) for row in rows]
        if is_all and all(value is _NOTHING for value in values):
            continue
        new = [None if value is _NOTHING else value for value in values]
        if there and _are_same(some.column(name).to_pylist(), new):
            columns[name] = table.column(name)
            continue
        every = table.column(name).to_pylist() if there else [None] * table.num_rows
        for number, value in zip(numbers, new, strict=True):
            every[number] = value
        columns[name] = _array(
            name, every, table.schema.field(name).type if there else None, numbers
        )
    return pa.table(columns)


def _array(name: str, values: list[Any], kind: pa.DataType | None, numbers: list[int]) -> pa.Array:
    import pyarrow as pa

    if kind is not None:
        try:
            array = pa.array(values, type=kind, from_pandas=True)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return arrow_column(name, values)
        held = array.take(pa.array(numbers, pa.int64())).to_pylist()
        if _are_same(held, [values[number] for number in numbers]):
            return array
    return arrow_column(name, values)


def _are_same(before: Sequence[Any], after: Sequence[Any]) -> bool:
    return all(map(_is_same, before, after))


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are one, of one type: 1 is neither 1.0 nor True."""
    if one is other:
        return True
    if isinstance(other, float) and math.isnan(other):
        return one is None or (isinstance(one, float) and math.isnan(one))
    return type(one) is type(other) and bool(one == other)
