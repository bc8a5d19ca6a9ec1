"""Whether text was turned into UTF-8 twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow_tools.inspection.encoding_guess import encoded_twice


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("id,city\n1,Köln\n", ""),
        ("id,city\n1,Zürich é©\n", ""),
        ("id city\n1 KÃ¶ln am Rhein\n", "KÃ¶ln"),
        ("id city\n1 ÐœÐ¾ÑÐºÐ²Ð°\n", ""),
        ("id city\n1 Ð¡Ð°Ð¼Ð°Ñ€Ð°\n", "Ð¡Ð°Ð¼Ð°Ñ€Ð°"),
    ],
    ids=["umlaut", "two-letters", "german", "not-of-cp1252", "cyrillic"],
)
def test_a_word_that_was_encoded_twice_is_found(tmp_path: Path, text: str, word: str) -> None:
    """It is told as it stands there; text that only looks unusual is not."""
    file = tmp_path / "cities.csv"
    file.write_text(text, encoding="utf-8")
    assert encoded_twice(file) == word


def test_a_line_without_blanks_is_looked_through_once(tmp_path: Path) -> None:
    """A JSON document in one line, of which each position was once the start of a search anew."""
    file = tmp_path / "cities.json"
    file.write_text(f'["{"x" * 900_000}KÃ¶ln{"x" * 100}"]', encoding="utf-8")
    assert encoded_twice(file) == f"{'x' * 19}KÃ¶ln{'x' * 18}"
