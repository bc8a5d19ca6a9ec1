"""A project whose code location is loaded in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dagster import (
    Definitions,
)
from tests.service_fixtures import write_project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


@contextmanager
def within(root: Path) -> Iterator[None]:
    """Be in a project, without its modules staying behind."""
    import sys

    from dataflow.workflows import registry

    before = set(sys.modules)
    path = list(sys.path)
    previous = os.environ.get("DATAFLOW_PROJECT")
    os.environ["DATAFLOW_PROJECT"] = str(root)
    try:
        yield
    finally:
        sys.path[:] = path
        ids = {entry.name for entry in (root / "src/dataflow/workflows").iterdir()}
        for name in set(sys.modules) - before:
            if name.startswith("dataflow.workflows.") and name.split(".")[2] in ids:
                del sys.modules[name]
        for workflow_id in ids:
            registry._registered.pop(workflow_id, None)
        if previous is None:
            del os.environ["DATAFLOW_PROJECT"]
        else:
            os.environ["DATAFLOW_PROJECT"] = previous


def build(root: Path) -> Definitions:
    """Load a project in this process."""
    from dataflow.runs.code_location import build_definitions
    from dataflow.shared.project import Project

    with within(root):
        return build_definitions(Project(root))
