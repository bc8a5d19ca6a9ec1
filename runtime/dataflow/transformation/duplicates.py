"""Finding the rows that are equal to an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["first_occurrences"]

_NUMBER = "__row_number"


def first_occurrences(table: pa.Table) -> pa.Array | None:
    """The numbers of the rows that are not equal to an earlier row, in their order.

    Null equals null and NaN equals NaN, as in SQL's DISTINCT; nested values are compared by value.

    Returns:
        Row numbers for ``table.take``, or None if no row is a duplicate.
    """
    import duckdb
    import numpy as np
    import pyarrow as pa

    if table.num_columns == 0 or table.num_rows < 2:
        return None
    numbers = pa.array(np.arange(table.num_rows, dtype=np.int64))
    # Generated names: the columns' own may be unusual, or differ only in case.
    names = [f"c{index}" for index in range(table.num_columns)]
    with duckdb.connect(":memory:") as connection:
        connection.register("rows", table.rename_columns(names).append_column(_NUMBER, numbers))
        suspects = _suspects(connection, names)
        if suspects == 0:
            return None
        later: Any = connection.sql(
            f"SELECT {_NUMBER} FROM rows WHERE {_NUMBER} IN (FROM suspects) "  # noqa: S608
            f"QUALIFY row_number() OVER (PARTITION BY {', '.join(names)} ORDER BY {_NUMBER}) > 1"
        ).fetchnumpy()[_NUMBER]
    if len(later) == 0:
        return None
    keep = np.ones(table.num_rows, dtype=bool)
    keep[later] = False
    return pa.array(np.flatnonzero(keep))


def _suspects(connection: duckdb.DuckDBPyConnection, names: list[str]) -> int:
    """Keep the rows that share a hash with another row: few, so that comparing them is cheap."""
    connection.execute(
        f"CREATE TEMP TABLE hashes AS SELECT {_NUMBER}, hash({', '.join(names)}) AS h "  # noqa: S608
        "FROM rows"
    )
    connection.execute(
        f"CREATE TEMP TABLE suspects AS SELECT {_NUMBER} FROM hashes "  # noqa: S608
        "WHERE h IN (SELECT h FROM hashes GROUP BY h HAVING count(*) > 1)"
    )
    row = connection.execute("SELECT count(*) FROM suspects").fetchone()
    return int(row[0]) if row else 0
