"""Loading rows into a warehouse table."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.load import load_table
from dataflow.warehouse.watermark import read_watermark


class Loader:
    """A warehouse file and a way to load rows into it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "wf.duckdb"
        self.parquet = folder / "rows.parquet"

    def load(self, rows: list[dict[str, Any]] | pa.Table, **options: Any) -> Any:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
        pq.write_table(table, self.parquet)
        return load_table(self.database, self.parquet, "t", **options)

    def rows(self, sql: str = "FROM raw.t ORDER BY ALL") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(tmp_path)


def test_replace_leaves_the_new_rows_only(loader: Loader) -> None:
    """After a replace the table has the new rows and the new columns."""
    loader.load([{"id": 1, "old": "x"}])
    result = loader.load([{"id": 2, "new": "y"}], write_disposition="replace")
    assert loader.rows() == [(2, "y")]
    assert (result.table, result.rows_loaded, result.rows_in_table) == ("raw.t", 1, 1)


def test_replace_with_no_rows_keeps_the_table(loader: Loader) -> None:
    """A source that suddenly gives nothing does not empty a table."""
    loader.load([{"id": 1}])
    empty = pa.table({"id": pa.array([], pa.int64())})
    with pytest.raises(BadInputError, match="allow_empty"):
        loader.load(empty)
    assert loader.rows() == [(1,)]
    loader.load(empty, allow_empty=True)
    assert loader.rows() == []


def test_append_adds_rows_and_columns(loader: Loader) -> None:
    """New columns are added, columns that are missing become null."""
    loader.load([{"id": 1, "a": "x"}], write_disposition="append")
    loader.load([{"id": 2, "b": 1.5}], write_disposition="append")
    assert loader.rows() == [(1, "x", None), (2, None, 1.5)]


def test_merge_replaces_by_key_and_the_last_row_of_a_key_counts(loader: Loader) -> None:
    """Rows with a known key are replaced, others added, and a key is never there twice."""
    merge = {"write_disposition": "merge", "primary_key": ["id"]}
    loader.load([{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], **merge)
    loader.load([{"id": 2, "v": "first"}, {"id": 3, "v": "c"}, {"id": 2, "v": "last"}], **merge)
    assert loader.rows() == [(1, "a"), (2, "last"), (3, "c")]


def test_merge_refuses_a_key_that_is_missing_or_null(loader: Loader) -> None:
    """A row that the key cannot identify is refused, and nothing is loaded."""
    merge = {"write_disposition": "merge", "primary_key": ["id"]}
    loader.load([{"id": 1}], **merge)
    with pytest.raises(BadInputError, match="no value in the primary key"):
        loader.load([{"id": 2}, {"id": None}], **merge)
    with pytest.raises(BadInputError, match="does not have|do not have"):
        loader.load([{"other": 2}], **merge)
    assert loader.rows() == [(1,)]


def test_a_wider_number_widens_the_column(loader: Loader) -> None:
    """1.5 appended to a column of whole numbers stays 1.5."""
    loader.load([{"v": 1}], write_disposition="append")
    loader.load([{"v": 1.5}], write_disposition="append")
    assert loader.rows() == [(1.0,), (1.5,)]


def test_text_in_a_number_column_is_refused_and_nothing_is_lost(loader: Loader) -> None:
    """A column that turned to text is named, and the table is as it was."""
    loader.load([{"v": 1}], write_disposition="append")
    with pytest.raises(BadInputError, match="'v'.*BIGINT.*VARCHAR"):
        loader.load([{"v": "many"}], write_disposition="append")
    assert loader.rows() == [(1,)]


def test_names_are_names_whatever_they_contain(loader: Loader) -> None:
    """Quotes and SQL in a column's name are part of the name and run nowhere."""
    name = 'x"; DROP TABLE raw.t; --'
    loader.load([{name: 1}], write_disposition="merge", primary_key=[name])
    loader.load([{name: 1}, {name: 2}], write_disposition="merge", primary_key=[name])
    assert loader.rows() == [(1,), (2,)]


def test_the_watermark_is_kept_with_the_rows(loader: Loader) -> None:
    """What was read last is known after the load, and only if the load went through."""
    assert read_watermark(loader.database, "t") is None
    loader.load([{"v": 1}], write_disposition="append", watermark="2024-01-01")
    with pytest.raises(BadInputError):
        loader.load([{"v": "text"}], write_disposition="append", watermark="2025-01-01")
    assert read_watermark(loader.database, "t") == "2024-01-01"


def test_a_file_that_is_no_database_is_named(loader: Loader) -> None:
    """A damaged file is refused with its path, and is not overwritten."""
    loader.database.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseError, match="wf.duckdb"):
        loader.load([{"id": 1}])
    assert loader.database.read_bytes().startswith(b"not a database")


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_load_waits_for_a_program_that_has_the_file_open(loader: Loader) -> None:
    """A program that has the file open delays a load; it does not break it."""
    loader.load([{"id": 1}])
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(loader.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with ThreadPoolExecutor() as pool:
            load = pool.submit(loader.load, [{"id": 2}])
            assert not load.done()
            holder.communicate(b"\n", timeout=30)
            load.result(timeout=30)
    assert loader.rows() == [(2,)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_merging_batches_equals_a_dictionary(
    tmp_path: Path, batches: list[list[tuple[int, int]]]
) -> None:
    """Whatever comes in whatever order, a merge leaves what a dict would."""
    loader = Loader(tmp_path)
    loader.database.unlink(missing_ok=True)
    expected: dict[int, int] = {}
    for batch in batches:
        loader.load(
            [{"k": key, "v": value} for key, value in batch],
            write_disposition="merge",
            primary_key=["k"],
        )
        expected.update(batch)
    assert loader.rows() == sorted(expected.items())
