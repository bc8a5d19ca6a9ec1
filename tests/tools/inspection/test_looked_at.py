"""Rows that are looked at: all, or the different ones, whether they are a file or a table."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.shared.lazy_rows import LazyRows
from dataflow_tools.inspection.looked_at import LookedAt

ROWS = {"id": [1, 2, 1, None, None], "name": ["a", "b", "a", "c", "c"]}


@pytest.mark.parametrize(
    ("as_file", "times"),
    [(True, 1), (False, 1), pytest.param(True, 310_000, marks=pytest.mark.slow)],
)
def test_the_first_of_same_rows_counts(tmp_path: Path, as_file: bool, times: int) -> None:
    """Rows that come again are left out, in the order of the others, and come back."""
    table = pa.concat_tables([pa.table(ROWS)] * times)
    rows: pa.Table | LazyRows = table
    if as_file:
        pq.write_table(table, tmp_path / "rows.parquet")
        rows = LazyRows(tmp_path / "rows.parquet")
    with duckdb.connect() as connection:
        looked_at = LookedAt(connection, rows)
        assert looked_at.rows == 5 * times
        assert looked_at.keep_different() == 3
        different = connection.execute("FROM data").fetchall()
        assert different == [(1, "a"), (2, "b"), (None, "c")]
        looked_at.keep_all()
        assert connection.execute("SELECT count(*) FROM data").fetchall() == [(5 * times,)]


def test_names_do_not_matter(tmp_path: Path) -> None:
    """Columns are called by their places, whatever signs their own names have."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({'a "b"': [1], "select": [2]}), path)
    with duckdb.connect() as connection:
        LookedAt(connection, LazyRows(path))
        assert connection.execute("SELECT c0, c1 FROM every_row").fetchall() == [(1, 2)]
