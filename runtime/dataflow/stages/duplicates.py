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
# About as many rows' hashes are sorted at one time: 128 MB, and as much again while they are read.
_HASHES_AT_ONCE = 1 << 24


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
    if not suspects.rows:
        connection.execute("CREATE OR REPLACE TEMP TABLE repetitions (n BIGINT)")
        return 0
    # Not as an Arrow table, of which pyarrow and DuckDB make numbers by way of pandas.
    connection.register("shared_hashes", {"h": suspects.hashes})
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repetitions AS SELECT {number} AS n FROM {relation} "  # noqa: S608
        f"WHERE {_hash_of(suspects.columns)} IN (FROM shared_hashes) "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY {number}) > 1"
    )
    connection.unregister("shared_hashes")
    return count_rows(connection, "repetitions")


@dataclass(frozen=True)
class _Suspects:
    """The rows that share a hash with another one.

    Args:
        columns: What it is a hash of.
        hashes: Those that several rows have.
        rows: How many rows have them.
    """

    columns: Sequence[str]
    hashes: npt.NDArray[np.uint64]
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

    parts = max(1, -(-rows // _HASHES_AT_ONCE))
    shared, suspects = [], 0
    for part in range(parts):
        found, others = _found_twice(connection, relation, columns, part, parts)
        shared.append(found)
        suspects += others
    return _Suspects(columns, np.concatenate(shared), suspects)


def _found_twice(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[str],
    part: int,
    parts: int,
) -> tuple[npt.NDArray[np.uint64], int]:
    """Which hashes of a part of all several rows have, and how many rows have those."""
    import numpy as np

    whole = _hash_of(columns)
    only = f" WHERE {whole} % {parts} = {part}" if parts > 1 else ""
    reader = connection.execute(f"SELECT {whole} FROM {relation}{only}").to_arrow_reader()  # noqa: S608
    held: list[npt.NDArray[np.uint64]] = [np.empty(0, np.uint64)]
    rows, kept = 0, 0
    for batch in reader:
        held.append(np.asarray(np.from_dlpack(batch.column(0)), np.uint64))
        rows, kept = rows + batch.num_rows, kept + batch.num_rows
        if kept > 2 * _HASHES_AT_ONCE:
            # Far more than a part of them: most are the same.
            held = [_twice_at_most(_sorted(held))]
            kept = len(held[0])
    hashes = _sorted(held)
    again = hashes[1:] == hashes[:-1]
    found = np.unique(hashes[1:][again])
    singles = len(hashes) - int(again.sum()) - len(found)
    return found, rows - singles


def _sorted(held: list[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """All of them, which are let go of."""
    import numpy as np

    hashes = np.concatenate(held)
    held.clear()
    hashes.sort()
    return hashes


def _twice_at_most(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Of equal ones, which follow each other, the first two."""
    import numpy as np

    return np.concatenate([hashes[:2], hashes[2:][hashes[2:] != hashes[:-2]]])


def _hash_of(columns: Sequence[str]) -> str:
    return f"hash({', '.join(columns)})"
