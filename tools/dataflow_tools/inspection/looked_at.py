"""The rows that are looked at as relations of a DuckDB connection.

All of them are ``every_row``, where a row's place tells its number; ``data`` are those that count:
all, or the different ones. Their columns are called ``c0``, ``c1`` and so on.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.parquet_copy import copy_to_parquet
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from dataflow.sources.kept_rows import KeptRows

# Fewer are unpacked once, instead of for each question.
_CELLS_IN_MEMORY = 3_000_000


class LookedAt:
    """Rows in a connection.

    Args:
        rows: A table, or rows of a file; beside it files are written.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, rows: KeptRows) -> None:
        self._connection = connection
        self._keys = [f"c{index}" for index in range(rows.num_columns)]
        self._path: Path | None = None
        self._table: pa.Table | None = None
        self.rows: int = rows.num_rows
        if isinstance(rows, LazyRows) and rows.path is not None:
            self._path = rows.path
            self._show("every_row", rows.path)
        else:
            self._table = _plain(rows).rename_columns(self._keys)
            connection.register("every_row", self._table)
        self.keep_all()

    def keep_all(self) -> None:
        """Have every row count."""
        if self._table is not None:
            self._connection.register("data", self._table)
            return
        self._connection.execute("CREATE OR REPLACE TEMP VIEW data AS FROM every_row")

    def keep_different(self) -> int:
        """Have only those rows count that are not the same as one before them.

        Returns:
            How many they are.
        """
        from dataflow.stages.duplicates import find_repetitions, first_occurrences

        connection = self._connection
        if self._table is not None:
            keep = first_occurrences(self._table)
            table = self._table if keep is None else self._table.take(keep)
            connection.register("data", table)
            return int(table.num_rows)
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW numbered AS SELECT *, row_number() OVER () AS n "
            "FROM every_row"
        )
        again = find_repetitions(connection, "numbered", self._keys, "n")
        if again and self._path is not None:
            path = self._path.with_name(f"{uuid.uuid4().hex}.parquet")
            listed = ", ".join(self._keys)
            copy_to_parquet(
                connection,
                f"SELECT {listed} FROM numbered WHERE n NOT IN (FROM repetitions)",  # noqa: S608
                path,
            )
            self._show("data", path)
        return self.rows - again

    def _show(self, name: str, path: Path) -> None:
        columns = ", ".join(self._keys)
        rows = f"read_parquet({quote_literal(path)}) AS rows ({columns})"
        if self.rows * len(self._keys) <= _CELLS_IN_MEMORY:
            kept = f"kept_{path.stem}"
            self._connection.execute(f"CREATE TEMP TABLE {kept} AS SELECT {columns} FROM {rows}")  # noqa: S608
            rows = kept
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM {rows}"  # noqa: S608
        )


def _plain(rows: KeptRows) -> pa.Table:
    from dataflow.shared.tables import to_arrow

    return to_arrow(rows)
