"""Random tables on two days: the second is read as the first, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from dataflow.shared.contract import Column, Contract, OnChange, written_type
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import SourceDataError
from dataflow.sources.inference import read_typed

DATE_LAYOUTS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y")
# Number formats, by decimal mark and the mark between thousands.
NUMBER_MARKS = ((".", ""), (",", "."), (".", ","))
ODD = ("", "n/a", "free", "1.5", "1,5", "007", "1e3", "12.75", "1.500", "31/02/2024", "2024-01-01")

days = st.dates(date(1950, 1, 1), date(2090, 12, 31))


def number(value: float, marks: tuple[str, str]) -> str:
    """A number of two decimals as people of a country write it."""
    point, groups = marks
    text = f"{value:,.2f}"
    return text.replace(",", "g").replace(".", point).replace("g", groups)


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[str], list[str], bool]:
    """The texts of a column on day one, on day two, and whether day two is written like day one."""
    kind = draw(st.sampled_from(["whole", "number", "date", "stamp", "code", "flag"]))
    marks = draw(st.sampled_from(NUMBER_MARKS))
    layout = draw(st.sampled_from(DATE_LAYOUTS))
    # Large enough for the marks to be seen on day one.
    amounts = st.integers(-(10**9), 10**9).map(lambda cents: number(cents / 100, marks))
    stamps = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1))
    texts = {
        "whole": st.integers(-(10**12), 10**12).map(str),
        "number": amounts,
        "date": days.map(lambda day: day.strftime(layout)),
        "stamp": stamps.map(lambda stamp: stamp.isoformat(" ", "seconds")),
        "code": st.from_regex(r"[A-Z]{2}0\d{3}|0\d{4}", fullmatch=True),
        "flag": st.sampled_from(["true", "false"]),
    }[kind]
    first = draw(st.lists(texts, min_size=2, max_size=6))
    second = draw(st.lists(texts | st.just(""), min_size=1, max_size=4))
    if draw(st.booleans()):
        second[draw(st.integers(0, len(second) - 1))] = draw(st.sampled_from(ODD))
        return first, second, False
    return first, second, True


def independently(text: str, column: Column) -> Any:
    """What a text means under a contract, read by Python; ValueError if it means nothing."""
    if text == "":
        return None
    kind = column.type
    if kind == "text":
        return text
    if kind == "bigint":
        if not re.fullmatch(r"[-+]?\d+(\.0+)?", text):
            raise ValueError(text)
        return int(text.partition(".")[0])
    if kind == "double":
        groups = column.thousands or ("," if "." in text else "\0")
        return float(text.replace(groups, "").replace(column.decimal or ".", "."))
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    if kind == "date":
        return datetime.strptime(text, column.format or "%Y-%m-%d").date()
    if column.format:
        return datetime.strptime(text, column.format)
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def texts_as_rows(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> str:
    """A relation of one text column, as the CSV reader gives it: an empty text is null."""
    column = pa.array([text or None for text in texts], pa.string())
    connection.register("texts", pa.table({"c0": column}))
    return "texts"


def agreed(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> Column:
    """What `new` writes into config.yaml after looking at day one."""
    typed = read_typed(connection, texts_as_rows(connection, texts), ["v"])
    connection.register("found", typed.table)
    kind = str(connection.sql("DESCRIBE found").fetchall()[0][1])
    return Column.model_validate({"type": written_type(kind), **typed.written.get("v", {})})


def check(connection: duckdb.DuckDBPyConnection, drawn: tuple[list[str], list[str], bool]) -> None:
    first, second, alike = drawn
    column = agreed(connection, first)
    contract, refusal = Contract({"v": column}, OnChange()), ""
    try:
        typed = read_typed(connection, texts_as_rows(connection, second), ["v"], contract=contract)
    except SourceDataError as error:
        refusal = error.reason
    if refusal:
        assert not alike, refusal
        assert "'v', row" in refusal
        return
    assert typed.table["v"].to_pylist() == [independently(text, column) for text in second]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=columns())
def test_day_two_has_the_right_values_or_is_refused(
    engine: duckdb.DuckDBPyConnection, drawn: tuple[list[str], list[str], bool]
) -> None:
    """Values equal an independent reading; what is written as on day one is never refused."""
    check(engine, drawn)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "cases"), [(0, 1000), (1, 3000), (2, 3000), (3, 3000)], ids=["0", "1", "2", "3"]
)
def test_ten_thousand_second_days(engine: duckdb.DuckDBPyConnection, part: int, cases: int) -> None:
    """The same over 10,000 cases, in parts that machines with several cores share."""

    @seed(part)
    @settings(max_examples=cases)
    @given(drawn=columns())
    def search(drawn: tuple[list[str], list[str], bool]) -> None:
        check(engine, drawn)

    search()


def test_a_month_of_days_keeps_its_order(engine: duckdb.DuckDBPyConnection) -> None:
    """Day/month, settled once, holds for every later day, also where both could be meant."""
    column = agreed(engine, ["25/04/2024", "05/06/2024"])
    contract = Contract({"v": column}, OnChange())
    month = [date(2024, 1, 1) + timedelta(days=number) for number in range(12)]
    texts = [day.strftime("%d/%m/%Y") for day in month]
    typed = read_typed(engine, texts_as_rows(engine, texts), ["v"], contract=contract)
    assert typed.table["v"].to_pylist() == month
