"""A load that edits rows while it reads them does what the load of the edited rows does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.database_fixtures import postgres
from tests.lake_fixtures import catalog

from dataflow.shared.edited_file import EditedFile
from dataflow.shared.edited_rows import EditedRows
from dataflow.shared.errors import DataflowError
from dataflow.shared.lazy_rows import LazyRows
from dataflow.stages.apply import apply_stages
from dataflow.testing.loaded_warehouse import open_in
from dataflow.warehouse.capabilities import loads_edited
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import LoadRequest, LoadResult
from dataflow.warehouse.load import load_rows, load_table
from dataflow.warehouse.load_log import Batch

__all__ = ["catalog", "postgres"]

SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "V \" '": pa.string(),
        "at": pa.timestamp("us"),
        "ratio": pa.float64(),
        "day": pa.date32(),
    }
)
STAGES = [
    {"name": "cleaning", "options": {"remove_duplicates": True}},
    {"name": "enrichment", "options": {"add_timestamps": True}},
]
EVERY = (STAGES, STAGES[:1], STAGES[1:])
MERGE = LoadRequest("t", "merge", ["id"])
REQUESTS = {
    "replace": LoadRequest("t"),
    "append": LoadRequest("t", "append"),
    "merge": MERGE,
    "merge by cursor": replace(MERGE, cursor="at"),
    "merge by several": replace(MERGE, primary_key=["id", "V \" '"]),
    "full refresh": replace(MERGE, full_refresh=True),
    "partition": LoadRequest("t", partition="eu"),
    "partition of merge": replace(MERGE, partition="eu"),
    "allow empty": LoadRequest("t", allow_empty=True),
}


def tables(keys: list[int | None]) -> st.SearchStrategy[pa.Table]:
    """Few different rows, so that many are equal; none, one, and with nulls everywhere."""
    row = {
        "id": st.sampled_from(keys),
        "V \" '": st.sampled_from(["x", "", None, "\x00", "ä"]),
        "at": st.sampled_from([datetime(2020, 1, 1, 1, 2, 3, 4), datetime(2021, 1, 1), None]),
        # No zero with a sign: merging a file with zeros alone, DuckDB may take one for the other.
        "ratio": st.sampled_from([1.5, float("nan"), 0.0, None]),
        "day": st.sampled_from([date(2020, 1, 1), None]),
    }
    rows = st.lists(st.fixed_dictionaries(row), max_size=12)
    return rows.map(lambda each: pa.Table.from_pylist(each, SCHEMA))


def edited(folder: Path, table: pa.Table, stages: list[dict[str, Any]]) -> LazyRows:
    """The rows as the step transform hands them on."""
    path = folder / "extract.parquet"
    pq.write_table(table, path)
    found = apply_stages({"data": LazyRows(path), "metadata": {}}, stages)["data"]
    assert isinstance(found, LazyRows)
    return found


@dataclass
class Outcome:
    """What a load has left: the table, its columns, what was said."""

    rows: list[str]
    columns: list[tuple[Any, ...]]
    said: object


def loaded(
    connection: duckdb.DuckDBPyConnection, rows: Path | EditedFile, request: LoadRequest
) -> Outcome:
    said: object
    try:
        said = load_rows(connection, rows, request)
    except DataflowError as error:
        said = error.reason
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 't'").fetchall():
        return Outcome([], [], said)
    # NaN is told by its text.
    there = [str(row) for row in connection.execute("FROM raw.t").fetchall()]
    if request.write_disposition == "merge":
        # Rows of different keys go into the table in any order.
        there.sort()
    return Outcome(there, connection.execute("DESCRIBE raw.t").fetchall(), said)


def with_values(table: pa.Table, source: EditedFile) -> pa.Table:
    """A table with the columns that were added, at the same moment."""
    for name, value in source.added.items():
        kind = pa.string() if isinstance(value, str) else pa.timestamp("us", "UTC")
        values = pa.repeat(pa.scalar(value, kind), table.num_rows)
        others = [each for each in table.column_names if each != name]
        table = table.select(others).append_column(name, values)
    return table


def assert_same(
    tables: list[pa.Table], stages: list[dict[str, Any]], request: LoadRequest
) -> list[Outcome]:
    """Load tables one after the other in both ways."""
    found = []
    with TemporaryDirectory() as folder, duckdb.connect() as lazy, duckdb.connect() as written:
        for number, table in enumerate(tables):
            step = Path(folder, str(number))
            step.mkdir()
            rows = edited(step, table, stages)
            made = rows.unwritten if isinstance(rows, EditedRows) else None
            source = made or EditedFile(step / "extract.parquet")
            if request.partition is not None:
                source = source.with_column("partition_key", request.partition)
            batch = Batch(f"run {number}", step / "extract.parquet", lambda _: True)
            of_run = replace(
                request, batch=batch if request.write_disposition == "append" else None
            )
            # By Arrow, which knows nothing of files and of edits.
            made_by_arrow = apply_stages({"data": table, "metadata": {}}, stages)["data"]
            pq.write_table(with_values(made_by_arrow, source), step / "written.parquet")
            outcome = loaded(lazy, source, of_run)
            assert loaded(written, step / "written.parquet", of_run) == outcome
            found.append(outcome)
    return found


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(
    st.lists(tables([1, 2, 3]) | tables([1, None]), min_size=1, max_size=2),
    st.sampled_from(EVERY),
    st.sampled_from(sorted(REQUESTS)),
)
def test_a_load_that_edits_leaves_what_a_load_of_edited_rows_leaves(
    tables: list[pa.Table], stages: list[dict[str, Any]], request: str
) -> None:
    """The same rows in the same order with the same types, and the same words, error or not."""
    assert_same(tables, stages, REQUESTS[request])


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_each_kind_of_load_edits_while_it_reads(name: str) -> None:
    """As above, for rows that come, of which some are there, and for none."""
    first = [{"id": n // 2, "V \" '": "x", "at": datetime(2020, 1, 1)} for n in range(6)]
    second = [{"id": 2, "V \" '": "y", "at": datetime(2021, 1, 1)}, *first[2:4], *first[2:4]]
    came = [pa.Table.from_pylist(rows, SCHEMA) for rows in (first, second, [])]
    outcomes = assert_same(came, STAGES, REQUESTS[name])
    results = [each.said for each in outcomes if isinstance(each.said, LoadResult)]
    assert [result.rows_loaded for result in results[:2]] == [3, 2]
    assert len(results) == (3 if name in ("append", "merge", "allow empty") else len(results))
    assert "TIMESTAMP WITH TIME ZONE" in {kind for _, kind, *_ in outcomes[0].columns}


def test_a_key_without_a_value_is_counted_among_the_rows_that_are_left() -> None:
    """Two equal rows without a key are one."""
    rows = pa.Table.from_pylist([{"id": None}, {"id": None}, {"id": 1}], SCHEMA)
    (outcome,) = assert_same([rows], STAGES, MERGE)
    assert str(outcome.said).startswith("1 rows have no value in the primary key")


def test_columns_take_the_types_that_edited_rows_need() -> None:
    """A table of whole numbers gets fractions; a text does not go into numbers."""
    came = [pa.table({"n": [1, 1]}), pa.table({"n": [0.5, 0.5]}), pa.table({"n": ["x", "x"]})]
    outcomes = assert_same(came, STAGES[:1], REQUESTS["append"])
    assert [outcome.rows for outcome in outcomes[:2]] == [["(1,)"], ["(1.0,)", "(0.5,)"]]
    assert "holds DOUBLE, and now came VARCHAR" in str(outcomes[2].said)


@pytest.mark.slow
def test_order_is_kept_over_many_row_groups(tmp_path: Path) -> None:
    """However many threads read, rows are in the table as they were in the file."""
    ids = [number // 2 * 7919 % 500_009 for number in range(600_000)]
    rows = edited(tmp_path, pa.table({"id": ids}), STAGES)
    assert isinstance(rows, EditedRows)
    assert rows.unwritten is not None
    load_table(tmp_path / "t.duckdb", rows.unwritten, REQUESTS["replace"])
    with duckdb.connect(str(tmp_path / "t.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT id FROM raw.t").fetchnumpy()["id"].tolist()
    assert found == list(dict.fromkeys(ids))


@pytest.mark.slow
def test_a_lake_edits_rows_while_it_reads_them(catalog: str, tmp_path: Path) -> None:
    """In its own file format."""
    setting = {"type": "ducklake", "catalog": catalog, "data": str(tmp_path / "lake")}
    lake = open_in(tmp_path / "project", setting)
    rows = edited(tmp_path, pa.table({"id": [2, 2, 1]}), STAGES)
    assert isinstance(rows, EditedRows)
    assert rows.unwritten is not None
    warehouse = lake.warehouse
    assert loads_edited(warehouse)
    result = warehouse.load_edited(rows.unwritten, LoadRequest("t"))
    assert (result.rows_loaded, lake.rows("id")) == (2, [(1,), (2,)])


class Counting(DuckDBFile):
    """A plug-in's kind that does something of its own with the file that it loads."""

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load the file."""
        return super().load(rows, request)


def test_a_warehouse_with_a_load_of_its_own_gets_a_file(tmp_path: Path) -> None:
    """A plug-in that is made of ours is not passed by."""
    assert loads_edited(DuckDBFile(tmp_path / "a.duckdb"))
    assert not loads_edited(Counting(tmp_path / "a.duckdb"))
