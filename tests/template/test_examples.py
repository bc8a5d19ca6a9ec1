"""The rendered project in examples/."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY


def tree(folder: Path) -> dict[str, bytes]:
    ignored = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if not ignored & set(path.parts)
    }


@pytest.mark.slow
def test_the_example_equals_a_fresh_render(tmp_path: Path) -> None:
    """What is committed is what the template renders today; `make examples` renews it."""
    runpy.run_path(str(REPOSITORY / "examples" / "render.py"))["render"](tmp_path / "shop")
    assert tree(REPOSITORY / "examples" / "shop") == tree(tmp_path / "shop")


def test_the_example_has_a_workflow_for_each_kind_of_source() -> None:
    """A reader finds a file, an API and a database."""
    configs = (REPOSITORY / "examples" / "shop" / "src").rglob("config.yaml")
    kinds = {line.strip() for path in configs for line in path.read_text().splitlines()}
    assert {"type: file", "type: api", "type: database"} <= kinds
