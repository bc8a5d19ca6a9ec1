"""Random tables in random formats are read back equal, or refused by name."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.errors import DataflowError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source

EXAMPLES = int(os.environ.get("DATAFLOW_RANDOM_TABLES", "30"))
_WORDS = [
    "north",
    "Köln",
    "a b",
    "x;y",
    "p,q",
    'he said "hi"',
    "tab\there",
    "two\nlines",
    "NA",
    "it's",
]


@dataclass(frozen=True)
class Written:
    """How a table is written."""

    delimiter: str
    encoding: str
    decimal: str
    thousands: str
    layout: str
    null: str
    title: list[str]
    comment: list[str]
    footer: list[str]
    line_end: str
    quote_all: bool


formats = st.builds(
    Written,
    delimiter=st.sampled_from([",", ";", "\t", "|", "^", "||"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["", "", "'", " "]),
    layout=st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%d %b %Y"]),
    null=st.sampled_from(["", "NA", "-", "n/a"]),
    title=st.sampled_from([[], ["Report of March"], ["Report", "made by hand"]]),
    comment=st.sampled_from([[], ["# made by hand"]]),
    footer=st.sampled_from([[], ["Source: the office of numbers"]]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
)
tables = st.lists(
    st.tuples(
        st.sampled_from(_WORDS),
        st.none() | st.integers(-(10**9), 10**9),
        st.none() | st.integers(-(10**9), 10**9).map(lambda cents: cents / 100),
        st.none() | st.integers(0, 20_000).map(lambda days: date(1980, 1, 1) + timedelta(days)),
    ),
    min_size=3,
    max_size=12,
)


def number(value: float | None, written: Written, digits: int) -> str:
    if value is None:
        return written.null
    text = f"{value:,.{digits}f}"
    return text.replace(",", "G").replace(".", written.decimal).replace("G", written.thousands)


def text_of(rows: list[Any], written: Written) -> str:
    """The table as the format writes it, whether or not that can be read."""
    out = io.StringIO()
    stand_in = written.delimiter if len(written.delimiter) == 1 else "\x1f"
    writer = csv.writer(
        out,
        delimiter=stand_in,
        lineterminator=written.line_end,
        quoting=csv.QUOTE_ALL if written.quote_all else csv.QUOTE_MINIMAL,
    )
    writer.writerow(["id", "word", "count", "amount", "day"])
    for index, (word, count, amount, day) in enumerate(rows):
        writer.writerow(
            [
                index + 1,
                word,
                number(count, written, 0),
                number(amount, written, 2),
                day.strftime(written.layout) if day else written.null,
            ]
        )
    body = out.getvalue().replace(stand_in, written.delimiter)
    above = written.line_end.join([*written.comment, *written.title])
    below = written.line_end.join(written.footer)
    return (above + written.line_end if above else "") + body + below


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tables, formats, st.booleans())
def test_random_table(project: Path, rows: list[Any], written: Written, by_hand: bool) -> None:
    """What a run reads with the proposed settings, or with those of a person, is what was written.

    Numbers and dates that nothing tells may stay texts, as they are written; no value is another.
    """
    content = text_of(rows, written).encode(written.encoding)
    (project / "a.csv").write_bytes(content)
    source: dict[str, Any] = {"type": "file", "url": "a.csv"}
    if by_hand:
        null = ["", written.null]
        source |= {
            "delimiter": written.delimiter,
            "encoding": written.encoding,
            "date_format": written.layout,
            "decimal": written.decimal,
            "null_values": dict.fromkeys(("count", "amount", "day"), null),
            "skip_lines": len(written.comment) + len(written.title),
            "footer_lines": len(written.footer),
        }
        if written.thousands:
            source["thousands"] = written.thousands
        table = read_source(source, {})["data"]
    else:
        try:
            answers = inspect_source(source).answers()
        except DataflowError:
            return
        source |= {"null_values": answers["null_values"], **answers.get("source_settings", {})}
        table = read_source(source, {})["data"]
    assert table.column_names == ["id", "word", "count", "amount", "day"]
    assert table.num_rows == len(rows)
    for index, (row, read) in enumerate(zip(rows, table.to_pylist(), strict=True)):
        word, count, amount, day = row
        assert read["id"] == index + 1
        if written.null != word:
            assert read["word"] == word
        assert same(read["count"], count, number(count, written, 0), by_hand), read
        assert same(read["amount"], amount, number(amount, written, 2), by_hand), read
        shown = day.strftime(written.layout) if day else written.null
        assert same(read["day"], day, shown, by_hand), read


def same(read: Any, value: Any, shown: str, by_hand: bool) -> bool:
    """Whether a value was read as it is, or, where nobody said how, as the text that it was."""
    if read == value or (read is not None and value is not None and str(read) == str(value)):
        return True
    return not by_hand and (read == shown or (read is None and shown == ""))
