"""What of a table's beginning is a name, a value, a unit, a title or a note."""

from __future__ import annotations

import pytest

from dataflow.sources.file.header import (
    Head,
    columns_of_values,
    contrast,
    has_kinds,
    has_units,
    head_of,
    header_rows_of,
    joined_names,
    lacks_names,
    looks_like_a_value,
    preamble_of,
    values_in,
)


def rows(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.splitlines()]


@pytest.mark.parametrize(
    "cell",
    ["1", "-2.5", "1e5", "$3", "5 %", "2024-01-02", "1/2/2024", "10:30", "2 May 2024", "TRUE"],
)
def test_a_value(cell: str) -> None:
    """Numbers, dates, times and truth values are, with blanks around them or without."""
    assert looks_like_a_value(f" {cell} ")


@pytest.mark.parametrize("cell", ["a1", "id", "", "Q1", "1st", "May"])
def test_no_value(cell: str) -> None:
    """Texts are none."""
    assert not looks_like_a_value(cell)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("id,name", []),
        ("id, 5 ,2024-01-01", ["5", "2024-01-01"]),
        ("country,2019,2020", []),
        ("2019,5", ["2019", "5"]),
        ("0,1,2", []),
        ("1,2,3", []),
        ("1,2,4", ["1", "2", "4"]),
        ("x,1,2", ["1", "2"]),
    ],
)
def test_values_in_a_header(header: str, values: list[str]) -> None:
    """They are told, but for years over the columns, and for columns that are numbered."""
    assert values_in(header.split(",")) == values


NAMES = "time,speed,place\n"
ROWS = "1,2.5,a\n2,3.5,b\n4,5.5,c\n"


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("", 0),
        ("Title\n", 1),
        ("Title,,\n", 1),
        (",,\n", 1),
        ("Title\n\n,,\n", 3),
        ("Title,by us\n", 1),
        ("station,Vienna\nheight,170 m\n", 2),
        ("station,Vienna,\nheight,170 m,\n", 2),
        ("a,b,c,d\n", 1),
        ("a,b,c,d,e,f\nTitle\n", 2),
        ("x,y,z\n", 0),
        ("5,6\n", 0),
        ("5,6,7,8\n", 0),
        (",Vienna,\n", 0),
        (",Vienna\n", 0),
        ("Title,,x\n", 0),
        ("Title,5\n", 1),
        ("Title,5,\n", 1),
        ("5,,\n", 1),
        ("a,b,c,d\nTitle,\n", 2),
        ("Title\n" * 20, 20),
        ("Title\n" * 21, 0),
    ],
)
def test_what_stands_above_the_names(above: str, lines: int) -> None:
    """Titles, keys and their values, sentences with a delimiter; no whole records, no values."""
    assert preamble_of(rows(above + NAMES + ROWS * 12)) == lines


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\nb\nc\n",
        "Title\n",
        "Title\n1,2,a\n2,3,b\n4,5,c\n",
        "Title\n1,2\n",
        "a,b,\n1,2,3\n4,5,6\n",
        "Ann,b,\nx,y,z\nx,y,z\nx,y,z\n",
        "Title\n\n",
        "note,here\nx,y,z\nx,y,z\nx,y,z\n",
    ],
)
def test_nothing_is_left_out_that_may_be_names_or_a_row(text: str) -> None:
    """Where nothing below looks like names over values, all of it is the table."""
    assert preamble_of(rows(text)) == 0


def test_a_title_above_texts() -> None:
    """Alone in its line it is a title, whatever the table holds; the wider table counts."""
    assert preamble_of(rows("Title\nname,city\nAnn,Rome\nBob,Oslo\n")) == 1
    assert preamble_of(rows("Title\nkey,value\nname,city,n\nAnn,Rome,1\n")) == 2
    assert preamble_of(rows("Title\n,2019,2020\nAnn,5.5,7.5\nBob,6.5,8.5\n")) == 1
    assert preamble_of(rows("Title\nname,2019,2020\nAnn,5.5,7.5\nBob,6.5,8.5\n")) == 1
    assert preamble_of(rows("Title,,\nname,2019,2020\nAnn,5.5,7.5\nBob,6.5,8.5\n")) == 1
    # A record with gaps below a key and its value is a row; below a title it may be names.
    assert preamble_of(rows("a,b,\nx,,z\nname,n,m\nAnn,1,2\n")) == 0
    assert preamble_of(rows("a,,\nx,,z\nname,n,m\nAnn,1,2\n")) == 1
    # What is full here is told from what stands below it, not above it, and not in the first line.
    assert preamble_of(rows("a,b\nTitle\nx,y\nv,w\nv,w\n")) == 0
    assert preamble_of(rows("Title\n" + "x\n" * 20 + "a,b\n" * 22)) == 0
    assert preamble_of(rows("Title\n" + "x\n" * 19 + "a,b\n" * 22)) == 20
    assert preamble_of(rows("Title\nname,2019,3\nAnn,5.5,7.5\nBob,6.5,8.5\n")) == 0


def test_which_columns_hold_values() -> None:
    """Those with four of five values that are numbers or dates; marks of nothing do not count."""
    table = rows("1,1,NA,x,1\n2,2,,y\n3,3,-,z\n4,4,n/a,1\n5,x,.,2\n")
    assert columns_of_values(table, 5) == [True, True, False, False, True]
    assert columns_of_values(rows("1\n2\n3\nx\n"), 1) == [False]
    assert columns_of_values([], 2) == [False, False]


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("time,speed,place", True),
        ("time,5,place", True),
        ("5,6,place", False),
        (",,place", False),
        ("a,b,c", True),
    ],
)
def test_names_stand_over_values(header: str, *, answer: bool) -> None:
    """A text over a column of numbers is a name; one over texts may be a text."""
    assert contrast(header.split(","), rows(ROWS)) is answer


@pytest.mark.parametrize(
    ("header", "below", "answer"),
    [
        ("city,2019,2020", "x,5,6\ny,7,8\n", True),
        ("city,2024-01,2024-02", "x,5,6\ny,7,8\n", True),
        ("1,2019,2020", "1,5,6\n2,7,8\n", False),
        (",2019,2020", "x,5,6\ny,7,8\n", False),
        ("city,2019,2019", "x,5,6\ny,7,8\n", False),
        ("city,2019,2020", "x,2001,2002\ny,2003,2004\n", False),
        ("city,2019,2020", "x,2001,6\ny,7,2004\n", False),
        ("city,2019,5", "x,5,6\ny,7,8\n", False),
    ],
)
def test_years_and_days_are_names_of_columns(header: str, below: str, *, answer: bool) -> None:
    """Where several stand over other values than those, and a text beside them names the rows."""
    assert contrast(header.split(","), rows(below)) is answer


@pytest.mark.parametrize(
    ("header", "below", "answer"),
    [
        ("1,2.5,a", "2,3.5,b\n", True),
        ("time,speed,place", ROWS, False),
        ("5,speed,place", ROWS, False),
        ("5,6.5,place", ROWS, True),
        ("5,6.5,place", "", False),
        ("a,5,6.5", "x,y,z\nx,y,z\n", False),
    ],
)
def test_a_first_record_that_is_a_row(header: str, below: str, *, answer: bool) -> None:
    """Values over values, and no name over any."""
    assert lacks_names(header.split(","), rows(below)) is answer


@pytest.mark.parametrize(
    ("unit", "answer"),
    [
        ("s,m/s,", True),
        ("s,1,", True),
        ("# s,m/s,", True),
        ("15s,14n,", True),
        ("°C,µg/m³,", True),
        ("DegC,Percent,", True),
        ("days,persons,text", True),
        ("abc,abc,", True),
        ("abcd,abc,", False),
        ("s,m/s", False),
        ("s,m/s,,", False),
        ("ok,low,", False),
        ("-,1,", False),
        ("1,1,", False),
        ("s,5,", False),
        ("s,m,5", False),
        ("s,m,Vienna", False),
        ("s,m/s,Vienna", True),
        (",m/s,", True),
        ("[" + "x" * 24 + "],s,", True),
        ("[" + "x" * 25 + "],s,", False),
    ],
)
def test_units(unit: str, *, answer: bool) -> None:
    """Signs, fractions and short words over numbers are, unless a row could be written so."""
    assert has_units(["t", "v", "place"], rows(f"{unit}\n{ROWS}")) is answer


def test_units_need_rows_of_other_values_below_them() -> None:
    """Alone they are a row, and so is what comes again in their column; a 1 over a count is one."""
    assert not has_units(["t", "v"], rows("s,m/s\n"))
    assert has_units(["t", "v"], rows("s,m/s\n1,2\n"))
    again = "m,kg\n" + "1,2\n" * 9
    assert has_units(["t", "v"], rows(again))
    assert not has_units(["t", "v"], rows(again + "M,3\n"))
    assert not has_units(["t", "v"], rows("s,1\n1,2\n2,3\n"))
    assert has_units(["t", "v"], rows("s,1\n1,2\n2,3.5\n"))
    assert has_units(["t", "v"], rows("s,m\n1\n2,3\n4,5\n"))


def test_kinds_of_values() -> None:
    """Every cell that is filled says one, as loggers write them."""
    assert has_kinds(["Smp", " AVG ", ""])
    assert not has_kinds(["Smp", "x"])
    assert not has_kinds(["", ""])


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("", 1),
        (",,\n1,2,3\n", 1),
        ("a,b,c\n1,2,3\n", 1),
        (",x,\nplace,a,b\nq,1,2\n", 2),
        (",x,\n,y,\nplace,a,b\nq,1,2\n", 3),
        (",x,\n,y,\n,z,\nplace,a,b\nq,1,2\n", 4),
        (",x,\n,y,\n,z,\n,w,\nplace,a,b\nq,1,2\n", 1),
        (",x,\nplace,a,b\n", 1),
        (",x,\nplace,a\nq,1\n", 1),
        (",x,\nplace,a,a\nq,1,2\n", 1),
        (",x,\nplace,5,6\nq,1,2\n", 1),
        (",x,\nplace,2019,2020\nq,1,2\n", 2),
        (",x,\nplace,a,b\nq,r,s\n", 1),
        (",x,\n,a,b\nq,1,2\n", 1),
        ("x,x,y\na,A,b\n1,2,3\n", 1),
        ("x,x,y\na,b,b\n1,2,3\n", 2),
        ("x,x,y\na,,\n1,2,3\n", 1),
    ],
)
def test_in_how_many_records_the_names_stand(text: str, several: int) -> None:
    """Several where the first has gaps or repeats, and each column then has a name of its own."""
    assert header_rows_of(rows(text)) == several


def test_names_in_several_records_are_joined() -> None:
    """A gap belongs to what stands left of it, but for the last record; nothing is said twice."""
    assert joined_names(rows(",2024,\nplace,Q1, Q2\n")) == ["place", "2024 Q1", "2024 Q2"]
    assert joined_names(rows("a,b\na,\n")) == ["a", "b"]
    assert joined_names(rows("a\nb,c\n")) == ["a b", "a c"]
    assert joined_names([]) == []


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("", Head()),
        (NAMES + ROWS, Head(0, 1)),
        (ROWS, Head(0, 0)),
        ("Title\n" + NAMES + ROWS, Head(1, 1)),
        ("Title\n" + NAMES + "s,m/s,\n" + ROWS, Head(1, 1, units=True)),
        (",x,\nplace,a,b\nq,1,2\nr,3,4\n", Head(0, 2)),
        (",x,\nplace,a,b\n-,kg,m\n" + "q,1,2\n" * 4, Head(0, 2, units=True)),
        ("x,x,place\nm,s,\n1,2,q\n3,4,r\n", Head(0, 2)),
        ("x,X,place\nm,s,\n1,2,q\n3,4,r\n", Head(0, 1, units=True)),
        ("t,,place\ns,m/s,\n1,2,q\n3,4,r\n", Head(0, 2)),
    ],
)
def test_all_that_stands_above_the_rows(text: str, head: Head) -> None:
    """Titles, names in one record or several, or in none, and units."""
    assert head_of(rows(text)) == head
