"""Python's values as one column of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.changed_values import first_changed, first_unconvertible
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa


class TableError(BadInputError):
    """Rows that cannot be made a table: mixed types in a column, or no rows at all.

    Why: Rows of `extract_data` or `transform_data` become a table: one type for each column,
    text as names.

    What to do: Make the values of the column that is named one type, where they come from.
    """


def refuse_other_names(names: Iterable[Any]) -> None:
    """Refuse names of columns that are no text, as keys of dicts may be.

    Raises:
        TableError: There is such a name.
    """
    for name in names:
        if not isinstance(name, str):
            raise TableError(
                f"The column name {quoted(name)} is not text.", "Make every key a string."
            )


def arrow_column(name: str, values: list[Any]) -> pa.Array:
    """One column of Python values, or an error that names its first value that does not fit."""
    import pyarrow as pa

    try:
        array = pa.array(values, from_pandas=True)
    except OverflowError:
        return _decimals(name, values)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _misfit(name, values) from error
    refuse_changed(name, values, array.type)
    return array


def refuse_changed(name: str, values: Any, kind: pa.DataType) -> None:
    """Refuse values of which an array of that type has made others.

    Raises:
        TableError: There is one; the first is named.
    """
    if changed := first_changed(values, kind):
        raise _mixed(name, changed[0], list(values), changed[1])


def _decimals(name: str, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, type=pa.decimal128(38, 0), from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _misfit(name, values) from error


def _misfit(name: str, values: list[Any]) -> TableError:
    number = first_unconvertible(values)
    before = next((type(v).__name__ for v in values[:number] if v is not None), "null")
    return _mixed(name, number, values, before)


def _mixed(name: str, number: int, values: list[Any], before: str) -> TableError:
    value = values[number]
    return TableError(
        f"The column {quoted(name)} cannot be made one type: row {number} has {quoted(value)} "
        f"({type(value).__name__}), and the rows before it have {before}.",
        "Make the column one type in ingestion.py or transform.py, for example with str(value).",
    )
