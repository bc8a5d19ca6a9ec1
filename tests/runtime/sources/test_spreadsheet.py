"""Spreadsheets are read by sheet, with the types that their cells have."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.file.spreadsheet import sheet_names
from dataflow.sources.local_file import LocalFile
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def book(project: Path) -> Path:
    path = project / "book.xlsx"
    first = pd.DataFrame(
        {
            "Id": [1, 2],
            "Price": [1.5, None],
            "When": [datetime(2020, 1, 1, 5), datetime(2020, 1, 2)],
            "Day": [date(2020, 1, 1), date(2020, 1, 2)],
            "Mixed": [1, "x"],
            "Flag": [True, False],
            "Empty": [None, None],
            "Name": ["Ann", "NA"],
        }
    )
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        first.to_excel(writer, sheet_name="First", index=False, startrow=2)
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="Second", index=False)
        pd.DataFrame().to_excel(writer, sheet_name="Nothing", index=False)
    return path


def test_cells_keep_their_types(book: Path) -> None:
    """Whole numbers, dates and truth values are such; a mixed column is text, and told."""
    result = read_source({"type": "file", "url": book.name, "null_values": ["", "NA"]}, {})
    columns = result["data"].to_pydict()
    assert columns["Id"] == [1, 2]
    assert columns["Price"] == [1.5, None]
    assert columns["Flag"] == [True, False]
    assert columns["Mixed"] == ["1", "x"]
    assert columns["Empty"] == [None, None]
    assert columns["Name"] == ["Ann", None]
    assert columns["When"] == [datetime(2020, 1, 1, 5), datetime(2020, 1, 2)]
    assert [str(day)[:10] for day in columns["Day"]] == ["2020-01-01", "2020-01-02"]
    assert any("'Mixed'" in note for note in result["metadata"]["notes"])


def test_sheet_is_chosen_by_name(book: Path) -> None:
    """`sheet` chooses; a wrong one is refused with those that there are."""
    source: dict[str, Any] = {"type": "file", "url": book.name, "sheet": "Second"}
    assert read_source(source, {})["data"].to_pylist() == [{"a": 1}]
    with pytest.raises(SourceSettingError) as caught:
        read_source({**source, "sheet": "Secnd"}, {})
    assert "First, Second" in caught.value.instruction
    with pytest.raises(SourceDataError, match="is empty"):
        read_source({**source, "sheet": "Nothing"}, {})


def test_what_is_no_spreadsheet_is_refused(read: Any) -> None:
    """Another file called .xlsx is an error that names it."""
    with pytest.raises(SourceDataError, match=r"a\.xlsx cannot be read as a spreadsheet"):
        read("a.xlsx", "hello")


def test_sheets_are_listed_in_their_order(book: Path) -> None:
    """An inspection names those that are not read."""
    assert sheet_names(LocalFile(book, book.name, "excel")) == ["First", "Second", "Nothing"]
