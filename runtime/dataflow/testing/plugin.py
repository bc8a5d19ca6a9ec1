"""The pytest plugin that gives a workflow's tests the fixture ``sandbox``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
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
    with _opened(request, tmp_path, tmp_path_factory, monkeypatch) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """The same for all tests of a file: what one of them has run, the others find there."""
    folder = tmp_path_factory.mktemp("sandbox")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        _opened(request, folder, tmp_path_factory, monkeypatch) as opened,
    ):
        yield opened


def _opened(
    request: pytest.FixtureRequest,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AbstractContextManager[Sandbox]:
    from dataflow.testing.sandbox import open_sandbox

    kept = tmp_path_factory.getbasetemp() / "parsed"
    return open_sandbox(request.path, folder, monkeypatch, kept)
