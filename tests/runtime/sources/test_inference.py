"""A text column gets the narrowest type that loses nothing, found on every value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataflow.sources.inference import TypedTable, read_typed
from dataflow.sources.type_rules import RULES

MANY = 30_000


def typed(*values: str | None) -> TypedTable:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("texts", pa.table({"c0": pa.array(values, pa.string())}))
        return read_typed(connection, "texts", ["v"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-5", None, "0"], [1, -5, None, 0]),
        ([" 1", "2 "], [1, 2]),
        (["1", "1.5"], [1.0, 1.5]),
        (["1e3", "-.5"], [1000.0, -0.5]),
        (["0.5", "0"], [0.5, 0.0]),
        (["true", "FALSE"], [True, False]),
        (["2020-01-31", None], [date(2020, 1, 31), None]),
        (["2020-01-31", "2020-01-31 10:00"], [datetime(2020, 1, 31), datetime(2020, 1, 31, 10)]),
        (["2020-01-31T10:00:00.123456"], [datetime(2020, 1, 31, 10, 0, 0, 123456)]),
        (
            ["2020-01-31T10:00:00Z", "2020-01-31 10:00:00+02:00"],
            [datetime(2020, 1, 31, 10, tzinfo=UTC), datetime(2020, 1, 31, 8, tzinfo=UTC)],
        ),
        (["1,5", "-1.234,50", "2"], [1.5, -1234.5, 2.0]),
        (["1,234.50", "12,000", "-5"], [1234.5, 12000.0, -5.0]),
        (["10:00:00.5", "23:59"], ["10:00:00.5", "23:59"]),
        (["1/31/2020", "02/01/2020"], [date(2020, 1, 31), date(2020, 2, 1)]),
        (["31/1/2020", "02/01/2020"], [date(2020, 1, 31), date(2020, 1, 2)]),
        (["01/31/2020 03:04:05 PM"], [datetime(2020, 1, 31, 15, 4, 5)]),
        (["31.01.2020"], [date(2020, 1, 31)]),
        (["26.10.2025 02:30"], [datetime(2025, 10, 26, 2, 30)]),
        (["31.12.2025 23:59:07"], [datetime(2025, 12, 31, 23, 59, 7)]),
        (["Jan 1 2000", "Dec 31 1999"], [date(2000, 1, 1), date(1999, 12, 31)]),
    ],
)
def test_values_get_their_type(values: list[str | None], expected: list[Any]) -> None:
    """Numbers, truth values, dates and times in their usual forms are read as such."""
    assert typed(*values).table["v"].to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        (["3.9", "3.10", "3.11"], True),
        (["3.9", "3.10", "3"], False),
        (["3.5", "3.10", "3.05"], False),
        (["3.50", "3.10"], False),
        (["3.9", "3.11"], False),
        (["-3.9", "3.10"], False),
    ],
)
def test_numbers_that_may_be_versions_are_told_of(values: list[str], is_told: bool) -> None:
    """Of 3.9 and 3.10 in a column of any name a note says that 3.10 is 3.1, and what to do."""
    notes = typed(*values).notes
    assert [note.partition(",")[0] for note in notes] == ["Column 'v' is number (DOUBLE)"] * is_told


@pytest.mark.parametrize(
    "values",
    [
        ["007", "12"],
        ["01234.5"],
        ["+4930123456"],
        ["-007", "1"],
        ["12345678901234567890", "1"],
        ["1234567890123456789", "0.5"],
        ["1_000"],
        ["0x1F"],
        ["1e400"],
        ["1,000", "7"],
        ["01,5", "2,5"],
        ["1,23,456"],
        ["12.345.678,5", "1,234.5"],
        ["1234567890123456,5"],
        ["9:30", "24:00"],
        ["t", "f"],
        ["yes", "no"],
        ["1/2/20"],
        ["2020-02-30"],
        ["2020-01-01 10:00:00.123456789"],
        ["2020-01-01 10:00:00", "2020-01-01 10:00:00+02"],
        ["25:00:00"],
        ["2020-01-01", "unknown"],
        ["infinite", "nano"],
        ["", "5"],
        [None, None],
    ],
)
def test_what_would_lose_something_stays_text(values: list[str | None]) -> None:
    """Codes, over-long numbers and doubtful forms stay as they are written."""
    table = typed(*values).table
    assert table["v"].to_pylist() == values
    assert table.schema.field("v").type == pa.string()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("common", "late", "kind", "said"),
    [
        ("1", "1.5", pa.float64(), "'1.5', which is no whole number"),
        ("1", "007", pa.string(), "'007', which is no whole number"),
        ("1", "n/a", pa.string(), "'n/a', which is no whole number"),
        ("1.5", "x", pa.string(), "'x', which is no number"),
        ("2020-01-01", "2020-01-01 10:00", pa.timestamp("us"), "which is no date"),
        ("2020-01-01", "soon", pa.string(), "'soon', which is no date"),
        ("true", "maybe", pa.string(), "'maybe', which is no true or false"),
        ("13/01/2020", "01/13/2020", pa.string(), "which is no day/month/year"),
    ],
)
def test_late_misfit_widens_the_column_and_is_told(
    common: str, late: str, kind: pa.DataType, said: str
) -> None:
    """One value far behind the sample makes the column wider; the note names its row."""
    result = typed(*[common] * MANY, late)
    assert result.table.schema.field("v").type == kind
    assert len(result.table) == MANY + 1
    assert str(result.table["v"][0].as_py()).startswith(common[:2] if "/" not in common else "13")
    (note,) = result.notes
    assert f"row {MANY + 1:,} has" in note
    assert said in note


def test_padding_that_comes_late_is_no_misfit() -> None:
    """Blanks around numbers do not matter, wherever they start."""
    result = typed(*["1"] * MANY, " 5 ")
    assert result.table["v"][MANY].as_py() == 5
    assert result.notes == []


def test_values_that_come_late_decide() -> None:
    """A column whose sample is all null takes its type from the values behind it."""
    result = typed(*[None] * MANY, "5")
    assert result.table.schema.field("v").type == pa.int64()


@pytest.mark.slow
def test_order_of_month_and_day_is_decided_by_any_row_or_not_at_all() -> None:
    """Dates that may be read both ways stay text and are told; one clear date decides for all."""
    doubtful = ["01/02/2020"] * MANY
    result = typed(*doubtful)
    assert result.table.schema.field("v").type == pa.string()
    assert result.notes == [
        "Column 'v' is text: its dates may be month/day/year or day/month/year."
    ]
    assert typed(*doubtful, "01/13/2020").table["v"][0].as_py() == date(2020, 1, 2)
    assert typed(*doubtful, "13/01/2020").table["v"][0].as_py() == date(2020, 2, 1)


def test_what_a_comma_means_is_told_or_left_open() -> None:
    """Numbers with commas are told of; where a comma may mean two things, the column is text."""
    assert typed("1,5", "2,25").notes == [
        "Column 'v' is number (DOUBLE): each value is a number with a decimal comma (1,5 is 1.5)."
    ]
    (doubt,) = typed("1,000", "2,000").notes
    assert "a number with a decimal comma or a number with commas between thousands" in doubt
    assert typed("1,000", "2,000", "1,000,000").table["v"].to_pylist() == [1000, 2000, 1000000]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.integers().map(str),
            st.floats(allow_nan=False).map(repr),
            st.dates().map(str),
            st.datetimes().map(str),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
            st.text("0123456789-+.eE/: TZ", max_size=12),
        ),
        min_size=1,
        max_size=12,
    )
)
@example(["1", "1.0"])
def test_no_value_is_ever_lost(values: list[str | None]) -> None:
    """Nulls stay null and nothing else becomes null; numbers and dates keep their value."""
    result = typed(*values).table["v"]
    for text, value in zip(values, result.to_pylist(), strict=True):
        assert (text is None) == (value is None)
        if isinstance(value, str):
            assert value == text
        elif isinstance(value, float):
            assert float(str(text)) == value
        elif isinstance(value, int) and not isinstance(value, bool):
            assert str(value) == str(text).strip(" ")


ODD_TEXTS = [
    *("10000-01-01 00:00:00", "10000-01-01 00:00:0", "0044-03-15 (BC) 00:00:00", "infinity"),
    *("2020-01-01T00:00:00", "2020-01-01 00:00:00", "2020-1-01 00:00:00", "+020-01-01 00:00:00"),
    *("007", "00.5", "-00.5", "-0", "0.5", "+1", "1_000", "1.", ".5", "1e400", "-1.5", "\u0663.5"),
    *("123456789012345", "12345678901234.5", "123456789012345678.5", "-", "", " 1.5", "1.5\n"),
]


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.datetimes().map(str),
            st.floats().map(repr),
            st.text("0123456789-+._e: \n", max_size=20),
            st.from_regex(r"\A[0-9]{4,5}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:?[0-9]*\Z"),
        ),
        max_size=20,
    )
)
def test_a_quick_look_accepts_nothing_that_the_rule_refuses(texts: list[str]) -> None:
    """What spares a value the whole test is never true for a text that would fail it."""
    quick = [rule for rule in RULES if rule.quick]
    assert {rule.type for rule in quick} >= {"DOUBLE", "TIMESTAMP"}
    rows = pa.table({"x": pa.array(ODD_TEXTS + texts, pa.string())})
    with duckdb.connect(":memory:") as connection:
        connection.register("rows", rows)
        for rule in quick:
            wrong = connection.execute(
                f"SELECT x FROM rows WHERE {rule.quick.replace('{x}', 'x')} "
                f"AND NOT coalesce({rule.check('x')}, false)"
            ).fetchall()
            assert wrong == []
