"""Loading rows into a warehouse table."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
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
from dataflow.warehouse.kind import LoadRequest, Owners, Span
from dataflow.warehouse.load import load_table
from dataflow.warehouse.load_log import Batch, read_watermark


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


def test_a_new_column_does_not_hide_a_wider_one_behind_it(loader: Loader) -> None:
    """Every column is looked at, whatever came before it."""
    append = {"write_disposition": "append"}
    loader.load([{"a": 1, "v": 1, "w": 1}], **append)
    loader.load([{"new": 1, "a": 1, "v": 1.5, "w": 2.5}], **append)
    assert loader.rows("SELECT v, w FROM raw.t ORDER BY ALL") == [(1.0, 1.0), (1.5, 2.5)]


def test_a_narrower_number_leaves_the_column(loader: Loader) -> None:
    """Whole numbers fit into a column of fractions, and anything into a column of text."""
    append = {"write_disposition": "append"}
    loader.load([{"v": 1.5, "s": "x"}], **append)
    loader.load([{"v": 2, "s": 3}], **append)
    assert loader.rows() == [(1.5, "x"), (2.0, "3")]
    assert [kind for _, kind, *_ in loader.rows("DESCRIBE raw.t")] == ["DOUBLE", "VARCHAR"]


def test_columns_that_differ_in_case_are_one(loader: Loader) -> None:
    """As everywhere in SQL: `ID` goes into `id`, also as the key of a merge."""
    merge = {"write_disposition": "merge", "primary_key": ["Id"]}
    loader.load([{"id": 1, "v": 1}], **merge)
    loader.load([{"ID": 1, "V": 2.5}], **merge)
    assert loader.columns() == ["id", "v"]
    assert loader.rows() == [(1, 2.5)]


@pytest.mark.parametrize("write_disposition", ["replace", "append", "merge"])
def test_a_column_that_no_statement_can_name_is_refused(
    loader: Loader, write_disposition: str
) -> None:
    """DuckDB would take a NUL, and keep a column that nobody can drop."""
    with pytest.raises(BadInputError, match="NUL"):
        loader.load([{"a\0b": 1}], write_disposition=write_disposition, primary_key=["a\0b"])
    assert loader.rows("FROM duckdb_tables()") == []


def test_a_merge_needs_a_key_and_the_name_of_the_row_number(loader: Loader) -> None:
    """Without a key nothing says which rows are the same."""
    with pytest.raises(BadInputError, match="names no column"):
        loader.load([{"id": 1}], write_disposition="merge")
    with pytest.raises(BadInputError, match="'file_row_number'"):
        loader.load(
            [{"id": 1, "File_Row_Number": 1}], write_disposition="merge", primary_key=["id"]
        )
    assert loader.rows("FROM duckdb_tables()") == []


def test_values_that_cannot_become_the_columns_type_change_nothing(loader: Loader) -> None:
    """Types that have nothing to do with each other are named."""
    loader.load([{"v": {"a": 1}}], write_disposition="append")
    with pytest.raises(BadInputError, match=r"'v' of raw.*holds STRUCT.*came BIGINT") as caught:
        loader.load([{"v": 5}], write_disposition="append", watermark=1)
    assert "transform.py" in caught.value.instruction
    assert loader.rows() == [({"a": 1},)]
    assert read_watermark(loader.database, "t") is None


def test_the_watermark_moves_with_each_load(loader: Loader) -> None:
    """Each table has its own, the last one counts, and no other reader is in the way."""
    loader.load([{"v": 1}], write_disposition="append")
    assert read_watermark(loader.database, "t") is None
    for value in (1, 2.5, {"since": "x"}):
        loader.load([{"v": 1}], write_disposition="append", watermark=value)
        with duckdb.connect(str(loader.database), read_only=True):
            assert read_watermark(loader.database, "t") == value
    assert read_watermark(loader.database, "other") is None


def test_a_table_that_was_only_appended_to_has_no_watermark(loader: Loader) -> None:
    """A workflow that becomes incremental after runs that were not starts from the beginning."""
    loader.load([{"v": 1}], write_disposition="append", batch=batch(loader, "a"))
    assert read_watermark(loader.database, "t") is None


def test_no_rows_move_the_watermark_and_keep_the_table(loader: Loader) -> None:
    """What has been read has been read, also if nothing was new."""
    loader.load([{"v": 1}], write_disposition="append", watermark=1)
    loader.load(pa.table({}), write_disposition="append", watermark=2)
    assert read_watermark(loader.database, "t") == 2
    assert loader.rows() == [(1,)]


def test_a_merge_puts_items_in_the_place_of_all_of_the_same_owners(loader: Loader) -> None:
    """Items that an owner no longer has are gone, also the last; those of others stay."""
    path = loader.database.with_name("owners.parquet")

    def load(owners: list[int], items: list[tuple[int, str]]) -> None:
        pq.write_table(pa.table({"id": owners}), path)
        table = pa.table({"o": [o for o, _ in items], "v": [v for _, v in items]})
        schema = pa.schema([("o", pa.int64()), ("v", pa.string())])
        loader.load(
            table.cast(schema) if items else schema.empty_table(),
            write_disposition="merge",
            primary_key=["o"],
            owners=Owners(path, {"o": "id"}),
        )

    load([1, 2], [(1, "a"), (1, "b"), (2, "c")])
    load([1], [(1, "a")])
    assert loader.rows() == [(1, "a"), (2, "c")]
    load([2], [])
    assert loader.rows() == [(1, "a")]


def table(**columns: tuple[str, list[Any]]) -> pa.Table:
    """Columns by their DuckDB type and values as SQL writes them."""
    parts = [
        f"unnest([{', '.join(values)}]::{kind}[]) AS {name}"
        for name, (kind, values) in columns.items()
    ]
    return duckdb.sql(f"SELECT {', '.join(parts)}").to_arrow_table()


@pytest.mark.parametrize(
    ("old", "new", "sums"),
    [
        (("BIGINT", ["10", "20"]), ("DECIMAL(4,2)", ["12.75"]), "42.75"),
        (("DECIMAL(10,2)", ["0.10"]), ("DOUBLE", ["12.75"]), "12.85"),
        (("DECIMAL(38,2)", ["0.10"]), ("DECIMAL(38,5)", ["0.00001"]), "0.10001"),
        (("BIGINT", ["9007199254740993"]), ("DECIMAL(4,2)", ["0.25"]), "9007199254740993.25"),
        (("BIGINT", ["9007199254740993"]), ("DOUBLE", ["2.0"]), "9007199254740995"),
        (("UBIGINT", ["18446744073709551615"]), ("BIGINT", ["-1"]), "18446744073709551614"),
        (("DOUBLE", ["1.5"]), ("BIGINT", ["2"]), "3.5"),
        (("FLOAT", ["1.5"]), ("BIGINT", ["16777217"]), "16777218.5"),
        (("BIGINT", ["1"]), ("HUGEINT", ["100000000000000000000"]), "100000000000000000001"),
    ],
)
def test_numbers_that_come_in_another_type_stay_what_they_are(
    loader: Loader, old: Any, new: Any, sums: str
) -> None:
    """Whole numbers grow decimals, decimals grow places: none is rounded."""
    loader.load(table(v=old), write_disposition="append")
    loader.load(table(v=new), write_disposition="append")
    found = sum(Decimal(str(value)) for (value,) in loader.rows("SELECT v FROM raw.t"))
    assert found == Decimal(sums)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("BIGINT", ["9007199254740993"]), ("DOUBLE", ["0.5"])),
        (("DOUBLE", ["0.5"]), ("BIGINT", ["9007199254740993"])),
        (("DECIMAL(20,2)", ["123456789012345678.91"]), ("DOUBLE", ["0.001"])),
        (
            ("DECIMAL(38,2)", ["999999999999999999999999999999999999.01"]),
            ("DECIMAL(38,9)", ["1e-9"]),
        ),
        (("BOOLEAN", ["true"]), ("BIGINT", ["2"])),
        (("DATE", ["'2024-01-01'"]), ("BIGINT", ["20240102"])),
        (("BLOB", ["'a'"]), ("BIGINT", ["1"])),
        (("VARCHAR", ["'a'"]), ("BLOB", ["'a'"])),
    ],
)
def test_values_that_no_type_holds_together_are_refused_by_name(
    loader: Loader, old: Any, new: Any
) -> None:
    """A fraction beside a whole number beyond 2^53 has no type here; nothing is rounded to fit."""
    loader.load(table(v=old), write_disposition="append")
    before = loader.rows("SELECT v, typeof(v) FROM raw.t")
    with pytest.raises(BadInputError, match=r"column 'v'.*nothing was loaded"):
        loader.load(table(v=new), write_disposition="append")
    assert loader.rows("SELECT v, typeof(v) FROM raw.t") == before


@pytest.mark.parametrize("write_disposition", ["append", "merge"])
def test_a_column_without_a_value_today_keeps_its_type(
    loader: Loader, write_disposition: str
) -> None:
    """Whatever type nothing has; and a column that never had a value takes the first one's."""
    options = {"write_disposition": write_disposition, "primary_key": ["id"]}
    loader.load(
        table(id=("BIGINT", ["1"]), day=("DATE", ["'2024-01-01'"]), x=("INTEGER", ["NULL"])),
        **options,
    )
    loader.load(
        table(id=("BIGINT", ["2"]), day=("VARCHAR", ["NULL"]), x=("VARCHAR", ["'a'"])), **options
    )
    loader.load(pa.table({"id": [3], "day": pa.nulls(1), "x": pa.nulls(1)}), **options)
    assert [row[1] for row in loader.rows("DESCRIBE raw.t")] == ["BIGINT", "DATE", "VARCHAR"]
    assert loader.rows() == [(1, date(2024, 1, 1), None), (2, None, "a"), (3, None, None)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("VARCHAR", ["'00123'"]), ("BIGINT", ["123"])),
        (("BIGINT", ["123"]), ("VARCHAR", ["'00123'"])),
        (("VARCHAR", ["'1.50'"]), ("DOUBLE", ["1.5"])),
    ],
)
def test_a_merge_by_keys_of_two_kinds_is_refused(loader: Loader, old: Any, new: Any) -> None:
    """`00123` is not 123, and no row may be lost for it."""
    merge = {"write_disposition": "merge", "primary_key": ["k"]}
    loader.load(table(k=old, v=("INTEGER", ["1"])), **merge)
    before = loader.rows()
    with pytest.raises(BadInputError, match="'k'"):
        loader.load(table(k=new, v=("INTEGER", ["9"])), **merge)
    assert loader.rows() == before


def test_keys_beyond_what_a_fraction_holds_are_told_apart(loader: Loader) -> None:
    """2^53 and 2^53 + 1 are one as fractions, and two as the decimals that they come as."""
    merge = {"write_disposition": "merge", "primary_key": ["k"]}
    loader.load(table(k=("BIGINT", ["9007199254740993"]), v=("INTEGER", ["1"])), **merge)
    loader.load(table(k=("DECIMAL(20,1)", ["9007199254740992"]), v=("INTEGER", ["2"])), **merge)
    assert loader.rows() == [(9007199254740992, 2), (9007199254740993, 1)]


def test_of_rows_with_one_key_the_newest_counts(loader: Loader) -> None:
    """Within a load and between loads, whatever the order in the file."""
    merge = {"write_disposition": "merge", "primary_key": ["k"], "cursor": "AT"}
    loader.load([{"k": 1, "at": 2, "v": "new"}, {"k": 1, "at": 1, "v": "old"}], **merge)
    assert loader.rows() == [(1, 2, "new")]
    rows = [{"k": 1, "at": 1, "v": "late"}, {"k": 2, "at": None, "v": "x"}]
    loader.load(rows, **merge)
    assert loader.rows() == [(1, 2, "new"), (2, None, "x")]
    loader.load([{"k": 1, "at": None, "v": "?"}, {"k": 2, "at": 1, "v": "y"}], **merge)
    loader.load([{"k": 1, "at": 2, "v": "same"}], **merge)
    assert loader.rows() == [(1, 2, "same"), (2, 1, "y")]


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
    assert read_watermark(loader.database, "t") == 2
    with pytest.raises(BadInputError, match="allow_empty"):
        loader.load(pa.table({"k": pa.array([], pa.string())}), full_refresh=True, **options)
    assert loader.rows() == wanted
    loader.load(rows, full_refresh=True, **options)
    assert read_watermark(loader.database, "t") is None


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


def test_a_file_with_numbers_too_long_is_refused(loader: Loader) -> None:
    """DuckDB would take them for others: 1.09 became 7.85e16."""
    wide = pa.table({"n": pa.array([Decimal("1.09")], pa.decimal256(50, 2))})
    with pytest.raises(BadInputError, match="'n'.*more than 38 digits"):
        loader.load(wide)
