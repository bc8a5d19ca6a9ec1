"""The lock of a workflow: who has it, and what is said where it cannot be had."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.service_fixtures import write_project

from dataflow.runs.lock import (
    LockError,
    WorkflowBusyError,
    WorkflowGoneError,
    is_held_for,
    lost_process,
    workflow_lock,
)
from dataflow.shared.project import Project


def test_a_lock_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    """It names the place, and what to do."""
    project = Project(write_project(tmp_path / "shop"))
    project.state_dir.mkdir(parents=True, exist_ok=True)
    (project.state_dir / "locks").write_text("in the way")
    said = r"locks/sales\.json cannot be written"
    with pytest.raises(LockError, match=said), workflow_lock(project, "sales"):
        pass


def test_what_waited_for_a_rename_does_not_go_on_under_the_old_name(tmp_path: Path) -> None:
    """A run that waits while another process renames the workflow makes no tables of that name.

    Whoever does not wait is told which process it is.
    """
    project = Project(write_project(tmp_path / "shop"))
    folder = project.workflow_dir("sales")
    folder.mkdir(parents=True, exist_ok=True)
    code = (
        "import pathlib, sys\n"
        "from dataflow.runs.lock import workflow_lock\n"
        "from dataflow.shared.project import Project\n"
        "project = Project(pathlib.Path.cwd())\n"
        "with workflow_lock(project, 'sales'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    project.workflow_dir('sales').rename(project.workflow_dir('orders'))\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=project.root, stdin=pipe, stdout=pipe, text=True
    ) as renaming:
        assert renaming.stdin is not None
        assert renaming.stdout is not None
        assert renaming.stdout.readline() == "held\n"

        holder = f"process {renaming.pid} on {socket.gethostname()} since 20"
        with (
            pytest.raises(WorkflowBusyError, match=f"'sales' is in use by {holder}"),
            workflow_lock(project, "sales", waits=False),
        ):
            pass
        told: list[str] = []

        def let_go(said: str) -> None:
            told.append(said)
            renaming.stdin.write("\n")  # type: ignore[union-attr]
            renaming.stdin.flush()  # type: ignore[union-attr]

        with (
            pytest.raises(WorkflowGoneError, match="renamed or removed"),
            workflow_lock(project, "sales", let_go),
        ):
            pass
        assert [words.startswith(holder) for words in told] == [True]


def test_a_workflow_is_held_for_one_run_and_again_within_it(tmp_path: Path) -> None:
    """Its steps in other processes see for which; a folder that is only to come can be held."""
    project = Project(write_project(tmp_path / "shop"))
    assert not is_held_for(project, "sales", "one")
    with workflow_lock(project, "sales", run_id="one"):
        assert is_held_for(project, "sales", "one")
        assert not is_held_for(project, "sales", "two")
        with workflow_lock(project, "sales", waits=False):
            pass
    (project.state_dir / "locks" / "sales.json").write_text("half")
    assert not is_held_for(project, "sales", "one")
    # Without a history that hosts share, nobody knows of processes elsewhere.
    assert lost_process(project, "one") == ""
