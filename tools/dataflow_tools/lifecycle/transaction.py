"""Change several files, folders and a workflow's records as one, also when the process is killed.

Everything new is written into a folder of its own first, then a journal of what goes where, and
only then things are moved. Until the journal is complete nothing has happened; from then on
whoever comes next finishes the work.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.fleet.applying import journal_folder
from dataflow_tools.fleet.journal import pending as pending_updates
from dataflow_tools.fleet.tree import Entry, read_entry
from dataflow_tools.scaffold.relocation import drop, relocate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.project import Project

_JOURNAL = "journal.json"
Record = dict[str, Any]
# What else than files can be changed, by name.
Actions = dict[str, Callable[..., None]]


class LifecycleBusyError(DataflowError):
    """Another command changes the project's files.

    Why: Two commands that change the project's files at once would undo each other.

    What to do: Wait; a killed command holds nothing, and the next one finishes it.
    """

    http_status = 409


class UnfinishedError(DataflowError):
    """What was begun could not be finished, nor taken back.

    Why: A command that changes several files (`rename`, `copy`, `remove`, `adopt`, `update`)
    was killed half-way, and a file cannot be written now.

    What to do: Make the file writable and run any of these commands: it finishes what was
    begun, or takes it back, before anything else.
    """


class Transaction:
    """What shall be done, step by step; nothing is before `commit`.

    Args:
        room: Its folder, on the file system of the project's files.
        title: What it does, in a few words.
    """

    def __init__(self, room: Path, title: str) -> None:
        self.room = room
        self._title = title
        self._steps: list[Record] = []
        self._first: list[Record] = []
        self._last: list[Record] = []
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)

    def move(self, source: Path, target: Path) -> None:
        """Give a file or a folder another name; it is left alone if there is nothing."""
        self._steps.append({"do": "move", "from": str(source), "to": str(target)})

    def put(self, target: Path, content: bytes, before: Entry | None, after_moving: bool) -> None:
        """Write a file, in the place of what is there now.

        Args:
            before: What is there when its turn comes; if it is not, the file is left alone.
            after_moving: Whether the file is where an earlier step will have moved it.
        """
        staged = self.room / str(len(self._steps))
        staged.write_bytes(content)
        _flush(staged)
        was = _told(before)
        if not after_moving and _told(read_entry(target)) != was:
            raise BadInputError(
                f"{target} changed while the plan was made. Nothing was written.",
                "Run the same command again.",
            )
        step = {"do": "put", "from": str(staged), "to": str(target), "before": was}
        self._steps.append(step)

    def replace(self, staged: Path, target: Path) -> None:
        """Move a file that was made ready to its place, which must be free."""
        _flush(staged)
        self._steps.append({"do": "move", "from": str(staged), "to": str(target)})

    def drop(self, path: Path) -> None:
        """Delete a file or a folder when all the rest is done."""
        self._last.append({"do": "drop", "from": str(path)})

    def begin_with(self, action: str, *, back: dict[str, str], **values: str) -> None:
        """Do one of the `ACTIONS` before all the rest; if it fails, nothing is done.

        It does nothing where it is done already.

        Args:
            back: The same action's values that take it back, should the rest not be possible.
        """
        self._first.append({"do": action, "values": values, "back": back})

    def record(self, action: str, **values: str) -> None:
        """Do one of the `ACTIONS` when all the rest is done."""
        self._last.append({"do": action, **values})

    def commit(self, actions: Actions) -> list[str]:
        """Do all of it, or nothing.

        Returns:
            What a person should know of what was not done.

        Raises:
            DataflowError: A step failed; what was done is undone.
        """
        journal = {"title": self._title, "steps": self._steps, "last": self._last}
        journal["first"] = self._first
        done: list[Record] = []
        try:
            draft = self.room / f"{_JOURNAL}.new"
            draft.write_text(json.dumps(journal), encoding="utf-8")
            _flush(draft)
            draft.replace(self.room / _JOURNAL)
        except OSError as error:
            _undo(self.room, done)
            raise _fault(self.room, error) from error
        begun = 0
        try:
            for step in self._first:
                actions[step["do"]](**step["values"])
                begun += 1
            notes = _carry_out(self.room, done)
        except (OSError, DataflowError) as error:
            for step in reversed(self._first[:begun]):
                actions[step["do"]](**step["back"])
            _undo(self.room, done)
            if isinstance(error, OSError):
                raise _fault(self.room, error) from error
            raise
        return notes + _finish(self.room, actions)


def execute(
    project: Project, title: str, prepare: Callable[[Transaction], None], actions: Actions
) -> list[str]:
    """Do what a plan prepares, all of it or nothing; whoever calls is `alone`.

    Returns:
        What a person should know of what was not done.

    Raises:
        DataflowError: It could not be done, and nothing was changed.
    """
    room = room_of(project)
    try:
        transaction = Transaction(room, title)
        prepare(transaction)
    except OSError as error:
        shutil.rmtree(room, ignore_errors=True)
        raise _fault(room, error) from error
    return transaction.commit(actions)


def room_of(project: Project) -> Path:
    """The folder of the transaction that is under way."""
    state = journal_folder(project)
    return state.with_name(".lifecycle" if state.name.startswith(".") else "lifecycle") / "now"


def is_unfinished(project: Project) -> str:
    """What an earlier command had begun and not finished; empty if nothing."""
    journal = _read(room_of(project))
    return str(journal["title"]) if journal else ""


def finish_earlier(project: Project, actions: Actions) -> list[str]:
    """Finish what a command had begun that was killed; throw away what it had only made ready.

    Whoever calls is `alone`.

    Returns:
        What was finished and what not, to be told.
    """
    room = room_of(project)
    journal = _read(room)
    if journal is None:
        if room.exists():
            shutil.rmtree(room, ignore_errors=True)
        return []
    try:
        for step in journal.get("first", []):
            actions[step["do"]](**step["values"])
        notes = _carry_out(room, [])
    except DataflowError as error:
        raise UnfinishedError(
            f"An earlier command was cut short ({journal['title']}), and cannot be finished: "
            f"{error.reason}",
            f"{error.instruction} Then run any `dataflow workflow rename`, `copy`, `remove`, "
            "`adopt` or `update`.",
        ) from error
    except OSError as error:
        raise UnfinishedError(
            f"An earlier command was cut short ({journal['title']}), and cannot be finished: "
            f"{error.filename}: {error.strerror}.",
            "See that the file can be written, then run any `dataflow workflow rename`, `copy`, "
            "`remove`, `adopt` or `update`.",
        ) from error
    said = f"An earlier command had been cut short and is complete now: {journal['title']}."
    return [said, *notes, *_finish(room, actions)]


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """See that no other command changes the project's files, updates included.

    Raises:
        LifecycleBusyError: One does.
        BadInputError: An update was cut short and has to be finished first.
    """
    state = journal_folder(project)
    home = room_of(project).parent
    try:
        for folder in (state, home):
            folder.mkdir(parents=True, exist_ok=True)
            # Whatever the project's own .gitignore says, none of this may be committed.
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise _fault(state, error) from error
    lock = FileLock(state / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LifecycleBusyError(
            "Another command is changing this project's files.",
            "Wait for it to end, then run this again.",
        ) from None
    try:
        if waiting := pending_updates(state):
            raise BadInputError(
                f"An earlier update of {', '.join(waiting)} was cut short.",
                "Run `dataflow workflow update --all` to finish it; then run this again.",
            )
        yield
    finally:
        lock.release()


def _read(room: Path) -> Record | None:
    try:
        found: Record = json.loads((room / _JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def _carry_out(room: Path, done: list[Record]) -> list[str]:
    """Do the steps that are not done yet; it may be called again at any point."""
    journal = _read(room) or {"steps": []}
    notes = []
    for number, step in enumerate(journal["steps"]):
        source, target = Path(step["from"]), Path(step["to"])
        if not os.path.lexists(source):
            continue
        if step["do"] == "move":
            if os.path.lexists(target):
                notes.append(f"Left alone, since {target} is there by now: {source}.")
                continue
            relocate(source, target)
        else:
            present = read_entry(target)
            if _told(present) != step["before"]:
                notes.append(f"Left alone, since it was changed in the meantime: {target}.")
                continue
            if present is not None:
                keep = room / f"{number}.before"
                shutil.copy2(target, keep, follow_symlinks=False)
                shutil.copymode(target, source)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        done.append({**step, "number": number})
    return notes


def _finish(room: Path, actions: Actions) -> list[str]:
    """What comes last and harms nobody where it cannot be done."""
    journal = _read(room) or {"last": []}
    notes = []
    for step in journal["last"]:
        values = {key: value for key, value in step.items() if key != "do"}
        try:
            if step["do"] == "drop":
                drop(Path(values["from"]))
            else:
                actions[step["do"]](**values)
        except Exception as error:
            words = " ".join(str(error).split()) or type(error).__name__
            notes.append(f"Not done ({step['do']} {' '.join(values.values())}): {words}")
    with contextlib.suppress(OSError):
        # Otherwise the next command does it all again, which changes nothing.
        (room / _JOURNAL).unlink(missing_ok=True)
        shutil.rmtree(room, ignore_errors=True)
    return notes


def _fault(room: Path, error: OSError) -> DataflowError:
    return DataflowError(
        f"{error.filename or room}: {error.strerror}. Nothing was changed.",
        "See that the files can be written and the disk has room; then run it again.",
    )


def _undo(room: Path, done: list[Record]) -> None:
    """Take back what was done before a step failed, as far as the failure allows."""
    for step in reversed(done):
        source, target = Path(step["from"]), Path(step["to"])
        with contextlib.suppress(OSError):
            if step["do"] == "move":
                relocate(target, source)
                continue
            kept = room / f"{step['number']}.before"
            if kept.exists():
                kept.replace(target)
            else:
                target.unlink()
    (room / _JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(room, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _told(entry: Entry | None) -> str:
    return f"{entry.mode} {sha256(entry.data).hexdigest()}" if entry else ""
