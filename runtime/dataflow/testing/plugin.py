"""The pytest plugin that gives a workflow's tests the fixture ``sandbox``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.testing.sandbox import Sandbox


@pytest.fixture
def sandbox(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Sandbox]:
    """A project in a temporary folder, with the code of the workflow that the test belongs to.

    Data, run history and dashboards of the real project are neither read nor written.
    """
    from dataflow.testing.sandbox import open_sandbox

    kept = tmp_path_factory.getbasetemp() / "parsed"
    with open_sandbox(request.path, tmp_path, monkeypatch, kept) as opened:
        yield opened
