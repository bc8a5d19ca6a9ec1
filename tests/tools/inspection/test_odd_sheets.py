"""Sheets with titles, totals, units, errors and without names are read rightly, or it is said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from dataflow.sources.errors import SourceDataError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import Inspection, inspect_source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def look(project: Path) -> Any:
    """Write rows into a sheet, look at it, and read it as a run does."""

    def write_and_look(
        rows: list[list[Any]], change: Any = None, **settings: Any
    ) -> tuple[Inspection, dict[str, list[Any]]]:
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for row in rows:
            sheet.append(row)
        if change:
            change(book, sheet)
        book.save(project / "a.xlsx")
        inspection = inspect_source({"type": "file", "url": "a.xlsx", **settings})
        answers = inspection.answers()
        source = {"type": "file", "url": "a.xlsx", "null_values": answers["null_values"]}
        table = read_source({**source, **answers.get("source_settings", {})}, {})["data"]
        return inspection, table.to_pydict()

    return write_and_look


def test_title_above_and_total_below(look: Any) -> None:
    """Rows above the names and a total below them are left out by settings that are proposed."""
    inspection, read = look(
        [["Sales of March"], [], ["region", "n"], ["A", 1], ["B", 2], ["C", 4], ["Total", 7]]
    )
    settings = inspection.answers()["source_settings"]
    assert settings == {"skip_lines": 2, "footer_lines": 1}
    assert any("'Sales of March'" in note for note in inspection.notes)
    assert read == {"region": ["A", "B", "C"], "n": [1, 2, 4]}


def test_number_as_name_stays_whole(look: Any) -> None:
    """The header 2013 is called 2013."""
    _, read = look([["country", 2013, 2014], ["DE", 1, 2], ["FR", 3, 4]])
    assert list(read) == ["country", "2013", "2014"]


def test_errors_are_named(look: Any) -> None:
    """A cell that holds an error is named, and no value by a setting."""

    def change(book: Any, sheet: Any) -> None:
        sheet["B3"].data_type = "e"
        sheet["B3"].value = "#DIV/0!"

    inspection, read = look([["id", "v"], [1, 1.5], [2, 0], [3, 2.5]], change)
    assert any("B3 #DIV/0!" in note for note in inspection.notes)
    assert inspection.answers()["null_values"] == {"v": ["", "#DIV/0!"]}
    assert read == {"id": [1, 2, 3], "v": [1.5, None, 2.5]}
    plain = read_source({"type": "file", "url": "a.xlsx"}, {})
    assert plain["data"].to_pydict()["v"] == ["1.5", "#DIV/0!", "2.5"]


def test_sheet_without_names_keeps_its_first_row(look: Any) -> None:
    """A first row of values is a row, and that is said."""
    inspection, read = look([[datetime(2024, 1, day), day * 1.5] for day in (1, 2, 3)])
    assert inspection.answers()["source_settings"] == {"header": False}
    assert any("first line is a row" in note for note in inspection.notes)
    assert read["column_2"] == [1.5, 3, 4.5]


def test_units_below_the_names(look: Any) -> None:
    """Units are kept as such, and numbers are numbers."""
    inspection, read = look([["t", "v"], ["s", "m/s"], [0, 1.5], [1, 2.5], [2, 3.5]])
    assert inspection.units == {"t": "s", "v": "m/s"}
    assert read == {"t": [0, 1, 2], "v": [1.5, 2.5, 3.5]}


def test_groups_over_merged_cells(look: Any) -> None:
    """Names in two rows are joined; a merged cell stands over all of its columns."""

    def change(book: Any, sheet: Any) -> None:
        sheet.merge_cells("B1:C1")

    rows = [["", 2024, None], ["region", "Q1", "Q2"], ["N", 1, 2], ["S", 3, 4]]
    _, read = look(rows, change)
    assert read == {"region": ["N", "S"], "2024 Q1": [1, 3], "2024 Q2": [2, 4]}


def test_cells_merged_over_rows_are_told(look: Any) -> None:
    """The value stands in the first of the rows; the others are null, and that is said."""

    def change(book: Any, sheet: Any) -> None:
        sheet.merge_cells("A2:A3")

    inspection, read = look([["region", "n"], ["N", 1], [None, 2], ["S", 3]], change)
    assert read["region"] == ["N", None, "S"]
    assert any("merged cells (A2)" in note for note in inspection.notes)


def test_hidden_sheets_are_not_the_first(look: Any) -> None:
    """What a person sees first is read, by a setting that says so."""

    def change(book: Any, sheet: Any) -> None:
        other = book.create_sheet("seen")
        other.append(["id", "v"])
        other.append([1, 2])
        sheet.sheet_state = "hidden"
        book.active = 1

    inspection, read = look([["x"], [9]], change)
    assert inspection.answers()["source_settings"]["sheet"] == "seen"
    assert read == {"id": [1], "v": [2]}


def test_texts_are_numbers_by_hand(look: Any) -> None:
    """What a person says of decimal marks and dates holds for the texts in a sheet too."""
    rows = [["id", "v", "day"], [1, "1.234,50", "01.02.2024"], [2, "7,25", "02.02.2024"]]
    _, read = look(rows, decimal=",", thousands=".", date_format="%d.%m.%Y")
    assert read["v"] == [1234.5, 7.25]
    assert [str(day) for day in read["day"]] == ["2024-02-01", "2024-02-02"]


def test_a_footer_that_is_a_row_is_refused(look: Any, project: Path) -> None:
    """A row like all others is never left out at the end."""
    with pytest.raises(SourceDataError, match="looks like the rows above it"):
        look([["region", "n"], ["A", 1], ["B", 2], ["C", 4]], footer_lines=1)


def test_tables_below_one_another_are_refused(look: Any) -> None:
    """Two tables in a sheet are not read as one, whatever parts them."""
    first = [["region", "n"], ["A", 1], ["B", 2], []]
    with pytest.raises(SourceDataError, match="line 5: another table"):
        look([*first, ["name", "w"], ["x", 5], ["y", 6]])
    with pytest.raises(SourceDataError, match="line 6: another table"):
        look([*first, ["Returns"], ["region", "n"], ["A", 5], ["B", 6]])


def test_repeated_names_are_left_out(look: Any) -> None:
    """Rows that repeat the names, as printed pages have them, are no rows."""
    inspection, read = look([["id", "v"], [1, 2], ["id", "v"], [3, 4]])
    assert inspection.answers()["source_settings"] == {"repeated_headers": "skip"}
    assert read == {"id": [1, 3], "v": [2, 4]}


def test_names_in_three_rows(look: Any) -> None:
    """Groups of groups stand over merged cells."""

    def change(book: Any, sheet: Any) -> None:
        sheet.merge_cells("B1:C1")

    rows = [[None, 2023, None], [None, "Q1", "Q2"], ["Region", "Men", "Women"]]
    _, read = look([*rows, ["N", 1, 2], ["S", 3, 4], ["W", 5, 6]], change)
    assert read == {"Region": ["N", "S", "W"], "2023 Q1 Men": [1, 3, 5], "2023 Q2 Women": [2, 4, 6]}


def test_formulas_that_were_never_computed_are_named(look: Any) -> None:
    """A cell that holds a formula without what it gives is not taken for an empty one."""
    inspection, read = look([["id", "v"], [1, "=1+1"], [2, "=2+2"]])
    assert any("never computed, read as text: B2 =1+1" in note for note in inspection.notes)
    assert read["v"] == ["=1+1", "=2+2"]


def test_a_total_that_was_never_computed_is_one(look: Any) -> None:
    """A row called total, with a sum as formula, is left out."""
    _, read = look([["region", "n"], ["A", 1], ["B", 2], ["Total", "=SUM(B2:B3)"]])
    assert read == {"region": ["A", "B"], "n": [1, 2]}


def test_a_cover_is_not_the_table(look: Any) -> None:
    """The first sheet that has a table is read; the others are told."""

    def change(book: Any, sheet: Any) -> None:
        other = book.create_sheet("Data")
        for row in (["id", "v"], [1, 2], [2, 3]):
            other.append(row)

    inspection, read = look([["Our company"], ["Contact: a@b.c"]], change)
    assert inspection.answers()["source_settings"]["sheet"] == "Data"
    assert read == {"id": [1, 2], "v": [2, 3]}
