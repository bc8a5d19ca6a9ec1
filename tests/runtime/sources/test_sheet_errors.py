"""Cells of a workbook that its reader gives as empty, and that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.sources.file.sheet_errors import cell_name, error_cells

openpyxl = pytest.importorskip("openpyxl")


@pytest.mark.parametrize("strict", [False, True])
def test_errors_and_uncomputed_formulas_are_found_where_they_stand(
    tmp_path: Path, *, strict: bool
) -> None:
    """In whichever column; what was computed, and what is empty, are none."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["B1"] = 1, "text"
    sheet["AB3"], sheet["BA2"], sheet["Z1"] = "=1<2", "#DIV/0!", "=A1"
    if strict:
        del sheet["BA2"]
    book.create_sheet("Fine")["A1"] = 1
    book.save(tmp_path / "a.xlsx")
    found = {(2, 27): "=1<2", (0, 25): "=A1"} | ({} if strict else {(1, 52): "#DIV/0!"})
    assert error_cells(tmp_path / "a.xlsx", "Sheet") == found
    assert error_cells(tmp_path / "a.xlsx", "Fine") == {}
    assert error_cells(tmp_path / "a.xlsx", "Other") is None
    assert [cell_name(*place) for place in found][:2] == ["AB3", "Z1"]


def test_a_file_of_another_kind_cannot_tell_them(tmp_path: Path) -> None:
    """Nor one that is broken."""
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert error_cells(tmp_path / "a.xls", "Sheet") is None
