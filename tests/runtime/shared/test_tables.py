"""Rows of every kind become one Arrow table and come back as what they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.shared.column_values import TableError
from dataflow.shared.lazy_rows import LazyRows, TableFileError
from dataflow.shared.tables import (
    like,
    row_count,
    to_arrow,
    write_parquet,
)
from dataflow.shared.wide_decimals import WideDecimalError

if TYPE_CHECKING:
    from pathlib import Path

NESTED = [
    {"id": 1, "owner": {"name": "Ann", "tags": ["a"]}, "empty": {}},
    {"id": 2.5, "owner": {"age": 3}, "extra": [{"x": 1}, {"y": "z"}]},
    {"owner": None},
]

scalars = st.one_of(st.none(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, width=32))
columns = st.dictionaries(st.text(min_size=1, max_size=8), scalars, max_size=5)


def test_list_takes_the_keys_of_all_rows() -> None:
    """Columns are all keys in the order met; integers among floats become floats."""
    table = to_arrow(NESTED)
    assert table.column_names == ["id", "owner", "empty", "extra"]
    assert table["id"].to_pylist() == [1.0, 2.5, None]
    assert table["owner"].to_pylist()[1] == {"name": None, "tags": None, "age": 3}


def test_not_a_number_in_a_list_is_null() -> None:
    """NaN and pandas' NA and NaT, which rows made by pandas hold for missing values, are null."""
    table = to_arrow([{"a": "x", "b": pd.NaT}, {"a": float("nan"), "b": datetime(2020, 1, 1)}])
    assert table["a"].to_pylist() == ["x", None]
    assert table["b"].to_pylist() == [None, datetime(2020, 1, 1)]


def test_integers_beyond_64_bits_stay_exact() -> None:
    """An integer that Arrow's integers cannot hold becomes a decimal of the same value."""
    assert to_arrow([{"a": 2**70}, {"a": 1}])["a"].to_pylist() == [Decimal(2**70), Decimal(1)]


@pytest.mark.parametrize(
    ("values", "row", "shown"),
    [
        ([1, 2, "three", 4], 2, "'three' (str)"),
        (["a", None, 5], 2, "5 (int)"),
        ([{"a": 1}, {"a": "x"}], 1, "{'a': 'x'} (dict)"),
        ([1, [1]], 1, "[1] (list)"),
        ([date(2020, 1, 1), datetime(2020, 1, 1, 5)], 1, "(datetime)"),
        ([datetime(2020, 1, 1), None, datetime(2020, 1, 1, tzinfo=UTC)], 2, "without a time zone"),
        ([datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1)], 1, "with a time zone"),
        ([2.5, True], 1, "True (bool)"),
        ([time(1), time(2, tzinfo=UTC)], 1, "time without a time zone"),
        ([object()], 0, "(object)"),
    ],
)
def test_mixed_types_name_column_and_row(values: list[Any], row: int, shown: str) -> None:
    """Values that do not go together are refused, with the first row that does not fit."""
    with pytest.raises(TableError) as caught:
        to_arrow([{"price": value} for value in values])
    assert "'price'" in caught.value.reason
    assert f"row {row} " in caught.value.reason
    assert shown in caught.value.reason


def test_mixed_types_in_a_frame_name_column_and_row() -> None:
    """A DataFrame's object column is refused in the same words as a list's."""
    with pytest.raises(TableError, match=r"'price' .* row 1 has 'x' \(str\)"):
        to_arrow(pd.DataFrame({"id": [1, 2], "price": pd.Series([1, "x"], dtype=object)}))


@pytest.mark.parametrize("data", [7, "text", None, [1, 2], [{"a": 1}, ["b"]], [{1: 2}]])
def test_what_is_not_rows_is_refused(data: Any) -> None:
    """Anything but rows is one clear error."""
    with pytest.raises(TableError):
        to_arrow(data)


def test_duplicate_columns_are_refused() -> None:
    """A table with a name twice cannot be addressed by name, and is refused naming it."""
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    for data in (twice, pd.DataFrame([[1, 2]], columns=["a", "a"])):
        with pytest.raises(TableError, match="there twice: 'a'"):
            to_arrow(data)


def test_named_index_becomes_a_column() -> None:
    """What groupby puts into the index is data and is kept."""
    frame = pd.DataFrame({"k": ["x", "x", "y"], "v": [1, 2, 3]}).groupby("k").sum()
    assert to_arrow(frame).to_pydict() == {"k": ["x", "y"], "v": [3, 3]}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [True, False]}),
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.Categorical(["u", "v"])}),
        pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
        pd.DataFrame({"t": pd.Series([pd.Timestamp("2020-01-01", tz="UTC"), pd.NaT])}),
        pd.DataFrame({"a": pd.Series([], dtype="float64")}),
    ],
)
def test_frame_comes_back_as_it_was(frame: pd.DataFrame) -> None:
    """A DataFrame through Arrow and back has its values and column types."""
    back = like(to_arrow(frame), frame)
    assert isinstance(back, pd.DataFrame)
    pd.testing.assert_frame_equal(back, frame)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(columns, max_size=8))
def test_list_comes_back_with_its_values(rows: list[dict[str, Any]]) -> None:
    """A list of dicts through Arrow and back has its values; missing keys are null."""
    back = like(to_arrow(rows), rows)
    assert isinstance(back, list)
    if any(rows):
        assert [{k: v for k, v in row.items() if v is not None} for row in back] == [
            {k: v for k, v in row.items() if v is not None} for row in rows
        ]


def test_rows_are_counted_but_streams_are_not() -> None:
    """Every kind that holds its rows can be counted."""
    table = pa.table({"a": [1, 2]})
    assert row_count(table) == row_count(table.to_pandas()) == row_count([{}, {}]) == 2
    with pytest.raises(TableError, match="cannot be counted"):
        row_count(table.to_reader())


@pytest.mark.parametrize("kind", ["list", "frame", "table", "reader"])
def test_parquet_holds_what_was_written(kind: str, tmp_path: Path) -> None:
    """Every kind of rows is written whole, and the number of rows is told."""
    table = pa.table({"a": [1, None, 3], "t": [datetime(2020, 1, 1, tzinfo=UTC)] * 3})
    data = {
        "list": table.to_pylist(),
        "frame": table.to_pandas(),
        "table": table,
        "reader": table.to_reader(max_chunksize=1),
    }[kind]
    path = tmp_path / "rows.parquet"
    assert write_parquet(data, path) == 3
    assert list(LazyRows(path)) == table.to_pylist()
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]


def test_structs_without_fields_can_be_stored(tmp_path: Path) -> None:
    """Empty objects, which no Parquet file can hold, become null wherever they are nested."""
    rows = [
        {"a": {}, "b": {"x": {}, "y": 1}, "c": [{}, {}], "d": 1},
        {"a": None, "b": None, "c": None, "d": 2},
        {"a": {}, "b": {"x": {}, "y": None}, "c": [], "d": 3},
    ]
    path = tmp_path / "rows.parquet"
    for data in (rows, pa.Table.from_pylist(rows).to_reader(max_chunksize=1)):
        write_parquet(data, path)
        stored = list(LazyRows(path))
        assert [row["d"] for row in stored] == [1, 2, 3]
        assert [row["b"] for row in stored] == [{"x": None, "y": 1}, None, {"x": None, "y": None}]
        assert [row["c"] for row in stored] == [[None, None], None, []]


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """A stream that fails half-way leaves what was there before, and nothing beside it."""
    path = tmp_path / "rows.parquet"
    write_parquet([{"a": 1}], path)
    schema = pa.schema({"a": pa.int64()})

    def failing() -> Any:
        yield pa.record_batch({"a": [2]}, schema=schema)
        raise OSError("the source went away")

    with pytest.raises(TableFileError, match="the source went away"):
        write_parquet(pa.RecordBatchReader.from_batches(schema, failing()), path)
    assert list(LazyRows(path)) == [{"a": 1}]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    """A missing or broken file is an error that names it."""
    path = tmp_path / "rows.parquet"
    with pytest.raises(TableFileError, match=r"rows\.parquet"):
        list(LazyRows(path))
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(TableFileError, match=r"rows\.parquet"):
        list(LazyRows(path))


WIDE = "123456789012345678901234567890123456789012345678.12"


def test_numbers_too_long_for_the_warehouse_are_text(tmp_path: Path) -> None:
    """DuckDB reads decimals of more than 38 digits as other numbers, so no file ever has one."""
    for values, kind in (([Decimal(WIDE), None], None), ([Decimal(WIDE)], pa.decimal256(76, 2))):
        path = tmp_path / "rows.parquet"
        write_parquet(pa.table({"n": pa.array(values, kind)}), path)
        found = duckdb.execute(f"SELECT n FROM '{path}'").fetchall()
        assert [value for (value,) in found] == [WIDE, None][: len(values)]


@pytest.mark.parametrize(("digits", "scale"), [(39, 0), (50, 2), (76, 38), (76, 76)])
def test_wide_types_with_short_numbers_stay_numbers(
    tmp_path: Path, digits: int, scale: int
) -> None:
    """What a type could hold says nothing; 1.09 in one of 76 digits is 1.09."""
    value = Decimal("0.25" if scale > 1 else "25")
    table = pa.table({"n": pa.array([value, None], pa.decimal256(digits, scale))})
    write_parquet(table, tmp_path / "rows.parquet")
    found = duckdb.execute(f"SELECT n, typeof(n) FROM '{tmp_path}/rows.parquet'").fetchall()
    assert [row[0] for row in found] == [value, None]
    assert found[0][1].startswith("DECIMAL(38,")


def test_a_stream_of_wide_numbers_is_kept_or_refused_by_name(tmp_path: Path) -> None:
    """A stream has its types before its values are known."""
    wide = pa.table({"n": pa.array([Decimal("1.5")], pa.decimal256(50, 2))})
    write_parquet(wide.to_reader(), tmp_path / "rows.parquet")
    assert duckdb.execute(f"FROM '{tmp_path}/rows.parquet'").fetchall() == [(Decimal("1.5"),)]
    wider = pa.table({"n": pa.array([Decimal(WIDE)], pa.decimal256(50, 2))})
    with pytest.raises(TableError, match="column 'n' has a number"):
        write_parquet(wider.to_reader(), tmp_path / "rows.parquet")
    nested = pa.table({"n": pa.array([[Decimal(WIDE)]], pa.list_(pa.decimal256(50, 2)))})
    with pytest.raises(WideDecimalError, match="column 'n'"):
        write_parquet(nested, tmp_path / "rows.parquet")


def test_what_is_set_on_no_rows_leaves_their_columns(tmp_path: Path) -> None:
    """A frame made of no dicts has no column but those that a transformation sets."""
    known = pa.schema([("id", pa.int64()), ("body", pa.string())])
    frame = pd.DataFrame(LazyRows(known.empty_table()))
    frame["at"] = 1
    write_parquet(frame, tmp_path / "rows.parquet", known)
    assert LazyRows(tmp_path / "rows.parquet").column_names == ["id", "body", "at"]


def test_lengths_of_time_and_periods_are_texts(tmp_path: Path) -> None:
    """Parquet would have bare numbers: microseconds, and months since 1970."""
    periods = pd.PeriodIndex(["2024-01", None], freq="M")
    frame = pd.DataFrame({"for": pd.to_timedelta(["26 hours", None]), "in": periods})
    path = tmp_path / "rows.parquet"
    write_parquet(like(to_arrow(frame), frame), path)
    rows = duckdb.sql(f'SELECT "for"::INTERVAL = INTERVAL 26 HOUR, "in" FROM \'{path}\'')
    assert rows.fetchall() == [(True, "2024-01"), (None, None)]


def test_days_beside_missing_ones_of_pandas() -> None:
    """NaT is a datetime for Python, and no time of day that would be lost."""
    assert to_arrow([{"d": date(2024, 1, 1)}, {"d": pd.NaT}])["d"].to_pylist()[1] is None


@pytest.mark.parametrize(
    "values",
    [
        [date(2024, 1, 1), datetime(2024, 1, 2, 5)],
        [datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)],
    ],
)
def test_a_column_of_objects_in_which_arrow_would_change_values(values: list[Any]) -> None:
    """Of a DataFrame as of dicts: no time of day is dropped, no clock is guessed."""
    with pytest.raises(TableError, match="'v' cannot be made one type: row 1"):
        to_arrow(pd.DataFrame({"v": pd.Series(values, dtype=object)}))


def test_objects_of_polars_are_refused() -> None:
    """It hands on their addresses."""
    with pytest.raises(TableError, match="'v' has Python's objects"):
        to_arrow(pl.DataFrame({"v": pl.Series([object()], dtype=pl.Object)}))
