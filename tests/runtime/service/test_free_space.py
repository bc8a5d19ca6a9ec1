"""A disk without room is a fault that the service tells of."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service_fixtures import write_project

from dataflow.service.free_space import full_disks
from dataflow.shared.project import Project


def test_a_folder_on_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there yet is none; the system's own folder /proc has no room at any time."""
    root = write_project(tmp_path / "shop")
    assert full_disks(Project(root)) == []
    monkeypatch.setenv("DATAFLOW_DATA_DIR", "/proc")
    [said] = full_disks(Project(root))
    assert "no room left on the disk of /proc" in said
