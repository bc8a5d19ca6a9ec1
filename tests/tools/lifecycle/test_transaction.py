"""A workflow has its old name or its new one, whatever happens to the process and whenever.

A child process renames for real. An audit hook in it counts the operations that change files and,
at the one chosen, kills the process or makes the operation fail. By default every seventh operation
is struck at; ``DATAFLOW_TEST_CRASHES=1`` strikes at each.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools.lifecycle.conftest import carry_out, rows, texts

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.project import Project
from dataflow_tools.fleet.applying import journal_folder
from dataflow_tools.lifecycle.copying import plan_copy
from dataflow_tools.lifecycle.plan import Plan
from dataflow_tools.lifecycle.records import actions
from dataflow_tools.lifecycle.removal import plan_removal
from dataflow_tools.lifecycle.rename import plan_rename
from dataflow_tools.lifecycle.transaction import (
    LifecycleBusyError,
    Transaction,
    alone,
    execute,
    finish_earlier,
    is_unfinished,
)

# All need a project that has run.
pytestmark = pytest.mark.slow

STRIDE = int(os.environ.get("DATAFLOW_TEST_CRASHES", "7"))
CHANGING = {
    "open",
    "os.chmod",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "shutil.copyfile",
    "shutil.rmtree",
}
Run = Callable[..., subprocess.CompletedProcess[str]]
COMMANDS: dict[str, Callable[[Project], Plan]] = {
    "rename": lambda project: plan_rename(project, "orders", "sales"),
    "copy": lambda project: plan_copy(project, "orders", "sales"),
    "remove": lambda project: plan_removal(project, "reader", purge=True),
}


@pytest.fixture
def small(project: Project) -> Project:
    """The project without the history of runs, which would take most of the time."""
    shutil.rmtree(project.dagster_home)
    return project


def strike_at(project: Project, command: str, number: int, strike: Callable[[], None]) -> int:
    """Carry out a command in a child process and strike at its n-th change of a file.

    Returns:
        What ``os.waitpid`` says of the child.
    """
    child = os.fork()
    if child == 0:
        inside = (str(project.root), str(project.root.resolve()))
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event not in CHANGING or not _changes(event, arguments, inside):
                return
            seen += 1
            if seen == number:
                strike()

        plan = COMMANDS[command](project)
        sys.addaudithook(count)
        code = 3
        try:
            carry_out(project, plan)
            code = 0
        except DataflowError:
            code = 1
        finally:
            _count_file(project).write_text(str(seen))
            # 64 more says that the operation to strike at never came.
            os._exit(code + (64 if seen < number else 0))
    return os.waitpid(child, 0)[1]


def _count_file(project: Project) -> Path:
    """Where a child says how many operations there were."""
    return project.root.parent / "operations"


def _changes(event: str, arguments: tuple[object, ...], inside: tuple[str, ...]) -> bool:
    if event == "open" and not int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return False
    return any(str(argument).startswith(inside) for argument in arguments)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise PermissionError(13, "Permission denied", "a file")


def state(project: Project) -> tuple[object, ...]:
    """All that a command changes: code, tables, what is published."""
    tables = {
        path.name: rows(project, path.stem, "staging.stg_orders")
        for path in sorted(project.data_dir.glob("*.duckdb"))
    }
    kept = sorted(
        path.parent.parent.parent.name for path in project.data_dir.glob(".runs/*/kept/*/*.duckdb")
    )
    manifest = read_manifest(SiteFolders.of(project))
    shown = {
        name: all((SiteFolders.of(project).public / path).is_file() for path in paths)
        for name, paths in manifest.tables.items()
    }
    return texts(project.root / "src"), tables, kept, shown, sorted(manifest.workflows)


def recovered(project: Project) -> list[str]:
    with alone(project):
        return finish_earlier(project, actions())


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_killed_command_leaves_all_as_before_or_is_finished(
    small: Project, tmp_path: Path, command: str
) -> None:
    """Killed at any operation, what the next command finds is wholly old, or it makes it new."""
    saved = shutil.copytree(small.root, tmp_path / "saved", symlinks=True)

    def undo() -> None:
        shutil.rmtree(small.root)
        shutil.copytree(saved, small.root, symlinks=True)

    before = state(small)
    assert strike_at(small, command, 0, kill) == 0
    after = state(small)
    assert before != after
    undo()
    seen, last = set(), int(_count_file(small).read_text())
    # Between the journal and the end there are the fewest.
    for number in sorted({*range(1, last, STRIDE), *range(max(1, last - 6), last + 1)}):
        assert os.WIFSIGNALED(strike_at(small, command, number, kill)), number
        begun = bool(is_unfinished(small))
        if not begun:
            assert state(small) in (before, after), number
        told = recovered(small)
        assert bool(told) == begun, (number, told)
        now = state(small)
        assert now == after if begun else now in (before, after), number
        seen.add((now == after, begun))
        undo()
    assert {(False, False), (True, True)} <= seen
    assert not [path for path in journal_folder(small).parent.glob("lifecycle/*") if path.is_dir()]


def test_an_operation_that_fails_leaves_all_as_before(small: Project) -> None:
    """What was done before it is undone; where only the tidying up fails, all is new."""
    before, codes = state(small), []
    for number in range(1, 2000, STRIDE):
        codes.append(os.waitstatus_to_exitcode(strike_at(small, "rename", number, fail)))
        if codes[-1] != 1:
            break
        assert not is_unfinished(small)
        assert state(small) == before, number
    assert len(codes) > 3
    assert "sales.duckdb" in str(state(small))


def test_a_file_changed_after_the_crash_is_left_alone(small: Project) -> None:
    """Work that somebody did meanwhile is not overwritten, and is named."""
    reader = small.workflow_dir("reader") / "config.yaml"
    for number in range(20, 2000):
        status = strike_at(small, "rename", number, kill)
        if is_unfinished(small) and "- orders" in reader.read_text():
            break
        assert os.WIFSIGNALED(status), "it never was between the two"
        if is_unfinished(small):
            pytest.fail("the first kill after the journal came too late")
    reader.write_text(reader.read_text() + "# mine\n")
    told = recovered(small)
    assert any("Left alone" in note and "reader/config.yaml" in note for note in told)
    assert reader.read_text().endswith("# mine\n")


def test_the_same_command_again_finishes_it(small: Project, run: Run) -> None:
    """As the refused run tells; and it is not refused for being done."""
    for number in range(20, 2000):
        strike_at(small, "rename", number, kill)
        if is_unfinished(small) and not small.workflow_dir("orders").exists():
            break
    refused = run("workflow", "run", "sales")
    assert "dataflow workflow rename orders sales" in refused.stderr
    done = run("workflow", "rename", "orders", "sales", "--yes")
    assert (done.returncode, "is complete now" in done.stderr) == (0, True), done.stderr
    assert len(rows(small, "sales", "staging.stg_orders")) == 6


def test_two_commands_at_once_are_refused(small: Project) -> None:
    """Updates included: they change the same files."""
    with alone(small), pytest.raises(LifecycleBusyError, match="Another command"), alone(small):
        pass


def test_what_comes_first_is_taken_back_with_the_rest(tmp_path: Path) -> None:
    """An action that fails leaves all as it was; one that did not is undone if a file cannot be."""
    names = ["orders"]
    (tmp_path / "shop").mkdir()
    project = Project(tmp_path / "shop")

    def rename(old: str, new: str) -> None:
        if new == "taken":
            raise BadInputError("It is taken.", "Choose another name.")
        if old in names:
            names[:] = [new]

    def prepare(new: str, target: Path) -> Callable[[Transaction], None]:
        def steps(transaction: Transaction) -> None:
            back = {"old": new, "new": "orders"}
            transaction.begin_with("tables", back=back, old="orders", new=new)
            transaction.move(source, target)

        return steps

    source = tmp_path / "source"
    source.write_text("as it is")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with alone(project):
        for new, target in (("taken", tmp_path / "target"), ("sales", blocked / "below")):
            with pytest.raises(DataflowError):
                execute(project, "rename", prepare(new, target), {"tables": rename})
            assert (names, source.read_text()) == (["orders"], "as it is")
            assert not is_unfinished(project)
        execute(project, "rename", prepare("sales", tmp_path / "target"), {"tables": rename})
    assert names == ["sales"]
    assert (tmp_path / "target").exists()
