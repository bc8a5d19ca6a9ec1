"""An answer of an API is understood as what it is: JSON, JSON Lines or CSV, packed or not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from dataflow.sources.api.answer_formats import Content, read_content, with_parent_column
from dataflow.sources.api.exchange import Answer
from dataflow.sources.errors import SourceDataError
from dataflow.sources.local_file import LocalFile

ROWS = [{"id": 1, "v": "x"}, {"id": 2, "v": "y"}]
CSV = "id,v\n1,x\n2,y\n"
LINES = '{"id": 1, "v": "x"}\n{"id": 2, "v": "y"}\n'


def answer(
    body: str | bytes, media: str = "application/json", url: str = "http://h/x", status: int = 200
) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    return Answer(url, status, CaseInsensitiveDict({"Content-Type": media}), data)


def content(folder: Path, *args: Any, told: str | None = None, **named: Any) -> Content:
    return read_content(answer(*args, **named), told, "Page 1", folder)


@pytest.mark.parametrize(
    ("body", "media", "told", "form"),
    [
        (json.dumps(ROWS), "application/json", None, "json"),
        (json.dumps(ROWS), "text/html; charset=utf-8", "json", "json"),
        (json.dumps(ROWS).encode("utf-16"), "application/json; charset=utf-8", None, "json"),
        (b"\xef\xbb\xbf" + json.dumps(ROWS).encode(), "application/json", None, "json"),
        (gzip.compress(json.dumps(ROWS).encode(), mtime=0), "application/json", None, "json"),
        (LINES, "application/json", None, "jsonl"),
        (LINES, "application/x-ndjson", None, "jsonl"),
        ("\x1e" + LINES.replace("\n", "\n\n\x1e", 1), "application/json-seq", None, "jsonl"),
        (LINES, "text/plain", "jsonl", "jsonl"),
        (CSV, "text/csv; charset=utf-8", None, "csv"),
        (CSV, "Application/CSV", None, "csv"),
        (CSV.replace(",", ";"), "application/json", "csv", "csv"),
        (json.dumps(ROWS), "text/csv", None, "json"),
    ],
)
def test_what_an_answer_holds(
    tmp_path: Path, body: str | bytes, media: str, told: str | None, form: str
) -> None:
    """By the settings, its media type and what it begins with."""
    found = content(tmp_path, body, media, told=told)
    assert (found.document, found.format) == (ROWS, form)
    assert (found.file is not None) is (form == "csv")


@pytest.mark.parametrize(
    ("url", "media", "form"),
    [
        ("http://h/a.csv", "text/plain", "csv"),
        ("http://h/a.CSV.gz?x=1", "application/gzip", "csv"),
        ("http://h/a.csv", "", "csv"),
        ("http://h/a.csv", "application/octet-stream", "csv"),
        ("http://h/a?file=b.csv", "text/plain", "json"),
        ("http://h/a.csv", "application/json", "json"),
        ("http://h/a", "application/octet-stream", "json"),
    ],
)
def test_an_address_tells_where_the_media_type_does_not(
    tmp_path: Path, url: str, media: str, form: str
) -> None:
    """That of a file of CSV."""
    body = CSV if form == "csv" else json.dumps(ROWS)
    assert content(tmp_path, body, media, url=url).format == form


def test_nothing_is_no_records(tmp_path: Path) -> None:
    """An empty file of CSV or lines, and an answer whose status says so."""
    assert content(tmp_path, " \n", "text/csv") == Content([], "csv")
    assert content(tmp_path, "\n", "application/x-ndjson") == Content([], "jsonl")
    assert content(tmp_path, "<html>", status=204) == Content([], "json")
    assert content(tmp_path, "", status=205, told="csv") == Content([], "csv")


def test_letters_are_read_as_the_answer_says(tmp_path: Path) -> None:
    """By its charset, unless the bytes of JSON tell another one."""
    body = "id,v\n1,é\n".encode("latin-1")
    found = content(tmp_path, body, 'text/csv; charset="ISO-8859-1"')
    assert found.document == [{"id": 1, "v": "é"}]
    assert content(tmp_path, '["é"]', "application/json; charset=UTF8").document == ["é"]
    with pytest.raises(SourceDataError, match="Page 1 is not written in utf-8"):
        content(tmp_path, body, "text/csv")
    with pytest.raises(SourceDataError, match="not written in no-such"):
        content(tmp_path, body, "text/csv; charset=no-such")


@pytest.mark.parametrize(
    ("body", "media", "said"),
    [
        ("<html>", "text/html", r"not JSON \(text/html\)"),
        ("", "", r"not JSON \(no media type\)"),
        ('{"a": 1}\n{"b"', "application/json", "line 2, is not JSON"),
        ('{"a": 1}\n{"b": 2}', "text/html", r"not JSON \(text/html\)"),
        ('{"a":\n1', "application/json", "is not JSON"),
        ("[" * 100_000, "application/json", "is not JSON"),
        ('{"a": 1}\n[1]', "application/x-ndjson", "line 2, holds values that are not objects"),
        (
            '{"a": 1}\n{"error": "late"}',
            "application/x-ndjson",
            "breaks off with an error",
        ),
        (
            gzip.compress(b"[]" * 100, mtime=0)[:-9],
            "application/json",
            "compressed by gzip, and cut short",
        ),
        ("[1,\n2\n", "text/csv", ""),
    ],
)
def test_what_is_not_what_it_is_called_is_refused(
    tmp_path: Path, body: str | bytes, media: str, said: str
) -> None:
    """With the page, and the line in it."""
    if not said:
        assert content(tmp_path, body, media).format == "csv"
        return
    with pytest.raises(SourceDataError, match=said):
        content(tmp_path, body, media)


def test_the_first_line_may_have_a_column_called_error(tmp_path: Path) -> None:
    """It is a record; and so is a later one with the same keys."""
    lines = '{"error": "a"}\n{"error": "b"}\n'
    assert content(tmp_path, lines, "application/x-ndjson").document == [
        {"error": "a"},
        {"error": "b"},
    ]


@pytest.mark.parametrize(
    ("text", "value", "rows"),
    [
        ("id;v\n1;x\n2;y\n", 7, "shop,id,v\n7,1,x\n7,2,y\n"),
        ("Title\n\nid,v\n1,x\n", True, "shop,id,v\ntrue,1,x\n"),
        ("id,Shop\n1,7\n2,\n3\n", 7, "id,Shop\n1,7\n2,7\n3,7\n"),
        ('id,v\n1,"a,b"\n', "s,t", 'shop,id,v\n"s,t",1,"a,b"\n'),
    ],
)
def test_rows_of_csv_get_the_value_that_they_were_asked_for(
    tmp_path: Path, text: str, value: Any, rows: str
) -> None:
    """In a column of its own, or in the one that has that name."""
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    file = LocalFile(tmp_path / "a.csv", "a.csv", "csv")
    copy = with_parent_column(file, "shop", value)
    assert copy.path.read_text(encoding="utf-8") == rows
    assert copy.shown == "a.csv"


def test_rows_of_csv_with_another_value_are_refused(tmp_path: Path) -> None:
    """A record that has another value than it was asked for is not what was asked for."""
    (tmp_path / "a.csv").write_text("id,shop\n1,7\n2,8\n", encoding="utf-8")
    file = LocalFile(tmp_path / "a.csv", "a.csv", "csv")
    with pytest.raises(SourceDataError, match=r"has '8' at 'shop' already, and was asked for with"):
        with_parent_column(file, "shop", 7)
