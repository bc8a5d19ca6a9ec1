"""Room on the disks that a running service writes to."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

# In bytes. The history of one small run takes a quarter of it, a file that SQLite makes beside its
# own as much again.
_LEAST_ROOM = 1 << 20


def full_disks(project: Project) -> list[str]:
    """A sentence for each folder of a project's state whose disk has no room left."""
    folders = (project.dagster_home, project.state_dir, project.data_dir)
    full = [folder for folder in folders if _free(folder) < _LEAST_ROOM]
    return [
        f"There is no room left on the disk of {folder}: no run can be started or ended."
        for folder in dict.fromkeys(full)
    ]


def _free(folder: Path) -> float:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        # What is not there yet is made when it is needed.
        return float("inf")
