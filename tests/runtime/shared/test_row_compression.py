"""How the files are compressed that hand rows from step to step."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.shared.parquet_copy import copy_to_parquet
from dataflow.shared.project import Project, use_project
from dataflow.shared.tables import write_parquet


@pytest.mark.parametrize(
    ("settings", "codec"), [("", "LZ4"), ('state_store = "/mnt/shop"\n', "ZSTD")]
)
def test_files_that_go_over_the_network_are_the_smaller_ones(
    tmp_path: Path, settings: str, codec: str
) -> None:
    """Whoever writes them, DuckDB or Arrow; others cost less to write and to read."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.dataflow]\n{settings}")
    with use_project(Project(tmp_path)):
        copy_to_parquet(duckdb.connect(), "SELECT 1 AS id, 'x' AS name", tmp_path / "a.parquet")
        write_parquet(pa.table({"id": [1], "name": ["x"]}), tmp_path / "b.parquet")
    for name in ("a.parquet", "b.parquet"):
        group = pq.read_metadata(tmp_path / name).row_group(0)
        assert {group.column(at).compression for at in range(2)} == {codec}


def test_the_sign_of_zero_is_kept(tmp_path: Path) -> None:
    """In columns of nothing else, and in lists; DuckDB's dictionaries would lose it."""
    zero = "(CASE WHEN i % 2 = 1 THEN '-' ELSE '' END || '0.0')::DOUBLE"
    select = f"SELECT {zero} AS d FROM range(10) r(i)"
    path = tmp_path / "rows.parquet"
    copy_to_parquet(duckdb.connect(), f"SELECT d, [d] AS l, d::FLOAT AS f FROM ({select})", path)
    signs = duckdb.sql(f"SELECT d::VARCHAR, l[1]::VARCHAR, f::VARCHAR FROM '{path}'").fetchall()
    assert signs == [("0.0",) * 3, ("-0.0",) * 3] * 5


def test_columns_of_few_values_have_dictionaries(tmp_path: Path) -> None:
    """They are read in a third of the time."""
    select = (
        "SELECT 'customer ' || i AS customer, 'region ' || i % 4 AS region FROM range(9000) r(i)"
    )
    copy_to_parquet(duckdb.connect(), select, tmp_path / "rows.parquet")
    group = pq.read_metadata(tmp_path / "rows.parquet").row_group(0)
    assert [group.column(at).has_dictionary_page for at in range(2)] == [False, True]
