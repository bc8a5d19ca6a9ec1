"""The reference of the dashboards shows each snippet with a picture of it."""

from __future__ import annotations

import re

import pytest
from tests.tools.site.reference_pages import DOCS, NAMES, PICTURES, read_reference

_LARGEST = 60_000


@pytest.mark.parametrize("name", NAMES)
def test_each_snippet_has_its_picture(name: str) -> None:
    """Taken by a test, committed, and small; one snippet below each heading."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    shown = re.findall(r"^!\[[^\]]+\]\(pictures/(.+)\.png\)$", text, re.MULTILINE)
    assert shown == list(read_reference(name).sections)
    assert text.count("```html") == len(shown)
    assert [
        key for key in shown if not 0 < (PICTURES / f"{key}.png").stat().st_size < _LARGEST
    ] == []


def test_no_picture_is_left_over() -> None:
    """Each belongs to a snippet, and no two snippets have one name."""
    keys = [key for name in NAMES for key in read_reference(name).sections]
    assert sorted(keys) == sorted(path.stem for path in PICTURES.glob("*.png"))
