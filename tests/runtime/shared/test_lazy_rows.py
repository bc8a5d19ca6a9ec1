"""Rows are a sequence of dicts and an Arrow table at once, and are read where somebody asks."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.column_values import TableError
from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.tables import like, row_count, to_arrow, write_parquet

polars = pytest.importorskip("polars")

TABLE = pa.table({"id": range(25), "name": [f"n{n}" for n in range(25)]})
PLAIN = TABLE.to_pylist()


@pytest.fixture(params=["file", "table"])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> LazyRows:
    """The same rows in a file of several row groups, and in memory."""
    if request.param == "table":
        return LazyRows(TABLE)
    pq.write_table(TABLE, tmp_path / "rows.parquet", row_group_size=10)
    return LazyRows(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    "taken",
    [
        list,
        lambda rows: [row for row in rows],  # noqa: C416
        lambda rows: rows.to_pylist(),
        lambda rows: pd.DataFrame(rows).to_dict("records"),
        lambda rows: pd.DataFrame(list(rows)).to_dict("records"),
        lambda rows: rows.to_pandas().to_dict("records"),
        lambda rows: polars.DataFrame(rows).to_dicts(),
        lambda rows: pa.table(rows).to_pylist(),
        lambda rows: pa.RecordBatchReader.from_stream(rows).read_all().to_pylist(),
        lambda rows: duckdb.sql("FROM rows ORDER BY id").to_arrow_table().to_pylist(),  # noqa: ARG005
        lambda rows: to_arrow(rows).to_pylist(),
        lambda rows: [rows[number] for number in range(len(rows))],
        lambda rows: [*rows[:7], *rows[7:]],
        lambda rows: list(reversed(rows[::-1])),  # noqa: C415
        lambda rows: [*rows[:-1], rows[-1]],
        lambda rows: sorted(rows, key=lambda row: row["id"]),
        lambda rows: rows[:5] + rows[5:],
        lambda rows: [{"id": 0, "name": "n0"}] + rows[1:],  # noqa: RUF005
        lambda rows: rows.filter(pc.field("id") >= 0).to_pylist(),
        lambda rows: list(copy.deepcopy(rows)),
        lambda rows: list(pickle.loads(pickle.dumps(rows))),  # noqa: S301
    ],
)
def test_every_way_of_taking_rows_gives_all_of_them(
    rows: LazyRows, taken: Callable[[Any], list[dict[str, Any]]]
) -> None:
    """As dicts, as a DataFrame, as a table, as a stream, one by one: the same rows."""
    assert taken(rows) == PLAIN


def test_rows_behave_as_a_list(rows: LazyRows) -> None:
    """Counting, truth, equality, membership, positions and errors are those of a list."""
    assert isinstance(rows, Sequence)
    assert len(rows) == row_count(rows) == 25
    assert rows
    assert not rows[:0]
    assert not list(rows[:0])
    assert rows == PLAIN
    assert rows == PLAIN
    assert rows == TABLE
    assert rows != PLAIN[:-1]
    third: Any = np.int64(3)
    assert rows[3] == rows[-22] == rows[third] == {"id": 3, "name": "n3"}
    assert rows[3:9:2] == PLAIN[3:9:2]
    assert rows.index({"id": 7, "name": "n7"}) == 7
    assert {"id": 7, "name": "n7"} in rows
    assert {"id": 7} not in rows
    with pytest.raises(IndexError):
        rows[25]
    with pytest.raises(TypeError):
        rows["id", 0]  # type: ignore[call-overload]


def test_rows_behave_as_an_arrow_table(rows: LazyRows) -> None:
    """What transforms of version 0.1 do with the table goes on working."""
    assert rows.column_names == ["id", "name"]
    assert (rows.num_rows, rows.num_columns, rows.shape) == (25, 2, (25, 2))
    assert rows.schema == TABLE.schema
    assert pc.sum(rows["id"]).as_py() == pc.sum(rows.column("id")).as_py() == 300
    assert rows.append_column("new", pa.nulls(25)).num_columns == 3
    assert rows.group_by("name").aggregate([("id", "sum")]).num_rows == 25
    assert rows.slice(2, 3).to_pylist() == PLAIN[2:5]
    with pytest.raises(AttributeError, match="no_such_thing"):
        rows.no_such_thing  # noqa: B018


def test_a_row_is_changed_where_it_is_as_in_a_list(rows: LazyRows, tmp_path: Path) -> None:
    """In a loop, by position, in a slice, through a list of them: whoever reads them sees it."""
    for row in rows:
        row["id"] *= 10
    rows[0]["name"] = "first"
    rows[20:][4].update(name="last")
    list(rows)[1]["new"] = 1.5
    for at, row in enumerate(rows):
        rows[(at + 1) % 25]["seen"] = at
        assert row.pop("seen", 24) == (at - 1) % 25
    wanted = [{**row, "id": row["id"] * 10, "new": None} for row in PLAIN]
    wanted[0]["name"], wanted[24]["name"], wanted[1]["new"] = "first", "last", 1.5
    del rows[0]["seen"]
    assert rows.path is None
    write_parquet(rows, tmp_path / "changed.parquet")
    for taken in (
        to_arrow(rows).to_pylist(),
        rows.to_reader().read_all().to_pylist(),
        pd.DataFrame(rows).replace({np.nan: None}).to_dict("records"),
        LazyRows(tmp_path / "changed.parquet").to_pylist(),
        pickle.loads(pickle.dumps(rows)).to_pylist(),  # noqa: S301
        copy.deepcopy(rows).to_pylist(),
        rows[:].to_pylist(),
        [{"new": None, **row} for row in rows],
    ):
        assert taken == wanted
    assert rows.column_names == ["id", "name", "new"]
    assert pc.sum(rows["id"]).as_py() == 3000


def test_what_nobody_has_changed_keeps_its_type(tmp_path: Path) -> None:
    """Also a column whose new values are of its type; one without any value is gone."""
    money = pa.array([Decimal("1.50"), Decimal("2.00")], pa.decimal128(10, 2))
    table = pa.table(
        {"n": pa.array([1, 2], pa.int16()), "money": money, "day": [date(2024, 1, 1)] * 2}
    ).append_column("none", pa.array([None, None], pa.float32()))
    pq.write_table(table.append_column("gone", money), tmp_path / "rows.parquet")
    rows = LazyRows(tmp_path / "rows.parquet")
    for row in rows:
        row["n"] += 1
        del row["gone"]
    assert rows.schema == table.schema
    rows[1]["n"] = 2.0
    assert rows.schema.field("n").type == pa.float64()
    rows[0]["n"] = "x"
    with pytest.raises(TableError, match="'n' cannot be made one type: row 1 has 2.0"):
        _ = rows.table
    copied = copy.copy(rows[0])
    copied["n"] = 5
    assert (type(copied), rows[0]["n"]) == (dict, "x")


def test_what_is_changed_within_a_row_is_changed(tmp_path: Path) -> None:
    """Lists and dicts in a row: in a loop that is left early, and by position."""
    table = pa.table({"tags": [["a"], ["b"], ["c"]], "owner": [{"name": "Ann"}] * 3})
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = LazyRows(tmp_path / "rows.parquet")
    assert rows[2]["tags"] == ["c"]
    assert rows.path is not None
    for row in rows:
        row["tags"].append("x")
        break
    rows[1]["owner"]["name"] = "Bo"
    assert rows.path is None
    assert rows.table.to_pylist() == [
        {"tags": ["a", "x"], "owner": {"name": "Ann"}},
        {"tags": ["b"], "owner": {"name": "Bo"}},
        {"tags": ["c"], "owner": {"name": "Ann"}},
    ]


def test_rows_that_are_only_read_stay_in_their_file(tmp_path: Path) -> None:
    """Reading, and changing copies, costs nobody another file."""
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    rows = LazyRows(tmp_path / "rows.parquet")
    made = [{**row, "id": 0} for row in rows] + [row | {"id": 0} for row in rows]
    made += [row.copy() for row in rows]
    for row in made:
        row["name"] = ""
    assert rows.path == tmp_path / "rows.parquet"
    assert rows == PLAIN


def test_nothing_is_read_that_nobody_asks_for(tmp_path: Path) -> None:
    """Counting, names and truth need the end of the file only, and one row the part it is in."""
    path = tmp_path / "rows.parquet"
    pq.write_table(TABLE, path, row_group_size=10)
    with pq.ParquetFile(str(path)) as file:
        second = file.metadata.row_group(1).column(0).dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[second : second + 20] = b"\0" * 20
    path.write_bytes(content)
    rows = LazyRows(path)
    assert (len(rows), bool(rows), rows.column_names) == (25, True, ["id", "name"])
    assert repr(rows) == "<25 rows of id, name>"
    assert rows[0] == PLAIN[0]
    assert rows[24] == PLAIN[24]
    with pytest.raises(Exception, match=r"rows\.parquet|data|page"):
        rows[10]


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.fixed_dictionaries({"a": st.none() | st.integers(-5, 5)}), max_size=30),
    cut=st.slices(30),
    group=st.integers(1, 7),
)
def test_slices_and_positions_are_those_of_a_list(
    tmp_path: Path, values: list[dict[str, Any]], cut: slice, group: int
) -> None:
    """For any rows, in row groups of any size."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(values, pa.schema({"a": pa.int64()})), path, group)
    rows = LazyRows(path)
    assert rows[cut] == values[cut]
    assert [rows[at] for at in range(-len(values), len(values))] == values * 2


def test_stages_give_back_what_they_got() -> None:
    """Rows of this kind come back as such, a Polars DataFrame as one."""
    assert isinstance(like(TABLE, LazyRows(TABLE)), LazyRows)
    assert isinstance(like(TABLE, polars.DataFrame(PLAIN)), polars.DataFrame)


@pytest.mark.parametrize(
    "made",
    [
        lambda: (row for row in PLAIN),
        lambda: map(dict, PLAIN),
        lambda: dict(enumerate(PLAIN)).values(),
        lambda: (PLAIN[at : at + 10] for at in range(0, 25, 10)),
        lambda: iter(TABLE.to_batches(max_chunksize=10)),
        lambda: (pd.DataFrame(PLAIN[at : at + 10]) for at in range(0, 25, 10)),
        lambda: (polars.DataFrame(PLAIN[at : at + 10]) for at in range(0, 25, 10)),
        lambda: polars.DataFrame(PLAIN),
        lambda: polars.LazyFrame(PLAIN),
        lambda: duckdb.from_arrow(TABLE),
        lambda: TABLE.to_reader(max_chunksize=10),
        lambda: LazyRows(TABLE),
        lambda: tuple(PLAIN),
    ],
)
def test_rows_of_every_kind_are_written_whole(made: Callable[[], Any], tmp_path: Path) -> None:
    """Iterators of dicts and of parts, Polars, DuckDB, streams: each row once, in its order."""
    path = tmp_path / "rows.parquet"
    assert write_parquet(made(), path) == 25
    assert LazyRows(path) == PLAIN


def test_a_column_of_nulls_keeps_the_type_that_is_known(tmp_path: Path) -> None:
    """Rows that went through Python lose the types of what is empty; the step before knows them."""
    known = pa.schema({"day": pa.date32(), "n": pa.int64()})
    path = tmp_path / "rows.parquet"
    write_parquet([{"day": None, "n": 1, "own": None}], path, known)
    assert LazyRows(path).schema.types == [pa.date32(), pa.int64(), pa.null()]
    write_parquet([], path, known)
    assert LazyRows(path).schema.equals(known)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.fixed_dictionaries({"a": st.none() | st.integers(-5, 5)}), max_size=8),
    changes=st.lists(
        st.tuples(
            st.integers(0, 7),
            st.sampled_from(["a", "b"]),
            st.none() | st.integers(-5, 5),
            st.slices(8),
        ),
        max_size=6,
    ),
)
def test_changes_of_rows_are_those_of_a_list(
    values: list[dict[str, Any]], changes: list[tuple[int, str, int | None, slice]]
) -> None:
    """For any changes, by position, in slices and in loops: the same table."""
    rows: Any = LazyRows(pa.Table.from_pylist(values, pa.schema({"a": pa.int64()})))
    plain: Any = copy.deepcopy(values)
    for at, key, value, cut in changes:
        for given_rows in (rows, plain):
            if at < len(given_rows):
                given_rows[at][key] = value
            for row in given_rows[cut][:1]:
                row.pop(key, None)
    names = {name for row in plain for name in row}
    assert {*rows.column_names} >= names
    if names:
        # A table of no columns has no rows.
        wanted = [{name: row.get(name) for name in rows.column_names} for row in plain]
        assert rows.table.to_pylist() == wanted
