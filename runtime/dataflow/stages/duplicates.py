"""Finding the rows that are equal to an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.sql import count_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa

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
        limit_memory(connection)
        connection.register("rows", table.rename_columns(names).append_column(_NUMBER, numbers))
        if not find_repetitions(connection, "rows", names, _NUMBER):
            return None
        later: Any = connection.sql("FROM repetitions").fetchnumpy()["n"]
    keep = np.ones(table.num_rows, dtype=bool)
    keep[later] = False
    return pa.array(np.flatnonzero(keep))


def find_repetitions(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], number: str
) -> int:
    """Put the numbers of the rows that are equal to an earlier row into ``repetitions (n)``.

    Args:
        connection: Where the relation is; the temporary table is made there.
        relation: What may stand after FROM.
        columns: The columns to compare, as they are written in SQL.
        number: The column that numbers the rows.
    """
    listed = ", ".join(columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE hashes AS SELECT {number} AS n, hash({listed}) AS h "  # noqa: S608
        f"FROM {relation}"
    )
    # Those that share a hash with another row: few, so that comparing them is cheap.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE suspects AS SELECT n FROM hashes "
        "WHERE h IN (SELECT h FROM hashes GROUP BY h HAVING count(*) > 1)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repetitions AS SELECT {number} AS n FROM {relation} "  # noqa: S608
        f"WHERE {number} IN (FROM suspects) "
        f"QUALIFY row_number() OVER (PARTITION BY {listed} ORDER BY {number}) > 1"
    )
    connection.execute("DROP TABLE hashes")
    return count_rows(connection, "repetitions")
