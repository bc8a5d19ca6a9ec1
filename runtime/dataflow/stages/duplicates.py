"""Finding the rows that are equal to an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.sql import count_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_NUMBER = "__row_number"
# Types that are quick to read and to hash, and have many values.
_QUICK_TYPES = frozenset(
    {"INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "UUID", "DECIMAL"}
    | {"FLOAT", "DOUBLE", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
)
# So many such columns mostly tell rows apart. If more than this share of the rows is left, reading
# all columns is cheaper than comparing these.
_MOST_TELLING = 4
_MOST_SUSPECTS = 0.05
# The half of a hash that is compared: half the memory, and few rows that differ share it.
_HALF = "4294967295"
# As many rows' hashes are sorted at one time: 128 MB, and as much again while they are read.
_HASHES_AT_ONCE = 1 << 25


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
    suspects = _suspects(connection, relation, columns)
    # Not as an Arrow table, of which pyarrow and DuckDB make numbers by way of pandas.
    connection.register("shared_hashes", {"h": suspects.hashes})
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repetitions AS SELECT {number} AS n FROM {relation} "  # noqa: S608
        f"WHERE {suspects.expression} IN (FROM shared_hashes) "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY {number}) > 1"
    )
    connection.unregister("shared_hashes")
    return count_rows(connection, "repetitions")


@dataclass(frozen=True)
class _Suspects:
    """The rows that share a hash with another one.

    Args:
        expression: SQL of a row's hash.
        hashes: Those that several rows have.
        rows: How many rows have them.
    """

    expression: str
    hashes: npt.NDArray[np.uint32]
    rows: int


def _suspects(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> _Suspects:
    """Rows that have among them all that are equal to another: mostly few, and quick to compare."""
    rows = count_rows(connection, relation)
    telling = _telling_columns(connection, relation, columns)
    if telling and len(telling) < len(columns):
        suspects = _sharing_hashes(connection, relation, telling, rows)
        if suspects.rows <= rows * _MOST_SUSPECTS:
            return suspects
    return _sharing_hashes(connection, relation, columns, rows)


def _telling_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> list[str]:
    described = connection.execute(f"DESCRIBE SELECT {', '.join(columns)} FROM {relation}")  # noqa: S608
    kinds = [str(kind).partition("(")[0] for _, kind, *_ in described.fetchall()]
    quick = (column for column, kind in zip(columns, kinds, strict=True) if kind in _QUICK_TYPES)
    return list(islice(quick, _MOST_TELLING))


def _sharing_hashes(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], rows: int
) -> _Suspects:
    import numpy as np

    whole = f"hash({', '.join(columns)})"
    half = f"CAST({whole} & {_HALF} AS UINTEGER)"
    parts = max(1, -(-rows // _HASHES_AT_ONCE))
    shared, suspects = [], 0
    for part in range(parts):
        # By the other half, so that those of one part differ as much as those of all.
        only = f" WHERE ({whole} >> 32) % {parts} = {part}" if parts > 1 else ""
        reader = connection.execute(f"SELECT {half} FROM {relation}{only}").to_arrow_reader()  # noqa: S608
        batches = [np.from_dlpack(batch.column(0)) for batch in reader]
        hashes = np.concatenate([np.empty(0, np.uint32), *batches])
        del batches
        hashes.sort()
        again = hashes[1:][hashes[1:] == hashes[:-1]]
        is_first = np.ones(len(again), dtype=bool)
        np.not_equal(again[1:], again[:-1], out=is_first[1:])
        shared.append(again[is_first])
        suspects += len(again) + len(shared[-1])
    return _Suspects(half, np.concatenate(shared), suspects)
