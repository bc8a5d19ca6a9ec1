"""The how-tos, as far as that takes no server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.reader import BLOCK, Reader

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
CODE = re.compile(r"reference/errors/([a-z-]+)\.md")


@pytest.mark.slow
def test_incremental_reading_works_as_it_stands(tmp_path: Path) -> None:
    """Each file is saved, each command runs and prints what the page says."""
    reader = Reader(tmp_path)
    for language, title, content in BLOCK.findall((FOLDER / "incremental.md").read_text()):
        if language == "console":
            reader.type(content)
        elif title:
            reader.write(title, content)


def test_every_error_named_is_one() -> None:
    """A failure leads to the page of its error."""
    from dataflow.cli.error_catalogue import ErrorCatalogue

    named = set(CODE.findall((FOLDER / "recovery.md").read_text()))
    assert len(named) > 12
    assert named <= set(ErrorCatalogue().entries)
