"""The fixtures that the tests of reading and of looking at sources share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.source_fixtures import other_server, project, quick, read, say, server

from dataflow_tools.inspection.source_inspection import Inspection, inspect_source

__all__ = ["look", "other_server", "project", "quick", "read", "say", "server"]


@pytest.fixture
def look(project: Path) -> Callable[..., Inspection]:
    """Write a file into the project and look at it."""

    def write_and_look(text: str, name: str = "a.csv", **settings: Any) -> Inspection:
        (project / name).write_text(text, encoding="utf-8")
        return inspect_source({"type": "file", "url": name, **settings})

    return write_and_look
