"""A workflow is old or new, whatever happens to the process and whenever it happens.

A child process updates for real. An audit hook in it counts the file operations that change the
project and, at the one chosen, kills the process or makes the operation fail. By default every
third operation is struck at; ``DATAFLOW_TEST_CRASHES=1`` strikes at each.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import MINE, TEN, THEIRS

from dataflow_tools.fleet import journal
from dataflow_tools.fleet.applying import journal_folder
from dataflow_tools.fleet.journal import _DRAFT, Move, pending, recover, replace_files
from dataflow_tools.fleet.tree import Entry, read_tree
from dataflow_tools.scaffold.git import GitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tools.fleet.conftest import Lab

STRIDE = int(os.environ.get("DATAFLOW_TEST_CRASHES", "3"))
CHANGING = {
    "open",
    "os.chmod",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "subprocess.Popen",
}


@pytest.fixture
def fleet(lab: Lab) -> Lab:
    """Two workflows whose update adds, changes, merges, swaps and deletes files."""
    old = {"a.py": TEN, "b/c.py": TEN, "d": TEN, "e/f": TEN, "g.py": TEN, "h.py": TEN, "l": "->a"}
    lab.release("1.0.0", old)
    lab.render("one", "two")
    lab.edit("one", {"g.py": MINE, "h.py": MINE.replace("line 8", "mine")})
    gone = {"d": None, "e/f": None, "b/c.py": None}
    lab.release("1.1.0", gone)
    new = {"a.py": THEIRS, "d/x": "x\n", "e": "e\n", "g.py": THEIRS, "h.py": THEIRS, "l": "->b"}
    lab.release("1.2.0", new)
    return lab


def test_what_somebody_changed_meanwhile_is_left_alone_and_named(lab: Lab) -> None:
    """The next update finishes the rest of what was cut short, and says both."""
    lab.edit("one", {"a.py": TEN, "b.py": TEN, "c.py": TEN})
    folder = lab.project.workflow_dir("one")
    before = read_tree(folder)["a.py"]
    moves = [Move(f"{n}.py", before, replace(before, data=THEIRS.encode())) for n in "abc"]

    def replaced() -> int:
        replace_files(journal_folder(lab.project) / "one", folder, moves)
        return 0

    # The journal is written by then.
    update_until(lab, 13, kill, replaced)
    assert pending(journal_folder(lab.project)) == ["one"]
    (folder / "c.py").write_text(MINE)

    notes = lab.update().notes

    done = "An earlier update of one had been cut short; it is complete now."
    assert notes == [f"{done} Left alone, since changed in the meantime: c.py."]
    assert [lab.read("one", f"{n}.py") for n in "abc"] == [THEIRS, THEIRS, MINE]
    assert lab.update().notes == []


def files(lab: Lab, name: str) -> dict[str, Entry]:
    return read_tree(lab.project.workflow_dir(name))


def update_until(
    lab: Lab,
    number: int,
    strike: Callable[[], None],
    action: Callable[[], int] | None = None,
) -> int:
    """Update in a child process and strike at its n-th change of the project's files.

    Args:
        action: What to do in place of an update; it gives the exit code.

    Returns:
        What ``os.waitpid`` says of the child.
    """
    child = os.fork()
    if child == 0:
        inside = (str(lab.project.root), str(lab.project.root.resolve()))
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event not in CHANGING or not _changes(event, arguments, inside):
                return
            seen += 1
            if seen == number:
                strike()

        sys.addaudithook(count)
        code = 3
        try:
            code = action() if action is not None else lab.update().exit_code
        finally:
            # 64 more says that the operation to strike at never came.
            os._exit(code + (64 if seen < number else 0))
    return os.waitpid(child, 0)[1]


def _changes(event: str, arguments: tuple[object, ...], inside: tuple[str, ...]) -> bool:
    if event == "subprocess.Popen":
        return "update-index" in str(arguments[1])
    if event == "open" and not int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return False
    return any(str(argument).startswith(inside) for argument in arguments)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise PermissionError(13, "Permission denied", "a file")


def outcomes(lab: Lab) -> tuple[dict[str, dict[str, Entry]], dict[str, dict[str, Entry]]]:
    """What the workflows look like before and after an update that nothing disturbs."""
    before = {name: files(lab, name) for name in ("one", "two")}
    assert os.waitstatus_to_exitcode(update_until(lab, 0, kill)) == 1
    after = {name: files(lab, name) for name in ("one", "two")}
    undo(lab)
    return before, after


def undo(lab: Lab) -> None:
    lab.git("reset", "-q", "--hard")
    lab.git("clean", "-qfd")


@pytest.mark.slow
def test_a_killed_update_leaves_each_workflow_old_or_new(fleet: Lab) -> None:
    """Killed at any file operation and recovered, a workflow is wholly old or wholly new."""
    before, after = outcomes(fleet)
    seen = set()
    for number in range(1, 500, STRIDE):
        status = update_until(fleet, number, kill)
        if not os.WIFSIGNALED(status):
            break
        begun = pending(journal_folder(fleet.project))
        assert len(begun) <= 1
        for name in ("one", "two"):
            if name not in begun:
                assert files(fleet, name) in (before[name], after[name]), (number, name)
        assert [name for name, _ in recover(journal_folder(fleet.project))] == begun
        for name in ("one", "two"):
            now = files(fleet, name)
            assert now in (before[name], after[name]), (number, name)
            seen.add((name, now == after[name], name in begun))
        marked = {path for _, path in fleet.unmerged()}
        assert marked == ({"h.py"} if files(fleet, "one") == after["one"] else set()), number
        undo(fleet)
    assert number > 30
    # Each of these was met: not begun, begun and finished later, and done before the kill.
    assert seen >= {("one", False, False), ("one", True, True), ("two", True, True)}
    assert ("one", True, False) in seen


@pytest.mark.slow
def test_the_next_update_finishes_a_killed_one(fleet: Lab) -> None:
    """Whoever updates next finishes the work first, and says so."""
    _, after = outcomes(fleet)
    for number in range(1, 500):
        update_until(fleet, number, kill)
        if pending(journal_folder(fleet.project)):
            break
    with pytest.raises(Exception, match="was cut short"):
        fleet.update(plan_only=True)

    report = fleet.update("two") if "one" in pending(journal_folder(fleet.project)) else None

    assert report is not None
    assert any("one had been cut short; it is complete now" in note for note in report.notes)
    assert files(fleet, "one") == after["one"]
    assert files(fleet, "two") == after["two"]


@pytest.mark.slow
def test_an_operation_that_fails_leaves_the_workflow_old(fleet: Lab) -> None:
    """When a file cannot be written, the files replaced before it are put back."""
    before, after = outcomes(fleet)
    for number in range(1, 500, STRIDE):
        status = os.waitstatus_to_exitcode(update_until(fleet, number, fail))
        assert pending(journal_folder(fleet.project)) == [], number
        for name in ("one", "two"):
            assert files(fleet, name) in (before[name], after[name]), (number, name)
        undo(fleet)
        if status > 64:
            break
    assert number > 30


@pytest.mark.slow
def test_work_done_after_the_crash_is_not_overwritten(fleet: Lab) -> None:
    """A file that somebody changed before the recovery stays as they left it."""
    for number in range(1, 500):
        update_until(fleet, number, kill)
        if pending(journal_folder(fleet.project)) == ["one"]:
            break
    path = fleet.project.workflow_dir("one") / "a.py"
    path.write_text("after the crash\n", encoding="utf-8")

    assert list(recover(journal_folder(fleet.project))) == [("one", ["a.py"])]

    assert path.read_text(encoding="utf-8") == "after the crash\n"
    assert fleet.read("one", "d/x") == "x\n"


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_waits_for_the_workflow_at_hand(fleet: Lab, number: signal.Signals) -> None:
    """Ctrl-C while a workflow is being changed finishes that one and leaves the others alone."""
    before, after = outcomes(fleet)
    for step in range(1, 500):
        code = os.waitstatus_to_exitcode(
            update_until(fleet, step, lambda: os.kill(os.getpid(), number))
        )
        one, two = files(fleet, "one"), files(fleet, "two")
        undo(fleet)
        assert one in (before["one"], after["one"])
        assert two in (before["two"], after["two"])
        if one == after["one"] and two == before["two"]:
            assert code == 130
            return
    pytest.fail("no signal came between the two workflows")


def test_a_journal_folder_is_on_the_workflows_file_system(lab: Lab) -> None:
    """The folder for half-done work is ignored by git and in the project's state folder."""
    lab.release("1.0.0", {"a.py": TEN, "b.py": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS, "b.py": THEIRS})
    lab.edit("../../..", {".gitignore": ""})
    lab.update("one")
    assert journal_folder(lab.project) == lab.project.state_dir / "update"
    assert ".dataflow" not in lab.status()


def test_files_are_put_in_place_on_another_file_system(tmp_path: Path) -> None:
    """The project's own files may lie on another one than its workflows; links stay links."""
    memory = Path("/dev/shm")  # noqa: S108 - a file system of its own, on Linux
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    (tmp_path / "a.py").write_text("old\n")
    before = read_tree(tmp_path)
    wanted = {
        "a.py": Entry(b"new\n", executable=True),
        "b/l": Entry(b"../a.py", link=True),
    }
    with TemporaryDirectory(dir=memory) as room:
        moves = [Move(path, before.get(path), entry) for path, entry in wanted.items()]
        replace_files(Path(room) / "one", tmp_path, moves)
        replace_files(Path(room) / "one", tmp_path, [Move("a.py", wanted["a.py"], before["a.py"])])
        assert list(Path(room).iterdir()) == []
    assert read_tree(tmp_path) == wanted | {"a.py": before["a.py"]}


def test_two_updates_at_once_are_refused(lab: Lab, tmp_path: Path) -> None:
    """While one update runs, another of the same project does not start."""
    from dataflow_tools.fleet.update import Request, update_workflows
    from dataflow_tools.fleet.update_lock import UpdateBusyError

    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})
    told: list[str] = []

    def meanwhile(words: str) -> None:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                lab.update()
            except UpdateBusyError as error:
                os.write(write, error.reason.encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        told.append(os.read(read, 1000).decode() or words)
        os.close(read)

    update_workflows(lab.project, Request(), meanwhile)

    assert set(told) == {"Another update of this project is running."}
    assert tmp_path.exists()


def test_what_cannot_be_put_in_place_brings_all_back(tmp_path: Path) -> None:
    """Files that went, came or were changed before the failure are as they were; so are folders."""
    folder, room = tmp_path / "flow", tmp_path / "state" / "flow"
    for name, text in {"a/gone.py": "1\n", "b.py": "2\n", "z/theirs.py": "3\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    before = read_tree(folder)
    wanted = {
        "a/gone.py": None,
        "b.py": Entry(b"new\n", executable=True),
        "c/d/new.py": Entry(b"4\n"),
    }
    # Where the last one has to go, a folder lies with somebody's file in it.
    moves = [Move(path, before.get(path), after) for path, after in wanted.items()]

    with pytest.raises(OSError, match="not empty"):
        replace_files(room, folder, [*moves, Move("z", None, Entry(b"5\n"))])

    assert read_tree(folder) == before
    assert not (folder / "c").exists()
    assert (pending(room.parent), list(room.parent.iterdir())) == ([], [])
    replace_files(room, folder, moves)
    assert read_tree(folder) == {
        "b.py": wanted["b.py"],
        "c/d/new.py": wanted["c/d/new.py"],
        "z/theirs.py": before["z/theirs.py"],
    }
    assert not (folder / "a").exists()


def test_what_was_not_begun_is_thrown_away(tmp_path: Path) -> None:
    """Drafts of a process that died before it began; nothing else that lies there."""
    state = tmp_path / "state"
    assert list(recover(state)) == []
    (state / "one").mkdir(parents=True)
    (state / "one" / "0").write_text("staged")
    (state / f"one{_DRAFT}").write_text("half")
    (state / "lock").write_text("")
    assert pending(state) == []
    assert list(recover(state)) == []
    assert [path.name for path in state.iterdir()] == ["lock"]


@pytest.mark.parametrize("is_held_for_ever", [False, True])
def test_an_index_that_an_editor_holds_is_waited_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, is_held_for_ever: bool
) -> None:
    """For a moment, and not for ever."""
    held = lab.project.root / ".git" / "index.lock"
    held.touch()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if not is_held_for_ever:
            held.unlink()

    monkeypatch.setattr(time, "sleep", wait)
    blob = lab.git("hash-object", "-w", str(lab.project.root / "pyproject.toml")).strip()
    lines = f"100644 {blob} 0\tnew.toml\0".encode()
    if is_held_for_ever:
        with pytest.raises(GitError):
            journal._update_index(lab.project.root, lines)
        assert waited == sorted(waited)
        assert len(waited) == 3
        held.unlink()
        return
    journal._update_index(lab.project.root, lines)
    assert len(waited) == 1
    assert "new.toml" in lab.git("ls-files")
