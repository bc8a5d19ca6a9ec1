"""Sheets with titles, totals, units, errors and other names than agreed, by their settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.shared.contract import Column, Contract, OnChange
from dataflow.shared.errors import DataflowError
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.file.settings import FileSource
from dataflow.sources.file.sheet_columns import column_of
from dataflow.sources.file.spreadsheet import read_spreadsheets
from dataflow.sources.local_file import LocalFile

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.sources.inference import TypedTable

openpyxl = pytest.importorskip("openpyxl")

Rows = list[list[Any]]
Read = Callable[..., "TypedTable"]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write rows into the sheets of a workbook, and read it."""

    def write_and_read(
        *sheets: Rows, change: Any = None, agreed: dict[str, Column] | None = None, **given: Any
    ) -> TypedTable:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for number, rows in enumerate(sheets, start=1):
            sheet = book.create_sheet(f"s{number}")
            for row in rows:
                sheet.append(row)
        if change:
            change(book)
        book.save(tmp_path / "a.xlsx")
        file = LocalFile(tmp_path / "a.xlsx", "a.xlsx", "excel")
        settings = FileSource.model_validate({"type": "file", "url": "a.xlsx", **given})
        contract = Contract(agreed, OnChange()) if agreed else None
        return read_spreadsheets([file], settings, contract)

    return write_and_read


TABLE: Rows = [["region", "n"], ["A", 1], ["B", 2], ["C", 4]]
READ = {"region": ["A", "B", "C"], "n": [1, 2, 4]}
AGREED = {"region": Column(type="text"), "n": Column(type="bigint")}


def told(typed: TypedTable) -> str:
    return "\n".join(typed.notes)


@pytest.mark.parametrize(
    ("rows", "given", "note"),
    [
        (TABLE, {}, ""),
        ([["Sales of March"], [], *TABLE], {}, "left out above the header: 'Sales of March'"),
        ([["Sales", "March"], *TABLE], {"skip_lines": 1}, ""),
        ([[None, *row] for row in TABLE], {}, ""),
        ([*TABLE, ["Total", 7]], {"footer_lines": 1}, "left out at the end"),
        ([["region", "n"], ["-", "kg"], *TABLE[1:]], {"units_row": True}, ""),
        (
            [["region", "n"], ["-", "kg"], ["Smp", "Avg"], *TABLE[1:]],
            {"units_row": True, "kinds_row": True},
            "",
        ),
        (
            [*TABLE[:3], ["region", "n"], TABLE[3]],
            {"repeated_headers": "skip"},
            "repeat the header, left out: 1",
        ),
        (TABLE[1:], {"header": False, "names": ["region", "n"]}, ""),
    ],
)
def test_the_table_of_a_sheet(read: Read, rows: Rows, given: Any, note: str) -> None:
    """What is no row is left out as the settings say; what nobody spoke of is told."""
    typed = read(rows, **given)
    assert typed.table.to_pydict() == READ
    assert (note in told(typed)) if note else not typed.notes


def test_names_of_a_sheet(read: Read) -> None:
    """In several rows, or nowhere; one that looks like a value is told."""
    grouped = [[None, 2024, None], ["region", "Q1", "Q2"], ["N", 1, 2]]
    typed = read(grouped, header_rows=2, skip_lines=0)
    assert typed.table.to_pydict() == {"region": ["N"], "2024 Q1": [1], "2024 Q2": [2]}
    numbered = read(TABLE[1:], header=False)
    assert numbered.table.column_names == ["column_1", "column_2"]
    assert not numbered.notes
    assert "'1' in it looks like a value" in told(read(TABLE[1:]))
    with pytest.raises(SourceSettingError, match="has 2 columns, and `names` has 1"):
        read(TABLE, header=False, names=["x"])


@pytest.mark.parametrize(
    ("rows", "given", "said"),
    [
        (TABLE, {"skip_lines": 9}, "has no rows"),
        (TABLE, {"footer_lines": 1}, "looks like the rows above it"),
        ([TABLE[0], *TABLE[2:]], {"units_row": True}, "holds values, not units"),
        ([["a"], ["s"], [5], [1]], {"units_row": True, "kinds_row": True}, "holds values"),
    ],
)
def test_a_setting_that_would_leave_out_a_row_is_refused(
    read: Read, rows: Rows, given: Any, said: str
) -> None:
    """Whichever row it is."""
    with pytest.raises(SourceDataError, match=said):
        read(rows, **given)


@pytest.mark.parametrize(
    ("rows", "given", "said"),
    [
        ([*TABLE, ["Total", 7]], {}, "footer_lines: 1"),
        ([*TABLE, ["Total", 7], ["Source: us", None]], {"footer_lines": 1}, "footer_lines: 2"),
        ([*TABLE[:3], TABLE[0], TABLE[3]], {}, "the header comes again"),
        ([TABLE[0], ["-", "t"], *TABLE[1:]], {"units_row": True}, "the unit of 'n' is 't'"),
        ([TABLE[0]], {"units_row": True}, ""),
    ],
)
def test_with_a_contract_what_is_new_is_refused(
    read: Read, rows: Rows, given: Any, said: str
) -> None:
    """A total, the header again, another unit: none is read as a row, or left out unseen."""
    agreed = {"region": Column(type="text"), "n": Column(type="bigint", unit="kg")}
    if not said:
        assert read(rows, agreed=agreed, **given).table.num_rows == 0
        return
    with pytest.raises(DataflowError) as caught:
        read(rows, agreed=agreed, **given)
    assert said in str(caught.value)


def test_with_a_contract_what_may_be_a_row_is_kept(read: Read) -> None:
    """Where a setting says so, or where no contract says what a row is."""
    total = [*TABLE, ["Total", 7]]
    assert read(total, agreed=AGREED, footer_lines=0).table.num_rows == 4
    assert read(total).table.num_rows == 4
    again = [*TABLE, TABLE[0]]
    assert read(again, agreed=AGREED, repeated_headers="keep").table.num_rows == 4
    one_column = [["n"], ["a"], ["n"]]
    assert read(one_column, agreed={"n": Column(type="text")}).table.num_rows == 2


def test_totals_among_the_rows_are_told(read: Read) -> None:
    """They count twice what they sum up."""
    rows = [*TABLE, ["Total", 7], ["D", 5]]
    assert "counts twice: 1" in told(read(rows, agreed=AGREED))
    assert "counts twice" not in told(read(TABLE, agreed=AGREED))


def test_names_that_were_agreed_are_found(read: Read) -> None:
    """In whichever of the first rows they stand now, whatever `skip_lines` says."""
    rows = [["Version", "new", "x"], ["of", "May", "y"], *TABLE]
    for given in ({}, {"skip_lines": 0}, {"skip_lines": 1}):
        typed = read(rows, agreed=AGREED, **given)
        assert {name: typed.table.to_pydict()[name] for name in READ} == READ
        assert "stand in row 3 now" in told(typed)
    assert "now" not in told(read(TABLE, agreed=AGREED))
    elsewhere = read([["a", "b"], ["A", 1]], agreed=AGREED)
    assert elsewhere.table.to_pydict() == {"a": ["A"], "b": [1]}


def test_the_sheet_with_what_was_agreed(read: Read) -> None:
    """It is read wherever it stands now; several are refused, and a name of a sheet decides."""
    other: Rows = [["x"], [9]]
    moved = read(other, TABLE, agreed=AGREED)
    assert moved.table.to_pydict() == READ
    assert "in the sheet 's2' now" in told(moved)
    first = read(TABLE, other, agreed=AGREED)
    assert (first.table.to_pydict(), first.notes) == (READ, [])
    assert read(other, other, agreed=AGREED).table.to_pydict() == {"x": [9]}
    assert read(other, TABLE, agreed=AGREED, sheet="s1").table.to_pydict() == {"x": [9]}
    with pytest.raises(SourceSettingError, match="several sheets .*: 's1', 's3'"):
        read(TABLE, other, TABLE, agreed=AGREED)


def test_a_hidden_sheet_is_not_the_first(read: Read) -> None:
    """What a person sees first is read; a hidden one only where nothing else is there, or named."""

    def hide(book: Any) -> None:
        book["s1"].sheet_state = "hidden"
        book.active = len(book.worksheets) - 1

    other: Rows = [["x"], [9]]
    assert read(other, TABLE, change=hide).table.to_pydict() == READ
    assert read(other, TABLE, change=hide, sheet="s1").table.to_pydict() == {"x": [9]}
    assert read(TABLE, other, change=hide, agreed=AGREED).table.to_pydict() == {"x": [9]}


def test_what_a_person_sees_in_a_cell_is_told(read: Read) -> None:
    """Errors, formulas without a value and merged cells are no silent nulls."""

    def change(book: Any) -> None:
        sheet = book["s1"]
        sheet["B2"].data_type, sheet["B2"].value = "e", "#DIV/0!"
        sheet["B3"] = "=1+1"
        sheet.merge_cells("A3:A4")
        sheet.merge_cells("C1:D1")

    typed = read([*TABLE, ["D", 5]], change=change)
    assert typed.table.to_pydict()["n"] == ["#DIV/0!", "=1+1", "4", "5"]
    assert typed.table.to_pydict()["region"] == ["A", "B", None, "D"]
    notes = told(typed)
    assert "cells hold errors, read as text: B2 #DIV/0!." in notes
    assert "never computed, read as text: B3 =1+1." in notes
    assert "merged cells (A3)" in notes
    assert "C1" not in notes


def test_many_of_a_kind_are_counted(read: Read) -> None:
    """A note names the first eight, and how many more there are."""

    def change(book: Any) -> None:
        for row in range(2, 12):
            book["s1"].cell(row, 1).data_type, book["s1"].cell(row, 1).value = "e", "#N/A"

    notes = told(read([["v"], *[[number] for number in range(12)]], change=change))
    assert "A9 #N/A and 2 more" in notes
    assert "A10" not in notes


def test_texts_of_a_sheet(read: Read) -> None:
    """They keep being texts, unless it is said how numbers and dates are written in them."""
    rows = [["id", "v", "day"], [1, "1.234,50", "01.02.2024"], [2, " NA", "02.02.2024"]]
    plain = read(rows).table.to_pydict()
    assert plain["v"] == ["1.234,50", " NA"]
    given = {"decimal": ",", "thousands": ".", "date_format": "%d.%m.%Y", "null_values": ["NA"]}
    typed = read(rows, **given).table.to_pydict()
    assert typed["v"] == [1234.5, None]
    assert [str(day) for day in typed["day"]] == ["2024-02-01", "2024-02-02"]
    by_column = read(rows, null_values={"V": ["NA"], "w": ["x"]})
    assert by_column.table.to_pydict()["v"] == ["1.234,50", None]
    assert "names a column 'w', which is not there" in told(by_column)
    only_numbers = read([["v"], [1]], decimal=",")
    assert only_numbers.table.to_pydict() == {"v": [1]}


NOON = datetime(2024, 1, 2, 12)


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1.0, None, 3], [1, None, 3]),
        ([1.5, 3], [1.5, 3.0]),
        ([None, None], [None, None]),
        ([date(2024, 1, 1), NOON, None], [datetime(2024, 1, 1), NOON, None]),
        ([date(2024, 1, 1)], [date(2024, 1, 1)]),
        ([time(1, 2)], [time(1, 2)]),
        ([True, None], [True, None]),
        ([float(2**70)], [float(2**70)]),
        ([2**70 + 1, None, 1], [str(2**70 + 1), None, "1"]),
        ([2**63 - 1, -(2**63 - 1)], [2**63 - 1, -(2**63 - 1)]),
    ],
)
def test_the_cells_of_a_column(values: list[Any], column: list[Any]) -> None:
    """They are of one kind, without losing a digit."""
    array, notes = column_of("v", values, is_text=False)
    assert array.to_pylist() == column
    assert [type(value) for value in array.to_pylist()] == [type(value) for value in column]
    assert not notes


def test_cells_that_are_texts() -> None:
    """Those of several kinds are, and it is told; numbers are where the contract says so."""
    mixed, notes = column_of("v", [1.0, "x", True, time(1)], is_text=False)
    assert mixed.to_pylist() == ["1", "x", "True", "01:00:00"]
    assert "values of several kinds (bool, float, str, time)" in notes[0]
    agreed, notes = column_of("v", [5.0, None, 6.5], is_text=True)
    assert (agreed.to_pylist(), notes) == (["5", None, "6.5"], [])
    day, _ = column_of("v", [date(2024, 1, 1)], is_text=True)
    assert day.to_pylist() == [date(2024, 1, 1)]


def test_sheets_of_several_files(tmp_path: Path) -> None:
    """One table if they are told to be, with null where a file lacks a column, or refused."""
    files = []
    for name, rows in (("x", TABLE), ("y", [["Region", "m"], ["D", "q"]])):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / f"{name}.xlsx")
        files.append(LocalFile(tmp_path / f"{name}.xlsx", f"{name}.xlsx", "excel"))
    source = {"type": "file", "url": "*.xlsx"}
    typed = read_spreadsheets(files, FileSource.model_validate({**source, "union_by_name": True}))
    assert typed.table.to_pylist()[2:] == [
        {"region": "C", "n": 4, "m": None},
        {"region": "D", "n": None, "m": "q"},
    ]
    assert typed.lacking == {"n", "m"}
    with pytest.raises(SourceSettingError):
        read_spreadsheets(files, FileSource.model_validate(source))


def test_kinds_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    """A column of dates in one file and of truth values in the next is no column."""
    files = []
    for name, value in (("a1", date(2024, 1, 1)), ("a2", True)):
        book = openpyxl.Workbook()
        book.active.append(["v"])
        book.active.append([value])
        book.save(tmp_path / f"{name}.xlsx")
        files.append(LocalFile(tmp_path / f"{name}.xlsx", f"{name}.xlsx", "excel"))
    settings = FileSource.model_validate({"type": "file", "url": "*.xlsx"})
    with pytest.raises(SourceDataError, match=r"a1\.xlsx, a2\.xlsx do not go together"):
        read_spreadsheets(files, settings)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello, world", "it is text"),
        ("a;b\n1;2\n".encode("utf-16"), "it is text"),
        (b"<html><table></table></html>", r"it is a web page \(HTML\)"),
        (b"\0\1\2\3", r"as a spreadsheet: "),
        (b"", r"as a spreadsheet: "),
    ],
)
def test_a_file_that_is_no_spreadsheet(tmp_path: Path, content: bytes, said: str) -> None:
    """What it is instead is said, where it can be told."""
    (tmp_path / "a.xlsx").write_bytes(content)
    settings = FileSource.model_validate({"type": "file", "url": "a.xlsx"})
    with pytest.raises(SourceDataError, match=said):
        read_spreadsheets([LocalFile(tmp_path / "a.xlsx", "a.xlsx", "excel")], settings)
