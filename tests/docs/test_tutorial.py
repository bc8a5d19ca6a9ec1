"""The tutorial, followed to the letter."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.docs.reader import BLOCK, ELSEWHERE, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader in an empty folder, with an empty home."""
    person = Reader(tmp_path)
    yield person
    for process in person.started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_the_tutorial_works_as_it_stands(reader: Reader) -> None:
    """Each file is saved, each command runs and prints what the page says, to the last one."""
    if is_taken(8765) or is_taken(9000):
        pytest.skip("The tutorial's ports are taken on this machine.")
    kinds: dict[str, Any] = {}
    for language, title, content in BLOCK.findall(PAGE.read_text()):
        kinds[language] = kinds.get(language, 0) + 1
        if language != "console":
            reader.write(title, content)
        elif title == ELSEWHERE:
            reader.start(content)
        else:
            reader.type(content)
    assert kinds["console"] > 8
    with urllib.request.urlopen("http://127.0.0.1:9000/orders") as page:
        assert page.status == 200
    published = reader.folder / ".dataflow" / "site" / "public" / "data" / "orders" / "by_country"
    assert list(published.glob("*/by_country.parquet"))
