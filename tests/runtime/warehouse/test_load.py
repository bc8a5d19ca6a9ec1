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
from tests.progress_recorder import Recorder
from tests.runtime.warehouse.loader_fixture import Loader, loader, table

from dataflow.shared.errors import BadInputError
from dataflow.shared.step_progress import hold_progress
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import LoadRequest, Span
from dataflow.warehouse.load import load_table
from dataflow.warehouse.load_log import Batch

__all__ = ["loader"]


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


def test_names_are_names_whatever_they_contain(loader: Loader) -> None:
    """Quotes and SQL in a column's name are part of the name and run nowhere."""
    name = 'x"; DROP TABLE raw.t; --'
    loader.load([{name: 1}], write_disposition="merge", primary_key=[name])
    loader.load([{name: 1}, {name: 2}], write_disposition="merge", primary_key=[name])
    assert loader.rows() == [(1,), (2,)]


def test_the_watermark_is_kept_with_the_rows(loader: Loader) -> None:
    """What was read last is known after the load, and only if the load went through."""
    assert DuckDBFile(loader.database).read_watermark("t") is None
    loader.load([{"v": 1}], write_disposition="append", watermark="2024-01-01")
    with pytest.raises(BadInputError):
        loader.load([{"v": "text"}], write_disposition="append", watermark="2025-01-01")
    assert DuckDBFile(loader.database).read_watermark("t") == "2024-01-01"


def test_a_file_that_is_no_database_is_named(loader: Loader) -> None:
    """A damaged file is refused with its path, and is not overwritten."""
    loader.database.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseError, match=r"wf\.duckdb failed: .*not a valid DuckDB") as caught:
        loader.load([{"id": 1}])
    assert "backup" in caught.value.instruction
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


def batch(loader: Loader, run_id: str, *, finished: bool = True) -> Batch:
    return Batch(run_id, loader.parquet, lambda _: finished)


def test_an_append_that_is_repeated_adds_its_rows_once(loader: Loader) -> None:
    """A load that had committed when its run ended early can be taken up again."""
    append = {"write_disposition": "append"}
    loader.load([{"id": 1}], batch=batch(loader, "a"), **append)
    again = loader.load([{"id": 1}], batch=batch(loader, "a"), **append)
    assert (again.rows_loaded, again.rows_in_table, again.loaded_by) == (0, 1, "a")


def test_rows_of_a_run_that_failed_later_are_not_added_by_the_next(loader: Loader) -> None:
    """The same rows, in whatever order, are new rows only after a good end; others always are."""
    append = {"write_disposition": "append"}
    loader.load([{"id": 1}, {"id": 2}], batch=batch(loader, "a"), **append)
    same = [{"id": 2}, {"id": 1}]
    kept = loader.load(same, batch=batch(loader, "b", finished=False), **append)
    assert (kept.loaded_by, loader.rows()) == ("a", [(1,), (2,)])
    loader.load([{"id": 3}], batch=batch(loader, "c", finished=False), **append)
    loader.load([{"id": 3}], batch=batch(loader, "d"), **append)
    assert loader.rows() == [(1,), (2,), (3,), (3,)]


@pytest.mark.parametrize("columns", [{}, {"processed_at": pa.array([], pa.timestamp("us"))}])
@pytest.mark.parametrize("write_disposition", ["append", "merge"])
def test_an_answer_without_rows_and_columns_changes_nothing(
    loader: Loader, write_disposition: str, columns: dict[str, Any]
) -> None:
    """An API that has nothing new says `[]`, in which no column can be seen."""
    options = {"write_disposition": write_disposition, "primary_key": ["id"]}
    loader.load([{"id": 1}], **options)
    assert loader.load(pa.table(columns), **options).rows_loaded == 0
    assert loader.rows() == [(1,)]


def test_an_allowed_emptying_keeps_the_columns(loader: Loader) -> None:
    """Models on the table still find their columns; without leave the rows stay."""
    loader.load([{"id": 1}])
    with pytest.raises(BadInputError, match="allow_empty"):
        loader.load(pa.table({}))
    loader.load(pa.table({}), allow_empty=True)
    assert loader.columns() == ["id"]


def test_a_first_answer_without_columns_is_refused(loader: Loader) -> None:
    """Of nothing no table can be made; the error says so in a person's words."""
    with pytest.raises(BadInputError, match=r"no rows and no columns, of which raw\.t"):
        loader.load(pa.table({}))


def test_a_first_append_without_rows_makes_the_table(loader: Loader) -> None:
    """A batch without rows is noted as any other, and the next rows find their columns."""
    append = {"write_disposition": "append"}
    empty = pa.table({"id": pa.array([], pa.int64())})
    assert loader.load(empty, batch=batch(loader, "a"), **append).rows_in_table == 0
    assert loader.load([{"id": 1}], batch=batch(loader, "b"), **append).rows_in_table == 1
    assert loader.rows("SELECT run_id FROM dataflow.batches ORDER BY ALL") == [("a",), ("b",)]


def test_only_the_rows_of_the_run_before_are_looked_for(loader: Loader) -> None:
    """The same rows as those of an earlier run, or of another table, are new rows."""
    append = {"write_disposition": "append"}
    loader.load([{"id": 1}], batch=batch(loader, "a"), **append)
    loader.load([{"id": 2}], batch=batch(loader, "b"), **append)
    loader.load([{"id": 1}], batch=batch(loader, "c", finished=False), **append)
    assert loader.rows() == [(1,), (1,), (2,)]
    last = batch(loader, "c", finished=False)
    load_table(loader.database, loader.parquet, LoadRequest("other", "append", batch=last))
    assert loader.rows("FROM raw.other") == [(1,)]


@pytest.mark.parametrize("write_disposition", ["replace", "append", "merge"])
def test_a_column_that_no_statement_can_name_is_refused(
    loader: Loader, write_disposition: str
) -> None:
    """DuckDB would take a NUL, and keep a column that nobody can drop."""
    with pytest.raises(BadInputError, match="NUL"):
        loader.load([{"a\0b": 1}], write_disposition=write_disposition, primary_key=["a\0b"])
    assert loader.rows("FROM duckdb_tables()") == []


@pytest.mark.slow
def test_the_watermark_moves_with_each_load(loader: Loader) -> None:
    """Each table has its own, the last one counts, and no other reader is in the way."""
    loader.load([{"v": 1}], write_disposition="append")
    assert DuckDBFile(loader.database).read_watermark("t") is None
    for value in (1, 2.5, {"since": "x"}):
        loader.load([{"v": 1}], write_disposition="append", watermark=value)
        with duckdb.connect(str(loader.database), read_only=True):
            assert DuckDBFile(loader.database).read_watermark("t") == value
    assert DuckDBFile(loader.database).read_watermark("other") is None


def test_a_table_that_was_only_appended_to_has_no_watermark(loader: Loader) -> None:
    """A workflow that becomes incremental after runs that were not starts from the beginning."""
    loader.load([{"v": 1}], write_disposition="append", batch=batch(loader, "a"))
    assert DuckDBFile(loader.database).read_watermark("t") is None


def test_no_rows_move_the_watermark_and_keep_the_table(loader: Loader) -> None:
    """What has been read has been read, also if nothing was new."""
    loader.load([{"v": 1}], write_disposition="append", watermark=1)
    loader.load(pa.table({}), write_disposition="append", watermark=2)
    assert DuckDBFile(loader.database).read_watermark("t") == 2
    assert loader.rows() == [(1,)]


@pytest.mark.slow
@pytest.mark.parametrize("write_disposition", ["append", "merge"])
def test_a_full_refresh_puts_what_comes_in_place_of_all(
    loader: Loader, write_disposition: str
) -> None:
    """Types, rows and watermark are those of what came; nothing stays of earlier runs."""
    options = {"write_disposition": write_disposition, "primary_key": ["k"]}
    loader.load([{"k": 1, "v": 1}], watermark=5, batch=batch(loader, "a"), **options)
    loader.load([{"k": 3, "v": 1}], watermark=9, batch=batch(loader, "b"), **options)
    rows = [{"k": "x", "w": 1}, {"k": "x", "w": 2}]
    loader.load(rows, full_refresh=True, watermark=2, batch=batch(loader, "b"), **options)
    wanted = [("x", 1), ("x", 2)] if write_disposition == "append" else [("x", 2)]
    assert loader.rows() == wanted
    assert DuckDBFile(loader.database).read_watermark("t") == 2
    with pytest.raises(BadInputError, match="allow_empty"):
        loader.load(pa.table({"k": pa.array([], pa.string())}), full_refresh=True, **options)
    assert loader.rows() == wanted
    loader.load(rows, full_refresh=True, **options)
    assert DuckDBFile(loader.database).read_watermark("t") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "values", "since", "until"),
    [
        ("DATE", ["'2024-01-01'", "'2024-01-02'", "'2024-01-03'"], "2024-01-02", "2024-01-03"),
        ("BIGINT", ["9", "10", "11"], 10, 11),
        ("DECIMAL(5,2)", ["9.5", "10", "11"], "9.75", "10.01"),
        (
            "VARCHAR",
            ["'2024-01-01T23:00:00Z'", "'2024-01-02T01:00:00+01:00'", "'2024-01-02T00:30:00Z'"],
            "2024-01-02T00:00:00Z",
            "2024-01-02T00:10:00Z",
        ),
        (
            "TIMESTAMPTZ",
            ["'2024-01-01'", "'2024-01-02'", "'2024-01-03'"],
            "2024-01-02",
            "2024-01-03",
        ),
    ],
)
def test_rows_that_come_again_take_the_place_of_their_span(
    loader: Loader, kind: str, values: list[str], since: Any, until: Any
) -> None:
    """An append of what was there before leaves each row once, and those outside as they are."""
    append = {"write_disposition": "append"}
    loader.load(table(id=("INTEGER", ["1", "2", "3"]), at=(kind, values)), **append)
    again = table(id=("INTEGER", ["20", "21"]), at=(kind, [values[1], values[1]]))
    loader.load(again, span=Span("AT", since, until), **append)
    assert [row[0] for row in loader.rows("SELECT id FROM raw.t ORDER BY id")] == [1, 3, 20, 21]
    loader.load(again, span=Span("at", since), **append)
    assert [row[0] for row in loader.rows("SELECT id FROM raw.t ORDER BY id")] == [1, 20, 21]
    with pytest.raises(BadInputError, match="no column 'w'"):
        loader.load(again, span=Span("w", since), **append)
    loader.load(again, span=Span("w", None), **append)
    assert [row[0] for row in loader.rows("SELECT id FROM raw.t ORDER BY id")] == [20, 21]
    if kind != "VARCHAR":
        with pytest.raises(BadInputError, match="'never' cannot be compared"):
            loader.load(again, span=Span("at", "never"), **append)


def test_where_the_contract_put_all_rows_aside_the_refusal_says_so(
    loader: Loader, tmp_path: Path
) -> None:
    """It is no empty source: the table stays, and to allow that it becomes empty is not advised."""
    loader.load([{"id": 1}])
    rejected = tmp_path / "rejected.parquet"
    pq.write_table(pa.table({"reason": ["id: x is no integer"]}), rejected)
    empty = pa.table({"id": pa.array([], pa.int64())})
    with pytest.raises(BadInputError, match="put all rows aside") as refused:
        loader.load(empty, rejected=rejected)
    assert "allow_empty" not in refused.value.instruction
    assert loader.rows() == [(1,)]


def test_how_far_a_load_is_can_be_seen(loader: Loader) -> None:
    """The share of its rows; and the time left where one statement does it all."""
    progress = Recorder()
    with hold_progress(progress):
        loader.load([{"id": 1}, {"id": 2}], write_disposition="replace")
        loader.load([{"id": 1}], write_disposition="merge", primary_key=["id"])
    assert [work.is_whole for work in progress.watched] == [True, False]
    assert [rows for (rows,) in progress.told("total_rows") if rows] == [2, 1]
