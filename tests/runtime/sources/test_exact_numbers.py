"""A number of JSON never becomes another number on its way into a table."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.sources import exact_numbers
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path

LONG = "12345678901234567890.12"


@pytest.mark.parametrize(
    "text",
    [
        f'[{{"v": {LONG}}}, {{"v": 1.5}}]',
        f'{{"v": {LONG}}}\n{{"v": 1.5}}\n',
        f'{{"v":{LONG}}} {{"v":1.5}}',
    ],
)
def test_a_long_number_is_a_text_or_what_the_contract_says(project: Path, text: str) -> None:
    """Digit by digit, whatever kind of JSON file it stands in."""
    (project / "a.json").write_text(text, encoding="utf-8")
    source = {"type": "file", "url": "a.json"}
    assert read_source(source, {})["data"].to_pylist() == [{"v": LONG}, {"v": "1.5"}]
    agreed = {"source": source, "columns": {"v": {"type": "decimal(22,2)"}}}
    found = read_source(agreed, {})["data"].to_pylist()
    assert found == [{"v": Decimal(LONG)}, {"v": Decimal("1.50")}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_within_a_document_is_read_as_exactly(project: Path, encoding: str) -> None:
    """With `data_path`, and with a byte-order mark."""
    text = f'{{"rows": [{{"v": {LONG}}}]}}'
    (project / "a.json").write_text(text, encoding=encoding)
    source = {"type": "file", "url": "a.json", "data_path": "rows"}
    assert read_source(source, {})["data"].to_pylist() == [{"v": LONG}]


def test_an_api_is_read_as_exactly(server: Any, say: Any) -> None:
    """On every page, and with a contract."""
    url = server.answer("/x", say(f'[{{"v": {LONG}}}]'), say('[{"v": 1.5}]'), say("[]"))
    source = {"type": "api", "url": url, "paging": {"type": "page_number"}}
    agreed = {"source": source, "columns": {"v": {"type": "decimal(22,2)"}}}
    found = read_source(agreed, {})["data"].to_pylist()
    assert found == [{"v": Decimal(LONG)}, {"v": Decimal("1.50")}]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.1", 0.1),
        ("0.12345678901234567", 0.12345678901234567),
        ("123456789012345678", 123456789012345678),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("1e400", "1e400"),
        ("1.50000000000000000000", 1.5),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_only_what_a_double_would_change_is_a_text(written: str, read: Any) -> None:
    """Doubles as they are printed, and whole numbers of 64 bits, stay numbers."""
    assert exact_numbers.loads(f"[{written}]") == [read]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-(1 << 63), (1 << 64) - 1)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
@example({"text": ", 12345678901234567890.12"})
def test_everything_else_is_read_as_ever(document: Any) -> None:
    """Texts that look like numbers stay texts, and doubles stay doubles."""
    assert exact_numbers.loads(json.dumps([document])) == [document]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_any_decimal_keeps_its_value(number: Decimal) -> None:
    """As a number where a double is near enough to print it, as a text elsewhere."""
    [read] = exact_numbers.loads(f"[{number:f}]")
    digits = len(f"{number:f}".replace(".", "").strip("-0"))
    assert Decimal(read if isinstance(read, str) else repr(read)) == number or digits <= 17
