"""How a delimited file is written: by its settings, and else by its beginning."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from dataflow.sources.file.layout import (
    Layout,
    beginning_of,
    dialect_of,
    first_records,
    is_even,
    is_table,
    layout_of,
    lines_of,
    parted_by_blanks,
    text_below,
)
from dataflow.sources.file.settings import FileSource
from dataflow.sources.file.text_records import CrossedError, Dialect
from dataflow.sources.local_file import LocalFile


def said(**given: Any) -> FileSource:
    return FileSource.model_validate({"type": "file", "url": "a.csv", **given})


def rows(text: str, dialect: Dialect, *, strict: bool = True) -> list[list[str]]:
    return [row for _, row in dialect.records(lines_of(text), strict=strict)]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2\n1;2\n", ";"),
        ("a\tb\n1,5\t2\n", "\t"),
        ("a|b,c\n1|2\n", "|"),
        ("a||b\n1||2\n", "||"),
        ("a;;b\n1;;2\n", ";;"),
        ("a||b\n1||2|\n", "||"),
        ("a#;#b\n1#;#2\n", "#;#"),
        # Marks that stand for no value are values.
        ("1|-|x\n2|-|y\n", "|"),
        ("a|b\n5~|~7\n", "|"),
        ("a^b\n1^2\n", "^"),
        ("a@@b|c\n1@@2\n", "@@"),
        ("a\n1\n", ","),
        ("", ","),
        ("a;b\n1;2\nSource: us, and others\n", ";"),
        ("a;b\n1;2\n3;4\nx\ny\nz\n", ";"),
        ("a,b;c\n1,2;3;4\n5;6\n7;8\n", ";"),
        ("a;b\n1;2,5\n1;3,5,6\n", ";"),
        ("Title, of all\na;b\n1;2\n", ";"),
        ("1,2;3,4\n5,6;7,8\n", ","),
    ],
)
def test_the_delimiter_is_what_parts_every_line(text: str, sign: str) -> None:
    """Below titles and above notes; else what parts most of them."""
    assert dialect_of(text, "csv", said()).delimiter == sign


def test_settings_say_the_dialect() -> None:
    """Before anything is found out."""
    text = "a;b\n1;2\n"
    assert dialect_of(text, "tsv", said()).delimiter == "\t"
    assert dialect_of(text, "csv", said(delimiter=",")).delimiter == ","
    given = dialect_of(text, "csv", said(widths=[1, 2], quote="", escape="\\", comment="#"))
    assert given == Dialect(",", "", "\\", (1, 2), "#", has_header=True)
    assert dialect_of(text, "csv", said()).quote == '"'
    assert not dialect_of(text, "csv", said(header=False)).has_header
    skipped = "x,y,z\nx,y,z\nx,y,z\na;b\n1;2\n"
    assert dialect_of(skipped, "csv", said(skip_lines=3)).delimiter == ";"


def test_whether_a_text_is_a_table() -> None:
    """Two lines with as many values, and more than one."""
    assert is_table("a;b\n1;2\n") == ";"
    assert is_table("a^b\n1^2\n") == "^"
    assert is_table("a;b\n") is None
    assert is_table("a\n1\n") is None
    assert is_table("a,b\n1,2,3\n4,5\n") is None
    assert is_even("a,b\n1,2\n", Dialect())
    assert not is_even("a,b\n1,2,3\n", Dialect())
    assert not is_even("", Dialect())
    assert parted_by_blanks("t  v\n1 2\n3   4\n")
    assert parted_by_blanks("1.5 x\n3.5 y\n5.5 z\n")
    assert not parted_by_blanks("t v\n1 2\n")
    assert not parted_by_blanks("t v\n1 2 3\n3 4\n")
    assert not parted_by_blanks("t\n1\n3\n")
    assert not parted_by_blanks("a few\nwords of\nno table\n")


def test_the_beginning_of_a_file(tmp_path: Path) -> None:
    """Whole lines of it, without a mark; all of a short one, and of one long line a part."""
    file = LocalFile(tmp_path / "a.csv", "a.csv", "csv")
    file.path.write_bytes(b"\xef\xbb\xbfa\n1")
    assert beginning_of(file) == "a\n1"
    file.path.write_bytes(b"a\n" + b"x" * 300_000)
    assert beginning_of(file) == "a\n"
    file.path.write_bytes(b"x" * 300_000)
    assert beginning_of(file) == "x" * (1 << 18)
    long = "".join(f"{number}\n" for number in range(100_000))
    assert lines_of(long) == long.splitlines(keepends=True)
    assert lines_of("a\rb\r\nc") == ["a\r", "b\r\n", "c"]
    assert text_below("a\nb\nc", 2) == "c"
    assert text_below("a\nb", 0) == "a\nb"


def test_first_records_end_where_the_reader_does() -> None:
    """No more than are asked for; a value longer than it takes ends them."""
    assert first_records("a\n\nb\nc\n", Dialect(), 2) == [(0, ["a"]), (2, ["b"])]
    assert len(first_records("a\n" * 200, Dialect())) == 100
    assert first_records("a\n" + "x" * 9_000_000, Dialect()) == [(0, ["a"])]


@pytest.mark.parametrize(
    ("text", "given", "layout"),
    [
        ("a,b\n1,2\n", {}, {"names": ("a", "b")}),
        ("T\n\na,b\n1,2\n", {}, {"names": ("a", "b"), "skipped": 2}),
        ("x,y\na,b\n1,2\n", {"skip_lines": 1}, {"names": ("a", "b"), "skipped": 1}),
        ("T\na,b\n1,2\n", {"skip_lines": 0, "delimiter": ","}, {"names": ("T",)}),
        ("a,b,\n1,2\n", {}, {"names": ("a", "b")}),
        ("a,b,\n1,2,\n", {}, {"names": ("a", "b", "")}),
        ("a,b,\n", {}, {"names": ("a", "b", "")}),
        (",\n1\n", {"delimiter": ","}, {"names": ("",)}),
        ("", {}, {"names": ()}),
        ("1,2\n3,4\n", {"header": False}, {"names": ("column_1", "column_2"), "header_rows": 0}),
        ("1,2\n", {"header": False, "names": ["x", "y"]}, {"names": ("x", "y"), "header_rows": 0}),
        (
            "x,,\na,b,c\n1,2,3\n",
            {"header_rows": 2, "skip_lines": 0},
            {"names": ("x a", "x b", "x c"), "header_rows": 2},
        ),
        (
            "a,b\n s ,m\n1,2\n",
            {"units_row": True},
            {"names": ("a", "b"), "units": ("s", "m"), "below": 1},
        ),
        (
            "a,b\ns,m\nAvg,Max\n1,2\n",
            {"units_row": True, "kinds_row": True},
            {"names": ("a", "b"), "units": ("s", "m"), "below": 2},
        ),
        ("a,b\n", {"units_row": True}, {"names": ("a", "b")}),
    ],
)
def test_where_the_names_stand(
    tmp_path: Path, text: str, given: dict[str, Any], layout: dict[str, Any]
) -> None:
    """Below titles, in several lines, or nowhere; and what stands below them."""
    file = LocalFile(tmp_path / "a.csv", "a.csv", "csv")
    found, _ = layout_of(file, text, said(**given))
    assert found == Layout(found.dialect, **layout)


@pytest.mark.parametrize(
    ("text", "dialect", "records"),
    [
        ('a,"b,c"\n\n1,"x\ny"\n', Dialect(), [["a", "b,c"], ["1", "x\ny"]]),
        ('a,"b""c"\n', Dialect(), [["a", 'b"c']]),
        ('a,"b\\"c"\n', Dialect(escape="\\"), [["a", 'b"c']]),
        ('a,"b\n', Dialect(quote=""), [["a", '"b']]),
        ("a||b|c\n", Dialect("||"), [["a", "b|c"]]),
        ("a||'b||c'\n", Dialect("||", "'"), [["a", "b||c"]]),
        ("a\n \n\x1a\n,\n", Dialect(), [["a"], ["", ""]]),
        ("#x\na,b\n # y\n1,2#\n", Dialect(comment="#"), [["a", "b"], ["1", "2#"]]),
        ('a,"b\n#c"\n#d\n', Dialect(comment="#"), [["a", "b\n#c"]]),
        ('a,"b\\"\n#c"\n#d\n', Dialect(escape="\\", comment="#"), [["a", 'b"\n#c']]),
        ('a,"\n#c\n', Dialect(quote="", comment="#"), [["a", '"']]),
        ("a  b\n\n 1 2 \n#c\n", Dialect("whitespace", comment="#"), [["a", "b"], ["1", "2"]]),
        ("|a|b|\n|--|--|\n|1| |\n", Dialect("framed"), [["a", "b"], ["1", ""]]),
        ("ab cde\n1  2 345\n", Dialect(widths=(3, 2)), [["ab", "cde"], ["1", "2 345"]]),
        ("-----\n", Dialect(widths=(3, 2)), [["---", "--"]]),
    ],
)
def test_records_of_a_text(text: str, dialect: Dialect, records: list[list[str]]) -> None:
    """Between marks, in quotes, between blanks, within a frame or in fixed widths."""
    assert rows(text, dialect) == records


def test_records_know_the_lines_before_them() -> None:
    """Empty ones, comments and those within a value count."""
    text = '#c\na\n\n"x\ny"\nb\n'
    found = list(Dialect(comment="#").records(lines_of(text)))
    assert found == [(1, ["a"]), (3, ["x\ny"]), (5, ["b"])]
    blank = list(Dialect("whitespace").records(lines_of("\na\n\nb\n")))
    assert blank == [(1, ["a"]), (3, ["b"])]


def test_a_value_across_two_columns_is_refused() -> None:
    """Where the names above keep to the widths, and a line below does not."""
    dialect = Dialect(widths=(3, 3), has_header=True)
    text = "id v\n1  2\nxyzu\n"
    with pytest.raises(CrossedError) as caught:
        rows(text, dialect)
    assert caught.value.line == 2
    assert rows(text, dialect, strict=False)[2] == ["xyz", "u"]
    assert rows("idnv\nxyzu\n", dialect) == [["idn", "v"], ["xyz", "u"]]
    assert rows(text, Dialect(widths=(3, 3)))[2] == ["xyz", "u"]
    assert rows("id v\n1  2\nxy u\n1 2 3\n 12\n", dialect)[4] == ["12", ""]


def test_an_open_quote_is_refused() -> None:
    """But not where only the first records are looked at."""
    with pytest.raises(csv.Error):
        rows('a\n"b', Dialect())
    assert rows('a\n"b', Dialect(), strict=False) == [["a"], ["b"]]
    assert Dialect("framed").by_position
    assert Dialect("whitespace").by_position
    assert Dialect(widths=(1,)).by_position
    assert not Dialect().by_position
