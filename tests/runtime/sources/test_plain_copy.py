"""What is no row of a text file is left out as its settings say, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.contract import Column, Contract, OnChange
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.delimited import read_delimited
from dataflow.sources.file.footer import Sums, begins_a_note, is_summary, like_the_rows, number_of
from dataflow.sources.file.settings import FileSource
from dataflow.sources.file.totals_within import note_on_totals
from dataflow.sources.inference import TypedTable
from dataflow.sources.local_file import LocalFile

Read = Callable[..., TypedTable]
ROWS = "A,1\nB,2\nC,4\n"
TABLE = f"region,n\n{ROWS}"
READ = {"region": ["A", "B", "C"], "n": [1, 2, 4]}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a file and read it, by a contract if a unit of its numbers is agreed."""

    def write_and_read(text: str, agreed: str | None = None, **given: Any) -> TypedTable:
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        (tmp_path / "own").mkdir(exist_ok=True)
        columns = {"region": Column(type="text"), "n": Column(type="bigint", unit=agreed or None)}
        contract = Contract(columns, OnChange()) if agreed is not None else None
        settings = FileSource.model_validate({"type": "file", "url": "a.csv", **given})
        file = LocalFile(tmp_path / "a.csv", "a.csv", "csv")
        return read_delimited([file], tmp_path / "own", settings, contract)

    return write_and_read


@pytest.mark.parametrize(
    ("text", "given", "note"),
    [
        (f"{TABLE}Total,7\n", {"footer_lines": 1}, "left out at the end (`footer_lines: 1`)"),
        (f"{TABLE}\nSource: us\n\n", {"footer_lines": 1}, "'Source: us'"),
        (f"region,n\n-,kg\n{ROWS}", {"units_row": True}, ""),
        (f"region,n\n-,kg\nSmp,Avg\n{ROWS}", {"units_row": True, "kinds_row": True}, ""),
        (f"{TABLE}region , n\n", {"repeated_headers": "skip"}, "repeat the header, left out: 1"),
        ("region,n\nA,1,\nB,2\nC,4,,\n", {}, ""),
        (f"# c\n{TABLE}#D,5\n", {"comment": "#"}, ""),
        ("region|n\nA|1\nB|2\nC|4\n", {"delimiter": "|"}, ""),
        ("region n\nA  1\n B 2\nC 4\n", {"delimiter": "whitespace"}, ""),
        ("region n \nA      1 \nB      2 \nC      4 \n", {"widths": [7, 2]}, ""),
        (f"T\n\n{TABLE}", {}, "first 2 lines are left out: 'T'"),
        (f"T\n{TABLE}", {}, "first line is left out: 'T'"),
        (ROWS, {"header": False, "names": ["region", "n"]}, ""),
    ],
)
def test_the_rows_of_a_file(read: Read, text: str, given: dict[str, Any], note: str) -> None:
    """Without what stands around and between them; what nobody spoke of is told."""
    typed = read(text, **given)
    assert typed.table.to_pydict() == READ
    told = "\n".join(typed.notes)
    assert (note in told) if note else not told


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        (TABLE, {"footer_lines": 1}, "would leave out a line that looks like the rows"),
        (f"region,n\n-,5\n{ROWS}", {"units_row": True}, "holds values, not units"),
        ("region,n\n-,kg\nA,5\nB,6\n", {"units_row": True, "kinds_row": True}, "holds values"),
        (f"{TABLE}D\n", {}, r"line 5: there are 1 values, and the header names 2"),
        (f"{TABLE}D,5,6\n", {}, r"line 5: there are 3 values"),
        (f"T\n\n{TABLE}D,5,6\n", {}, r"line 7: there are 3 values"),
        (f"{TABLE}D,5,6\n", {"short_rows": "fill"}, "there are 3 values"),
        ('region,n\n"A"x,1\n', {"comment": "#"}, "a value goes on after it"),
        ('region,n\n"A,1\n', {"comment": "#"}, "opened and never closed"),
        ("region n \nA      1 \nBCDEFGHI1\n", {"widths": [7, 2]}, "line 3: a value stands across"),
        ("T\nregion n \nBCDEFGHI1\n", {"widths": [7, 2], "skip_lines": 1}, "line 3: a value"),
    ],
)
def test_what_may_be_a_row_is_not_left_out(
    read: Read, text: str, given: dict[str, Any], said: str
) -> None:
    """And what fits no column is not pressed into one."""
    with pytest.raises(SourceDataError, match=said):
        read(text, **given)


def test_lines_that_lack_values_are_filled_where_it_is_said(read: Read) -> None:
    """With nulls, and how many there are is told."""
    typed = read(f"{TABLE}D\nE\n", short_rows="fill")
    assert typed.table.to_pydict()["n"] == [1, 2, 4, None, None]
    assert "fewer values than there are names: 2;" in typed.notes[0]


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        (f"region,n\n-,kg\n{ROWS}", {"units_row": True}, ""),
        (f"region,n\n-,\n{ROWS}", {"units_row": True}, "none of the units that the contract"),
        (f"region,n\n-,t\n{ROWS}", {"units_row": True}, "the unit of 'n' is 't', and 'kg' in"),
        (f"{TABLE}Total,7\n", {}, "footer_lines: 1"),
        (f"{TABLE}Total,7\nSource: us,\n", {"footer_lines": 1}, "footer_lines: 2"),
        (f"{TABLE}Total,7\n", {"footer_lines": 1}, ""),
        ("region,n\nA,1\nregion,n\nB,2\nC,4\n", {}, "the header comes again"),
    ],
)
def test_with_a_contract_what_is_new_is_refused(
    read: Read, text: str, given: dict[str, Any], said: str
) -> None:
    """Other units, a total, the header again."""
    if not said:
        assert read(text, agreed="kg", **given).table.to_pydict() == READ
        return
    with pytest.raises(SourceDataError) as caught:
        read(text, agreed="kg", **given)
    assert said in str(caught.value)


def test_with_a_contract_what_is_odd_is_told(read: Read) -> None:
    """Comments that look like rows, sums among rows, a last line that may be cut."""
    notes = read(f"{TABLE}#D,5\n# D,5\n#E\n", agreed="", comment="#").notes
    assert "look like rows: 1, the first is '#D,5'" in notes[0]
    assert "counts twice: 1" in "".join(read(f"{TABLE}Total,7\nD,5\n", agreed="").notes)
    assert "does not end in a line end" in read(TABLE.rstrip(), agreed="").notes[0]
    assert not read(TABLE.rstrip(), agreed="", final_newline=False).notes
    assert not read(TABLE, agreed="").notes


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5.0),
        ("-1,234.5", -1234.5),
        ("1.234,5", 1234.5),
        ("1,5", 1.5),
        ("1,234", 1234.0),
        ("$ 1 234%", 1234.0),
        ("1e3", 1000.0),
        ("a5", None),
        ("1.2.3", None),
        ("", None),
    ],
)
def test_the_number_of_a_text(text: str, number: float | None) -> None:
    """Whatever its decimal mark is."""
    assert number_of(text) == number


def test_sums_of_columns() -> None:
    """A row that is one of them is no row of its own; nothing is the sum of nothing."""
    sums = Sums(2)
    assert not sums.match(["A", "0"])
    for row in (["A", "1"], ["B", "2.5", "9"], ["C", ""]):
        sums.add(row)
    kept = sums.copy()
    assert sums.match(["all", "3.5"])
    assert not sums.match(["all", "3.6"])
    assert not sums.match(["0", "x"])
    sums.remove(["B", "2.5"])
    assert (sums.of_columns, sums.rows) == ([0.0, 1.0], 2)
    assert (kept.of_columns, kept.rows) == ([0.0, 3.5], 3)


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ("D,5", True),
        ("D,", False),
        (",5", True),
        (",", False),
        ("Total,5", False),
        ("Average:,5", False),
        ("Source: us,", False),
        ("x,7", False),
        ("D", False),
        ("D,text", False),
        ("D,NA", True),
    ],
)
def test_a_line_at_the_end_that_may_be_a_row(row: str, *, answer: bool) -> None:
    """Unless it is called otherwise, is a sum, or lacks what makes a row."""
    above = [line.split(",") for line in ROWS.splitlines()] + [["", "0"]]
    sums = Sums(2)
    for each in above:
        sums.add(each)
    assert like_the_rows(row.split(","), above, sums) is answer
    assert not like_the_rows(row.split(","), [], sums)
    assert is_summary("Mean.")
    assert begins_a_note("* estimated")
    assert not begins_a_note("Sourcery")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A,1\nB,2\nTotal,3\nC,5\nD,6\nTotal,11\n", 2),
        ("A,1\nTotal,1\nB,2\nTotal,2\nGrand total,3\n", 3),
        ("Total,3\nA,1\nB,2\n", 1),
        ("Total,4\nA,1\nB,2\n", 0),
        ("A,1\nB,2\n", 0),
        ("A,3\nTotal,3\n", 1),
        ("Total,3\nA,3\n", 0),
    ],
)
def test_totals_among_the_rows(text: str, found: int) -> None:
    """Of those between them, or of all."""
    note = note_on_totals("a.csv", (line.split(",") for line in text.splitlines()), 2)
    assert (f"counts twice: {found}" in note) if found else note == ""
