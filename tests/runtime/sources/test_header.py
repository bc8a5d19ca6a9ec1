"""What stands above the rows of a file: titles, names, units."""

from __future__ import annotations

import pytest

from dataflow.sources.file.header import Head, head_of

NAMES = "time,speed,place\n"
ROWS = "1,2.5,a\n2,3.5,b\n4,5.5,c\n"


def head(text: str) -> Head:
    return head_of([line.split(",") for line in text.splitlines()])


@pytest.mark.parametrize("units", ["s,m/s,", "[s],(km/h),", "seconds,m s^-1,-", "s,%,"])
def test_units_below_the_names_are_no_row(units: str) -> None:
    """Over numbers: signs, fractions, short words and those that are known."""
    assert head(f"{NAMES}{units}\n{ROWS}") == Head(0, 1, units=True)


@pytest.mark.parametrize(
    "row",
    [
        "s,unknown,x",
        "s,not measured!,",
        "[s],(" + "k" * 40 + "),",
        "s,?!,",
        "s,2.5,",
        ",,",
        "NA,NA,",
        "s,m,Vienna",
    ],
)
def test_a_row_that_lacks_values_is_no_line_of_units(row: str) -> None:
    """Words, sentences, numbers, marks of nothing, and a name beside short words."""
    assert head(f"{NAMES}{row}\n{ROWS}") == Head(0, 1)


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("", 0),
        ("Report of 2024\n\n", 2),
        ("station:,Vienna\n", 1),
        ("A sentence, with, more, commas, than, columns\n", 1),
    ],
)
def test_titles_and_notes_above_the_names(above: str, lines: int) -> None:
    """They are no names, and no rows."""
    assert head(above + NAMES + ROWS) == Head(lines, 1)


def test_a_delimiter_at_the_end_of_each_line_names_nothing() -> None:
    """The names above it are looked for as if it were not there."""
    text = "station:,Vienna\n" + "".join(f"{line},\n" for line in (NAMES + ROWS).splitlines())
    assert head(text).before == 1


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("place,2023,,2024,\n,Q1,Q2,Q1,Q2\nx,1,2,3,4\ny,5,6,7,8\n", 2),
        ("place,2023,,2023,\n,Q1,Q2,Q1,Q2\nx,1,2,3,4\ny,5,6,7,8\n", 1),
        ("place,a,b\nx,1,2\ny,5,6\n", 1),
        ("place,a,a\n,x,y\nq,1,2\nr,5,6\n", 2),
    ],
)
def test_names_in_several_lines(text: str, rows: int) -> None:
    """Where groups have gaps that names below fill, and each name is then one of its own."""
    assert head(text).rows == rows
