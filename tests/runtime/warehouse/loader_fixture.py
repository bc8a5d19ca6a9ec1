"""A warehouse file and a way to load rows into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.warehouse.kind import LoadRequest
from dataflow.warehouse.load import load_table

__all__ = ["Loader", "loader", "table"]


class Loader:
    """A warehouse file and a way to load rows into it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "wf.duckdb"
        self.parquet = folder / "rows.parquet"

    def load(self, rows: list[dict[str, Any]] | pa.Table, **options: Any) -> Any:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
        pq.write_table(table, self.parquet)
        return load_table(self.database, self.parquet, LoadRequest("t", **options))

    def rows(self, sql: str = "FROM raw.t ORDER BY ALL") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def columns(self) -> list[str]:
        return [str(name) for name, *_ in self.rows("DESCRIBE raw.t")]


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(tmp_path)


def table(**columns: tuple[str, list[Any]]) -> pa.Table:
    """Columns by their DuckDB type and values as SQL writes them."""
    parts = [
        f"unnest([{', '.join(values)}]::{kind}[]) AS {name}"
        for name, (kind, values) in columns.items()
    ]
    return duckdb.sql(f"SELECT {', '.join(parts)}").to_arrow_table()
