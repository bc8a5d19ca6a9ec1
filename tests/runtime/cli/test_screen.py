"""What a person's terminal shows, and what programs get."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import BIN, Dataflow

ESCAPE = "\x1b["


def seen_at_terminal(*command: str | Path, cwd: Path, columns: int = 100, **env: str) -> str:
    """What a command shows on a real terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**environment, "TERM": "xterm-256color", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        seen = b""
        # Linux says so when the other end is closed.
        with suppress(OSError):
            while part := os.read(ours, 4096):
                seen += part
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def listed(root: Path, **env: str) -> str:
    command = (BIN / "dataflow", "workflow", "list", "--check")
    return seen_at_terminal(*command, cwd=root, columns=100, **env)


@pytest.mark.slow
def test_a_terminal_gets_a_table_and_a_pipe_gets_lines(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """With heads and colours, none of which a program ever sees; NO_COLOR leaves the table."""
    plain = dataflow("workflow", "list", "--check", cwd=project_folder)
    assert plain.stdout == "sales  ok  src/dataflow/workflows/sales\n"
    shown = listed(project_folder)
    assert "workflow" in shown
    assert "folder" in shown
    assert f"{ESCAPE}32mok" in shown
    without = listed(project_folder, NO_COLOR="1")
    assert "folder" in without
    assert f"{ESCAPE}32m" not in without
    assert listed(project_folder, TERM="dumb") == plain.stdout


@pytest.mark.slow
def test_a_table_is_as_wide_as_the_terminal(project_folder: Path, workflow_folder: Path) -> None:
    """Long words go on below; nothing is cut, and no line is wider."""
    command = (BIN / "dataflow", "explain")
    shown = seen_at_terminal(*command, cwd=project_folder, columns=60, NO_COLOR="1")
    lines = [line.replace(f"{ESCAPE}1m", "").replace(f"{ESCAPE}0m", "") for line in
             shown.splitlines()]  # fmt: skip
    assert max(map(len, lines)) <= 60
    assert any(line.startswith("workflow-busy ") for line in lines)


@pytest.mark.slow
def test_a_check_is_a_tree(project_folder: Path, workflow_folder: Path) -> None:
    """The checklist's groups are branches, their points leaves, each with its mark."""
    command = (BIN / "dataflow", "workflow", "check", "sales", "--no-tests")
    shown = seen_at_terminal(*command, cwd=project_folder, NO_COLOR="1", columns=140)
    assert "├── " in shown
    assert "✓ config.yaml is valid" in shown


def test_rich_is_imported_for_a_terminal_only(project_folder: Path) -> None:
    """Start-up is what scripts pay for."""
    code = (
        "import sys, dataflow.cli.screen as screen\n"
        "assert not screen.show_table(('a',), [('b',)])\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
