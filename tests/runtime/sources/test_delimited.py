"""CSV and TSV files are read whole and exactly, or refused with file and line."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.sources.errors import SourceDataError
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "Id,Full Name\n1,Ann\n2,Bob\n"),
        ("a.csv", "Id;Full Name\n1;Ann\n2;Bob\n"),
        ("a.csv", "Id|Full Name\n1|Ann\n2|Bob"),
        ("a.csv", "Id\tFull Name\n1\tAnn\n2\tBob\n"),
        ("a.tsv", "Id\tFull Name\n1\tAnn\n2\tBob\n"),
        ("a.csv", "Id,Full Name\r\n1,Ann\r\n2,Bob\r\n"),
        ("a.csv", "Id,Full Name\r1,Ann\r2,Bob\r"),
        ("a.csv", "Id,Full Name\r\n1,Ann\n2,Bob\r\n"),
        ("a.csv", "\ufeffId,Full Name\n1,Ann\n2,Bob\n"),
        ("a.csv", "\n\nId, Full Name\n1,Ann\n\n2,Bob\n\n"),
        ("a.csv", '"Id","Full Name"\n"1","Ann"\n"2","Bob"\n'),
    ],
)
def test_usual_ways_of_writing_are_found_out(read: Any, name: str, text: str) -> None:
    """Delimiters, line ends, marks, blank lines and quotes do not change what is read."""
    table = read(name, text)["data"]
    assert table.to_pylist() == [{"Id": 1, "Full Name": "Ann"}, {"Id": 2, "Full Name": "Bob"}]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252"])
def test_other_encodings(read: Any, encoding: str) -> None:
    """UTF-16 is known by its mark; others are read when they are named."""
    named = {} if encoding == "utf-16" else {"encoding": encoding}
    table = read("a.csv", "naïve,b\né,2\n".encode(encoding), **named)["data"]
    assert table.to_pylist() == [{"naïve": "é", "b": 2}]


def test_texts_that_mean_null(read: Any) -> None:
    """`null_values` are null, and a column is typed without them."""
    text = "a,b\nNA,x\n5,\n-,NA\n"
    table = read("a.csv", text, null_values=["", "NA", "-"])["data"]
    assert table.to_pydict() == {"a": [None, 5, None], "b": ["x", None, None]}
    assert read("a.csv", text, null_values=[])["data"]["b"].to_pylist() == ["x", "", "NA"]


def test_null_values_cannot_break_out(read: Any) -> None:
    """A quote in a setting is a character, not the end of a SQL text."""
    table = read("a'b.csv", "a\n'\nx\n", null_values=["'"])["data"]
    assert table["a"].to_pylist() == [None, "x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n1,2,3\n", r"a\.csv, line 3: there are 3 values, and the header names 2"),
        ("a,b\n1,2\n1\n", r"a\.csv, line 3: there are 1 values, and the header names 2"),
        ('a,b\n"1,2\n1,3\n', r"a\.csv, line 2: a quotation mark is opened and never closed"),
        (b"a,b\n1,2\n\xe9,2\n", r"a\.csv, line 3: the file is not in UTF-8"),
        ("", r"a\.csv is empty"),
        ("a,b\n" + "1,2\n" * 200_000 + "1\n", r"line 200,002: there are 1 values"),
    ],
)
def test_broken_lines_are_named(read: Any, text: str | bytes, said: str) -> None:
    """No row is lost in silence: what does not fit the header is an error with its line."""
    with pytest.raises(SourceDataError, match=said):
        read("a.csv", text)


@pytest.mark.slow
def test_wrong_type_in_row_900000_widens_the_column(read: Any) -> None:
    """All rows arrive; the column is text, and the note names the row and the value."""
    result = read("a.csv", "id\n" + "1\n" * 899_999 + "oops\n" + "2\n")
    assert result["metadata"]["record_count"] == 900_001
    assert result["data"]["id"][899_999].as_py() == "oops"
    assert result["data"]["id"][900_000].as_py() == "2"
    assert "row 900,000 has 'oops'" in result["metadata"]["notes"][0]


def test_duplicate_and_missing_names_are_told(read: Any) -> None:
    """Columns that the warehouse could not tell apart get another name, and a note says which."""
    result = read("a.csv", "a,A,,b\n1,2,3,4\n")
    assert result["data"].to_pylist() == [{"a": 1, "A_2": 2, "column_3": 3, "b": 4}]
    assert len(result["metadata"]["notes"]) == 2


def test_header_without_rows(read: Any) -> None:
    """A file with only a header is an empty table with its columns."""
    result = read("a.csv", "a,b\n")
    assert result["data"].column_names == ["a", "b"]
    assert result["metadata"]["record_count"] == 0


def test_files_of_a_glob_are_one_table(project: Path) -> None:
    """Files are read in the order of their names and joined by column name; gaps are told."""
    (project / "d").mkdir()
    (project / "d" / "1.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    (project / "d" / "2.csv").write_text("X,id\nb,2\n", encoding="utf-8")
    (project / "d" / "3.csv").write_text("id;new\n3.5;n\n", encoding="utf-8")
    result = read_source({"type": "file", "url": "d/*.csv"}, {})
    assert result["data"].to_pylist() == [
        {"id": 1.0, "x": "a", "new": None},
        {"id": 2.0, "x": "b", "new": None},
        {"id": 3.5, "x": None, "new": "n"},
    ]
    assert any("3.csv lacks 'x'" in note for note in result["metadata"]["notes"])
    assert any("'new'" in note for note in result["metadata"]["notes"])


@pytest.mark.slow
def test_long_lines_are_read(read: Any) -> None:
    """A line of a few megabytes, as map data has them, is no problem."""
    assert len(read("a.csv", f"a,b\n{'x' * 4_000_000},1\n")["data"]["a"][0].as_py()) == 4_000_000


cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=6).filter(
    lambda text: text.strip() == text
)


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_what_pythons_writer_writes_is_read(read: Any, rows: list[tuple[str, str]]) -> None:
    """Any two columns of text that Python's csv module writes are read back as they were."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b"])
    writer.writerows((f"x{first}", f"x{second}") for first, second in rows)
    table = read("a.csv", out.getvalue())["data"]
    assert [(row["a"][1:], row["b"][1:]) for row in table.to_pylist()] == rows


def test_lines_above_the_table_are_left_out_and_told(read: Any) -> None:
    """A title and comments above the header are no data; what they say is in the notes."""
    result = read("a.csv", "# Sales, 2024\n\nid;v\n1;2,5\n2;3,5\n".replace(",", " "))
    assert result["data"].to_pydict() == {"id": [1, 2], "v": ["2 5", "3 5"]}
    assert "first 2 lines are left out: '# Sales 2024'" in result["metadata"]["notes"][0]


def test_a_header_that_looks_like_data_is_told(read: Any) -> None:
    """Files without names, or with blanks between values, are read as they are, with a warning."""
    notes = read("a.csv", "1,2.5,x\n2,3.5,y\n")["metadata"]["notes"]
    assert "'1' in it looks like a value" in notes[0]
    assert "notes" not in read("b.csv", "country,2019,2020\nDE,1,2\nFR,3,4\n")["metadata"]
    assert "notes" not in read("c.csv", "0,1,2\n5,6,7\n")["metadata"]
    assert "set `delimiter`" in read("d.csv", "t status\n1 0\n2 1\n")["metadata"]["notes"][0]


def test_a_web_page_is_no_table(read: Any) -> None:
    """What a server says instead of the file is not taken for one."""
    with pytest.raises(SourceDataError, match="web page"):
        read("a.csv", "<!DOCTYPE html>\n<html><body>Not found</body></html>\n")


def test_comments_count_as_lines_of_the_file(read: Any) -> None:
    """A broken line is named by its place in the file; of what is left out they are not told."""
    text = "# made by us\nTitle\nid,v\n# more\n\n1,2\n# more\n3\n"
    with pytest.raises(SourceDataError, match=r"a\.csv, line 8: there are 1 values"):
        read("a.csv", text, comment="#")
    notes = read("a.csv", text, comment="#", short_rows="fill")["metadata"]["notes"]
    assert "left out: 'Title'" in notes[0]
