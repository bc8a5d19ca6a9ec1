"""Rows are read as their contract says, or told apart by column, row and value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pydantic import ValidationError

from dataflow.shared.contract import Column, Contract, OnChange
from dataflow.sources.contract_check import Conformed, conform
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import ContractError, SourceDataError


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def read(
    connection: duckdb.DuckDBPyConnection,
    rows: dict[str, Any],
    columns: dict[str, Any],
    **on_change: Any,
) -> Conformed:
    table = pa.table(rows)
    connection.register("rows", table.rename_columns([f"c{i}" for i in range(len(rows))]))
    agreed = {
        name: column if isinstance(column, Column) else Column(type=column)
        for name, column in columns.items()
    }
    contract = Contract(agreed, OnChange(**on_change), "sales.csv")
    return conform(connection, "rows", list(rows), contract)


@pytest.mark.parametrize(
    ("column", "texts", "values"),
    [
        (Column(type="text"), ["007", " a ", "1.10"], ["007", " a ", "1.10"]),
        (Column(type="bigint"), ["1", " 2 ", "-3", "4.0", "+5"], [1, 2, -3, 4, 5]),
        (Column(type="bigint", thousands=","), ["1,234", "5"], [1234, 5]),
        (Column(type="double"), ["1.50", "-2", "1e3", " .5"], [1.5, -2.0, 1000.0, 0.5]),
        (Column(type="double"), ["1,250.00", "-12,250,000.5"], [1250.0, -12250000.5]),
        (
            Column(type="double", decimal=",", thousands="."),
            ["1.500,25", "1.500", "2750", "-0,5"],
            [1500.25, 1500.0, 2750.0, -0.5],
        ),
        (
            Column(type="decimal(12,2)"),
            ["1.5", "-2", "1.500"],
            [Decimal("1.50"), Decimal("-2.00"), Decimal("1.50")],
        ),
        (
            Column(type="decimal(38,0)"),
            ["12345678901234567890123456789012345678"],
            [Decimal("12345678901234567890123456789012345678")],
        ),
        (Column(type="boolean"), ["true", "FALSE", " True"], [True, False, True]),
        (Column(type="date"), ["2024-01-31", "2024-01-31 00:00:00"], [date(2024, 1, 31)] * 2),
        (Column(type="date", format="%d/%m/%Y"), ["01/02/2024"], [date(2024, 2, 1)]),
        (Column(type="date", format="%m/%d/%y"), ["01/02/24"], [date(2024, 1, 2)]),
        (
            Column(type="timestamp"),
            ["2024-01-31", "2024-01-31T10:00", "2024-01-31 10:00:00.5"],
            [
                datetime(2024, 1, 31),
                datetime(2024, 1, 31, 10),
                datetime(2024, 1, 31, 10, 0, 0, 500000),
            ],
        ),
        (
            Column(type="timestamptz"),
            ["2024-01-31T10:00:00+02:00", "2024-01-31 08:00:00Z"],
            [datetime(2024, 1, 31, 8, tzinfo=UTC)] * 2,
        ),
        (Column(type="time"), ["10:30", "10:30:00"], [time(10, 30)] * 2),
        (Column(type="json"), ['{"a":1}', "word"], ['{"a":1}', '"word"']),
        (Column(type="bigint", null_values=["-", "NA"]), ["1", "-", "NA"], [1, None, None]),
    ],
)
def test_texts_are_read_as_agreed(
    connection: duckdb.DuckDBPyConnection, column: Column, texts: list[str], values: list[Any]
) -> None:
    """Each type, in each way of writing it that a contract can name; nothing is no value."""
    result = read(connection, {"v": pa.array([*texts, None], pa.string())}, {"v": column})
    assert result.table["v"].to_pylist() == [*values, None]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("bigint", "1.5"),
        ("bigint", "007"),
        ("bigint", "1e3"),
        ("bigint", "1_000"),
        ("bigint", "9223372036854775808"),
        ("integer", "2147483648"),
        ("double", "1,5"),
        ("double", "1,500"),
        ("double", "12,50.5"),
        ("double", "x"),
        (Column(type="double", decimal=","), "1.5"),
        (Column(type="double", decimal=",", thousands="."), "1.5"),
        ("decimal(12,2)", "1.005"),
        ("decimal(4,2)", "123.4"),
        ("boolean", "yes"),
        ("date", "01/02/2024"),
        ("date", "2024-02-30"),
        ("date", "2024-01-31 10:00:00"),
        (Column(type="date", format="%d/%m/%Y"), "2024-01-31"),
        (Column(type="date", format="%d/%m/%Y"), "31/12/24"),
        ("timestamp", "soon"),
        ("timestamptz", "2024-01-31 10:00:00"),
        ("date", "infinity"),
        ("timestamp", "-infinity"),
        ("date", "0044-03-15 (BC)"),
    ],
)
def test_a_text_that_is_not_exactly_of_the_type_is_refused_by_name(
    connection: duckdb.DuckDBPyConnection, column: Column | str, text: str
) -> None:
    """Nothing is rounded, cut or guessed; the message has column, row and value."""
    with pytest.raises(SourceDataError, match="'v', row 2") as caught:
        read(connection, {"v": pa.array([None, text], pa.string())}, {"v": column})
    assert repr(text) in caught.value.reason
    assert "Nothing was loaded" in caught.value.reason


@pytest.mark.parametrize(
    ("kind", "came", "value"),
    [
        ("bigint", pa.array([12.0]), 12),
        ("double", pa.array([3]), 3.0),
        ("decimal(12,2)", pa.array([1.25]), Decimal("1.25")),
        # DuckDB's own casts give ...7230000008, and a double beside the right one.
        ("decimal(38,10)", pa.array([7040231.423]), Decimal("7040231.4230000000")),
        ("decimal(38,18)", pa.array([7637746.19]), Decimal("7637746.190000000000000000")),
        ("decimal(38,10)", pa.array([0.1], pa.float32()), Decimal("0.1000000000")),
        ("double", pa.array([Decimal("7637746.19")], pa.decimal128(38, 18)), 7637746.19),
        ("date", pa.array([datetime(2024, 1, 31)]), date(2024, 1, 31)),
        ("timestamp", pa.array([date(2024, 1, 31)]), datetime(2024, 1, 31)),
        ("text", pa.array([12]), "12"),
        ("text", pa.array([12.0]), "12"),
        ("text", pa.array([12.5]), "12.5"),
        ("text", pa.array([1e20]), "1e+20"),
        ("json", pa.array([{"a": 1}]), '{"a":1}'),
        ("bigint", pa.nulls(1), None),
    ],
)
def test_values_with_a_type_get_the_agreed_one(
    connection: duckdb.DuckDBPyConnection, kind: str, came: pa.Array, value: Any
) -> None:
    """What a database, Parquet or JSON gives is changed where nothing is lost by it."""
    assert read(connection, {"v": came}, {"v": kind}).table["v"].to_pylist() == [value]


@pytest.mark.parametrize(
    ("kind", "came"),
    [
        ("bigint", pa.array([12.75])),
        ("bigint", pa.array([float("nan")])),
        ("double", pa.array([2**53 + 1])),
        ("decimal(12,2)", pa.array([0.005])),
        ("integer", pa.array([2**40])),
        ("date", pa.array([datetime(2024, 1, 31, 10)])),
        ("bigint", pa.array([[1, 2]])),
        ("double", pa.array([True])),
        ("decimal(38,10)", pa.array([1e-11])),
        ("timestamp", pa.array([datetime(2024, 1, 31, tzinfo=UTC)])),
        ("date", pa.array([datetime(2024, 1, 31, tzinfo=UTC)])),
        ("timestamptz", pa.array([datetime(2024, 1, 31)])),
        ("timestamptz", pa.array([date(2024, 1, 31)])),
    ],
)
def test_a_value_that_would_change_is_refused(
    connection: duckdb.DuckDBPyConnection, kind: str, came: pa.Array
) -> None:
    """12.75 does not become 13, nor a whole number one that a double can hold."""
    with pytest.raises(SourceDataError, match="'v', row 1"):
        read(connection, {"v": came}, {"v": kind})


@pytest.mark.parametrize(
    ("kind", "came", "why"),
    [
        ("timestamp", pa.array(["2024-01-31T10:00:00Z"]), "which has no time zone"),
        ("date", pa.array([datetime(2024, 1, 31, tzinfo=UTC)]), "which has no time zone"),
        ("timestamptz", pa.array([datetime(2024, 1, 31)]), "which needs a time zone"),
    ],
)
def test_a_time_of_another_clock_is_told(
    connection: duckdb.DuckDBPyConnection, kind: str, came: pa.Array, why: str
) -> None:
    """A source that gives its times with a zone by now, or without one, is refused with the reason.

    To read them as UTC would shift the days of a source that is elsewhere.
    """
    with pytest.raises(SourceDataError, match=why):
        read(connection, {"v": came}, {"v": kind})


ROWS = {"id": pa.array(["1", "2", "3"]), "amount": pa.array(["10", "free", None])}
AGREED = {"id": "bigint", "amount": "bigint"}


def test_a_refusal_says_how_many_rows_there_are(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows, not values: the check of the contract shows it."""
    rows = {"id": pa.array(["1", "x", "y"]), "amount": pa.array(["10", "free", None])}
    with pytest.raises(SourceDataError, match="'free' is no bigint") as error:
        read(connection, rows, AGREED)
    assert getattr(error.value, "failing_rows", None) == 2


def test_tabs_that_files_have_around_their_values_are_left_out(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """In columns that are read as something else than text."""
    rows = {"id": pa.array(["\t1", "2\t"]), "note": pa.array(["\ta", "b"])}
    result = read(connection, rows, {"id": "bigint", "note": "text"})
    assert result.table.to_pydict() == {"id": [1, 2], "note": ["\ta", "b"]}


def test_a_bad_value_can_be_read_as_none(connection: duckdb.DuckDBPyConnection) -> None:
    """`bad_value: null` keeps the row, and says how many values it cost."""
    result = read(connection, ROWS, AGREED, bad_value="null")
    assert result.table["amount"].to_pylist() == [10, None, None]
    assert (result.report.nulled_values, result.rejected) == (1, None)
    assert "'free' is no bigint" in result.notes[0]


def test_a_row_with_a_bad_value_can_be_put_aside(connection: duckdb.DuckDBPyConnection) -> None:
    """`bad_value: quarantine` loads the others; the row is kept as it came, with its reason."""
    result = read(connection, ROWS, AGREED, bad_value="quarantine")
    assert result.table["id"].to_pylist() == [1, 3]
    assert result.rejected is not None
    assert result.rejected.to_pylist() == [
        {
            "row": 2,
            "reason": "amount: free is no bigint",
            "record": '{"id":"2","amount":"free"}',
        }
    ]
    assert result.report.rejected_rows == 1


@pytest.mark.parametrize(
    ("bad", "rows", "limit", "refused"),
    [
        (118, 121, "10%", True),
        (12, 121, "10%", False),
        (13, 121, "10%", True),
        (10, 11, "10%", False),
        (118, 121, "100%", False),
        (118, 121, 118, False),
        (3, 121, 2, True),
        (1, 121, 0, True),
    ],
)
def test_rows_are_put_aside_up_to_a_limit(
    connection: duckdb.DuckDBPyConnection, bad: int, rows: int, limit: int | str, refused: bool
) -> None:
    """A number of rows, or a share of more than ten: beyond it the source is another one."""
    amounts = ["12,50"] * bad + ["1.5"] * (rows - bad)
    given = {"amount": pa.array(amounts)}
    asked: dict[str, Any] = {"bad_value": "quarantine", "max_rejected": limit}
    if not refused:
        result = read(connection, given, {"amount": "decimal(12,2)"}, **asked)
        assert (result.table.num_rows, result.report.rejected_rows) == (rows - bad, bad)
        return
    with pytest.raises(ContractError) as caught:
        read(connection, given, {"amount": "decimal(12,2)"}, **asked)
    assert f"{bad} of {rows} rows" in caught.value.reason
    assert "row 1: '12,50' is not a number of type decimal(12,2)" in caught.value.reason
    assert "ingestion.on_change.max_rejected" in caught.value.instruction
    assert caught.value.failing_rows == bad


@pytest.mark.parametrize("wrong", ["100", "many", -1, True, "101%", None, 1.5])
def test_what_is_no_limit_is_refused(wrong: Any) -> None:
    """A number of rows or a share, and nothing that looks like one."""
    with pytest.raises(ValidationError):
        OnChange(max_rejected=wrong)


def test_a_new_column_comes_along_as_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    """By default it is loaded, text as text, and told."""
    result = read(connection, {**ROWS, "coupon": pa.array(["1", None, None])}, {"id": "bigint"})
    assert result.table["coupon"].to_pylist() == ["1", None, None]
    assert result.report.new_columns == ["amount", "coupon"]
    assert "'coupon' is new" in result.notes[1]


def test_a_new_column_can_be_left_out_or_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """`new_column: ignore` says that it was left out; `fail` ends the run."""
    result = read(connection, ROWS, {"id": "bigint"}, new_column="ignore")
    assert result.table.column_names == ["id"]
    assert "'amount' is left out" in result.notes[0]
    with pytest.raises(SourceDataError, match="'amount'"):
        read(connection, ROWS, {"id": "bigint"}, new_column="fail")


def test_a_lost_column_ends_the_run(connection: duckdb.DuckDBPyConnection) -> None:
    """The message names it, and a new one that may be it under another name."""
    with pytest.raises(SourceDataError, match="no longer has 'amounts'") as caught:
        read(connection, ROWS, {"id": "bigint", "amounts": "text"})
    assert "Is 'amount' what was 'amounts'?" in caught.value.reason
    assert "lost_column: null" in caught.value.instruction


def test_the_one_new_column_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    """Where one went and one came, no other column is listed, and what to write is spelt out."""
    rows = {"id": ROWS["id"], "Betrag": ROWS["id"]}
    with pytest.raises(SourceDataError) as caught:
        read(connection, rows, {"id": "bigint", "sum": Column(type="bigint", source="Amount")})
    assert "new is 'Betrag'. Is 'Betrag' what was 'Amount'?" in caught.value.reason
    assert "set `source: Betrag` on `sum`" in caught.value.instruction


def test_a_decimal_comma_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    """A number with a comma is told of in plain words, with the setting that reads it."""
    with pytest.raises(SourceDataError, match='set `decimal: ","` on the column'):
        read(connection, {"v": ["1.5", "308,14"]}, {"v": "double"})


@pytest.mark.parametrize("text", ["1.000", " 12.000", "-999.000"])
def test_one_or_a_thousand_is_asked_for(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """A point before three zeros is either, and the contract says which."""
    rows = {"v": ["7", text]}
    with pytest.raises(SourceDataError, match="may be one or a thousand; set `decimal:"):
        read(connection, rows, {"v": "bigint"})
    as_one = read(connection, rows, {"v": Column(type="bigint", decimal=".")})
    as_thousand = read(connection, rows, {"v": Column(type="bigint", thousands=".")})
    one = int(text.partition(".")[0])
    assert as_one.table["v"].to_pylist() == [7, one]
    assert as_thousand.table["v"].to_pylist() == [7, one * 1000]


def test_a_moment_without_a_zone_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    """It is read as UTC, which may not be the clock it was written by."""
    column = Column(type="timestamptz", format="%d.%m.%Y %H:%M")
    conformed = read(connection, {"v": ["26.10.2025 02:30"]}, {"v": column})
    assert conformed.table["v"].to_pylist() == [datetime(2025, 10, 26, 2, 30, tzinfo=UTC)]
    assert "its format has no zone (%z): its values are read as UTC" in conformed.notes[0]


def test_a_lost_column_can_be_null(connection: duckdb.DuckDBPyConnection) -> None:
    """`lost_column: null`, or `optional` on the column itself, which says nothing of it."""
    rows = {"id": ROWS["id"]}
    result = read(connection, rows, {"id": "bigint", "discount": "bigint"}, lost_column="null")
    assert result.table["discount"].to_pylist() == [None] * 3
    assert "no longer has 'discount'" in result.notes[0]
    optional = Column(type="decimal(5,2)", optional=True)
    result = read(connection, rows, {"id": "bigint", "discount": optional})
    assert str(result.table.schema.field("discount").type) == "decimal128(5, 2)"
    assert (result.notes, result.report.lost_columns) == ([], [])


def test_a_column_may_have_another_name_than_at_the_source(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """`source` says what it is called there; case alone is no difference."""
    columns = {"amount_eur": Column(type="text", source="AMOUNT"), "ID": Column(type="bigint")}
    assert read(connection, ROWS, columns).table.column_names == ["amount_eur", "ID"]


@pytest.mark.parametrize(
    ("nulls", "values", "said"),
    [
        ([], [1.5, float("nan"), float("inf")], ["in 2 rows, and so are sums"]),
        (["NaN", "inf"], [1.5, None, None], []),
    ],
)
def test_numbers_that_are_none_are_told(
    connection: duckdb.DuckDBPyConnection, nulls: list[str], values: list[Any], said: list[str]
) -> None:
    """A sum that is NaN from now on does not come without a word; the contract can name it."""
    rows = {"v": [1.5, float("nan"), float("inf")], "w": [1.5, 2.5, None]}
    agreed = {"v": Column(type="double", null_values=nulls), "w": "double"}
    result = read(connection, rows, agreed)
    assert list(map(str, result.table["v"].to_pylist())) == list(map(str, values))
    assert [part in note for part, note in zip(said, result.notes, strict=True)] == [True] * len(
        said
    )
