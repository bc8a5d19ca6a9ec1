"""What a file is by its content, and how its text is encoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.file.content import format_of, refuse_other_content
from dataflow.sources.file.drawn import cells_within, is_framed, is_line, ruled_widths
from dataflow.sources.file.encoding import (
    as_utf8,
    encoding_of_today,
    unicode_of,
    with_plain_line_ends,
)
from dataflow.sources.file.last_line import has_final_newline, note_on_last_line
from dataflow.sources.local_file import LocalFile

TEXT = "id;näme\n1;é\n2;ü\n"


@pytest.fixture
def file(tmp_path: Path) -> LocalFile:
    return LocalFile(tmp_path / "a.csv", "a.csv", "csv")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-32"), "utf-32"),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "utf-32"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-16-le") + b"x", "utf-16-le"),
        ("a\r1\r".encode("utf-16-le"), "utf-16-le"),
        ("abcd".encode("utf-16-be"), "utf-16-be"),
        ("abc".encode("utf-16-be"), None),
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (b"", None),
        (b"a", None),
        (b"a;b\n1;2\n\0x\0x;;;;;;", None),
        (b"x" * 300 + b"\0", None),
        (b"x" * 100 + b"\0y\0y\0y\0y" + b"x" * 100, None),
        (("\u4e2d" * 30 + "\n").encode("utf-16-le"), None),
        (("\u4e2d" * 30 + ";;;\n").encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_unicode_is_told_by_marks_and_zeros(
    file: LocalFile, content: bytes, found: str | None
) -> None:
    """In every other byte; a stray zero tells nothing."""
    file.path.write_bytes(content)
    assert unicode_of(file.path) == found


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None),
        ("utf-8", "UTF8"),
        ("utf-16", None),
        ("utf-16-be", None),
        ("utf-32", None),
        ("latin-1", "latin-1"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_text_of_any_encoding_becomes_utf8(
    file: LocalFile, tmp_path: Path, encoding: str, said: str | None
) -> None:
    """That which is said, or told by the first bytes."""
    file.path.write_bytes(TEXT.encode(encoding))
    copy = as_utf8(file, said, tmp_path)
    assert copy.path.read_bytes() == TEXT.encode()
    assert (copy.path == file.path) is (encoding == "utf-8")


def test_marks_of_an_encoding_are_no_text(file: LocalFile, tmp_path: Path) -> None:
    """Where the reader would take them for such: in JSON, twice, or before later lines."""
    mark = "\ufeff"
    for content, kind, whole in (
        (f"{mark}a,b\n1,2\n", "csv", True),
        (f"{mark}a,b\n1,2\n", "tsv", True),
        (f'{mark}{{"a": 1}}', "json", False),
        (f"{mark}{mark}a,b\n1,2\n", "csv", False),
        (f"{mark}a,b\n{mark}1,2\n", "csv", False),
        (f"a{mark},b\n1,2\n", "csv", True),
    ):
        file.path.write_text(content, encoding="utf-8")
        copy = as_utf8(replace(file, format=kind), None, tmp_path)
        assert (copy.path == file.path) is whole
        assert whole or mark not in copy.path.read_text(encoding="utf-8")
    file.path.write_bytes(f"{mark}a\n".encode("utf-16-le"))
    assert as_utf8(file, "utf-16-le", tmp_path).path.read_bytes() == b"a\n"


def test_what_is_not_in_the_encoding_is_refused(file: LocalFile, tmp_path: Path) -> None:
    """And so is an encoding that there is not, or that is none of texts."""
    file.path.write_bytes(b"a\n\xe9\n")
    with pytest.raises(SourceDataError, match=r"a\.csv is not ascii"):
        as_utf8(file, "ascii", tmp_path)
    for name in ("utf-88", "base64"):
        with pytest.raises(SourceSettingError, match="no encoding"):
            as_utf8(file, name, tmp_path)


def test_lines_get_one_kind_of_end(file: LocalFile, tmp_path: Path) -> None:
    """Where a file mixes them."""
    file.path.write_bytes(b"a\r\n1\r2\n3")
    assert with_plain_line_ends(file, tmp_path).path.read_bytes() == b"a\n1\n2\n3"


@pytest.mark.parametrize(
    ("written", "said", "found"),
    [
        ("utf-8", None, ""),
        ("utf-16", None, ""),
        ("utf-16", "utf-16", ""),
        ("utf-16", "utf-16-le", ""),
        ("utf-16", "utf-16-be", "utf-16"),
        ("utf-16", "latin-1", "utf-16"),
        ("utf-16-le", "utf-16-le", ""),
        ("utf-32", "utf-32-le", ""),
        ("utf-8", "latin-1", "utf-8"),
        ("latin-1", "latin-1", ""),
        ("cp1252", "cp1252", ""),
        ("utf-8", "utf-16", "utf-8"),
        ("utf-8", "utf-8", ""),
        ("utf-8", "gb18030", ""),
        ("utf-8", "no-such", ""),
    ],
)
def test_another_encoding_than_is_said(
    file: LocalFile, written: str, said: str | None, found: str
) -> None:
    """It is told where the bytes show it beyond doubt."""
    file.path.write_bytes(TEXT.encode(written))
    assert encoding_of_today(file.path, said) == found


def test_plain_ascii_is_as_said(file: LocalFile) -> None:
    """In every encoding of one byte for a letter; not where two are said."""
    file.path.write_bytes(b"a;b\n1;2\n")
    assert encoding_of_today(file.path, "latin-1") == ""
    assert encoding_of_today(file.path, "utf-16") == "utf-8"
    file.path.write_bytes(b"a;b\0\n1;2\n")
    assert encoding_of_today(file.path, "utf-16") == ""


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PAR1...", "parquet"),
        (b"ORC..", "orc"),
        (b"ARROW1..", "feather"),
        (b"a,b\n1,2\n", "csv"),
        (b"a\tb\n1\t2\n", "tsv"),
        (b"a^b\n1^2\n", "csv"),
        (b"a,b\n1,2,3\n", None),
        (b"a,b\n", None),
        (b"a\n1\n", None),
        (b' {"a": 1}', "json"),
        (b"[1]", "json"),
        (b"a b\n1 2\n3 4\n", "csv"),
        (b"a few words\nof some text\nand no table\n", None),
        (b"|a|b|\n|-|-|\n|1|2|\n", "csv"),
        (b"ID  NAME\n--- ----\n1   Ann Lee\n", "csv"),
        ("a;b\n1;2\n".encode("utf-16"), "csv"),
        (b"\xef\xbb\xbf[1]", "json"),
        (b"a,b\0\n1,2\n", None),
        (b"a,b\n" + b"1,2\n" * 20_000, "csv"),
    ],
)
def test_the_format_of_a_file_without_a_name_for_it(
    file: LocalFile, content: bytes, kind: str | None
) -> None:
    """By its mark, or by how each of its lines is parted."""
    file.path.write_bytes(content)
    assert format_of(file.path) == kind


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"\xd0\xcf\x11\xe0..", "old Office"),
        (b"PAR1", "a Parquet file"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\x89PNG", "a picture"),
        (b" <?xml version='1.0'?><HTML>", "a web page"),
        (b"<table><tr>", "a web page"),
        (b'{"a": 1}', "JSON"),
        (b'\xef\xbb\xbf[ {"a": 1}]', "JSON"),
        (b"{}", "JSON"),
        (b"{id},name\n", ""),
        (b"id,PAR1\n", ""),
    ],
)
def test_what_is_no_table_is_refused(file: LocalFile, content: bytes, said: str) -> None:
    """By its beginning."""
    file.path.write_bytes(content)
    if not said:
        refuse_other_content(file)
        return
    with pytest.raises(SourceDataError, match=said):
        refuse_other_content(file)


@pytest.mark.parametrize(
    ("content", "final", "cut"),
    [
        (b"", True, ""),
        (b"a\n", True, ""),
        (b"a\r", True, ""),
        (b"a\n1", False, "'1'"),
        (b"a\r12", False, "'12'"),
        (b"a\n \t\x1a", False, ""),
        (b"x" * 900, False, "'xxx"),
        (b"a\n" + b"y" * 70, False, "'yyyy"),
    ],
)
def test_a_last_line_without_an_end(
    file: LocalFile, content: bytes, *, final: bool, cut: str
) -> None:
    """It may be cut off, unless nothing but blanks stands in it."""
    file.path.write_bytes(content)
    assert has_final_newline(file.path) is final
    note = note_on_last_line(file)
    assert (cut in note) if cut else note == ""


def test_drawn_lines() -> None:
    """Nothing but signs, several in a row."""
    assert all(map(is_line, ("---", "+--+--+", "|:-|-:|", "├──┤", "====")))
    assert not any(map(is_line, ("", "|", "- a -", "+", "| - |")))
    assert cells_within(" │ a │ b │ ") == ["a", "b"]
    assert cells_within("a | b |") == ["a", "b", ""]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("|a|b|\n|--+--|\n|1|2|", True),
        ("a|b\n--+--\n1|2", True),
        ("|a|b|\n|1|2|\n|3|4|", True),
        ("|a|b|\n|1|2|", False),
        ("|a|b|\n-----\n|1|2|", True),
        ("a|b\n-----\n1|2", False),
        ("|a|b|\n|--+--|\n|1|2|3|", False),
        ("|a|\n|--|\n|1|", False),
        ("|a|b|\n|-+--|", False),
        ("|a|b|\n|1|2|\n|3|4|\nTitle", False),
        ("|a|b|\n\n|1|2|\n|3|4|\n", True),
    ],
)
def test_a_table_with_lines_drawn_around_its_cells(text: str, *, answer: bool) -> None:
    """As programs draw them for people: each row has as many cells, and more than one."""
    assert is_framed(text.split("\n")) is answer


@pytest.mark.parametrize(
    ("lines", "widths"),
    [
        (["ID  NAME", "--- --------", "1   Ann"], [4, 8]),
        (["x", "ID  NAME  B", "--  ----  -  \r\n"], [4, 6, 1]),
        (["ID NAME", " -- ----"], []),
        (["", "-- ----"], []),
        (["ID", "--"], []),
        (["a b"], []),
    ],
)
def test_columns_that_dashes_rule(lines: list[str], widths: list[int]) -> None:
    """Below the names, from the first sign of the line on."""
    assert ruled_widths(lines) == widths
    assert ruled_widths(["x"] * 17 + lines) == widths
    assert ruled_widths(["x"] * 20 + lines) == []
