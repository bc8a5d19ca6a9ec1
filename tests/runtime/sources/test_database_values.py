"""Values of databases that Arrow has no type for."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from dataflow.sources.database.values import _text, _value


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        (None, None),
        (1, 1),
        ("a", "a"),
        (memoryview(b"\xff"), b"\xff"),
        (bytearray(b"a"), b"a"),
        ([IPv4Address(1), None, bytearray(b"a")], ["0.0.0.1", None, b"a"]),
        ([{"ä": 1}], '[{"ä": 1}]'),
        ([[1], [2]], "[[1], [2]]"),
        ({"at": IPv4Address(1)}, '{"at": "0.0.0.1"}'),
        (IPv4Address(1), "0.0.0.1"),
    ],
)
def test_a_value_without_a_type_is_kept_as_it_is_written(came: Any, kept: Any) -> None:
    """Lists are lists of such values; records, and lists of them, are JSON."""
    assert _value(came) == kept


@pytest.mark.parametrize(
    ("came", "text"),
    [(b"abc", "abc"), (memoryview(b"\xff\x00"), "\\xff00"), (1.5, "1.5"), (None, None)],
)
def test_what_stands_among_texts_becomes_one(came: Any, text: str | None) -> None:
    """Bytes that are no text are written as Postgres does."""
    assert _text(came) == text
