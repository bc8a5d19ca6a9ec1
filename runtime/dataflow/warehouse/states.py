"""The states of a workflow's DuckDB file: a run's working copy, and earlier ones that are kept.

A run works on a copy of the file, which replaces it when the whole run has succeeded; what it
replaces is kept for a while. All of it lies beside the file:

    data/sales.duckdb                        the last good run's tables; only ever replaced whole
    data/.runs/sales/working/sales.duckdb    the copy that a run works on, or a failed run's
    data/.runs/sales/kept/<run>/sales.duckdb what that run had left, before a later one

A copy has the name of the file, since DuckDB names the database after it, and views name the
database. The folder of the working copy is the same for each run, since dbt parses all models anew
when the path of the database changes. Whoever calls holds the workflow's lock.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.progress_words import bytes_in_words
from dataflow.shared.sql import quote_literal
from dataflow.warehouse.database import (
    STATES_FOLDER,
    WarehouseError,
    open_database,
    warehouse_fault,
)
from dataflow.warehouse.file_copy import copy_file, identity, sync_folder
from dataflow.warehouse.kind import KeptState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.kind import KeepPolicy

_STATE = "dataflow.state"
# Of how many runs it is remembered that their work was given up; a run that is taken up again
# later than that many others is not told from one that had written nothing.
_REMEMBERED = 100


@dataclass(frozen=True)
class Work:
    """What is known of a working copy.

    Args:
        folder: Where it lies, below the folder of states.
        runs: The run that works on it, last, after those that it takes up.
        base: What identifies the file that it is a copy of; ``None`` if there was none.
        state: The kept state that it is a copy of instead, when one is brought back.
    """

    folder: str
    runs: list[str]
    base: list[int] | None
    state: str = ""


class DuckDBStates:
    """The states of one DuckDB file.

    Args:
        path: The file that people and dashboards know; it may be a link to it.
    """

    def __init__(self, path: Path) -> None:
        self._shown = path
        self._live = path.resolve()
        self._name = path.name
        self._home = self._live.parent / STATES_FOLDER / path.stem

    @property
    def spill(self) -> Path:
        """Where a comparison of states puts what does not fit into memory."""
        return self._home / "spill"

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> Path:
        """The file that a run works on: a copy of the present one, made when it is first asked for.

        Args:
            run_id: A run that has begun goes on with its copy, whichever process asks.
            resumes: The failed run that this one goes on from; it gets the copy of that one.
            state: The kept state to copy in place of the present file.

        Raises:
            WarehouseError: Another program writes the file, there is no room for a copy, or the
                work of ``resumes`` is gone.
        """
        work = self._read_work()
        if work and run_id in work.runs:
            return self._file(work)
        if resumes and work and resumes in work.runs and work.base == identity(self._live):
            self._write_work(Work(work.folder, [*work.runs, run_id], work.base, work.state))
            return self._file(work)
        if resumes in self._given_up():
            raise WarehouseError(
                f"What run {resumes} had loaded is gone: another run has begun since it failed.",
                "Run the whole workflow again.",
            )
        return self._start(run_id, state)

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Put a run's copy in the place of the file, at one moment; false if it has none.

        Raises:
            WarehouseError: The file was changed since, or another program has it open for writing;
                the file is as it was, and the copy stays.
        """
        work = self._read_work()
        if work is None or run_id not in work.runs:
            return False
        file = self._file(work)
        if not file.exists():
            return False
        previous = self._seal(file, work.state or run_id, run_id)
        try:
            with self._undisturbed(work) as live:
                if live is not None:
                    shutil.copymode(self._live, file)
                    # Before a state was brought back the copy was of that, not of the file.
                    self._keep(_read_state(live) if work.state else previous, run_id, keep)
                file.replace(self._live)
            sync_folder(self._live.parent)
        except OSError as error:
            raise warehouse_fault(self._shown, error) from error
        self._forget(work)
        self._prune(keep)
        return True

    def is_promoted(self, run_id: str) -> bool:
        """Whether the file is what this run has put there."""
        if not self._live.exists():
            return False
        with open_database(self._shown, read_only=True) as connection:
            state = _read_state(connection)
        return state is not None and state["placed_by"] == run_id

    def working_copy(self, run_id: str) -> Path | None:
        """The copy that a run has left, if it is there still."""
        work = self._read_work()
        if work is None or run_id not in work.runs or not self._file(work).exists():
            return None
        return self._file(work)

    def unfinished(self, run_id: str) -> str:
        """The path of the copy that a run works on, if there is one."""
        return str(self.working_copy(run_id) or "")

    def present(self) -> KeptState | None:
        """The state that the file has now; without a run's id if no run has put it there."""
        if not self._live.exists():
            return None
        with open_database(self._shown, read_only=True) as connection:
            state = _read_state(connection)
        size, at = self._live.stat().st_size, _moment(self._live)
        if state is None:
            return KeptState("", at, "", size)
        return KeptState(state["run_id"], state["made_at"], "", size)

    def kept(self) -> list[KeptState]:
        """The earlier states that are kept, the newest first."""
        found = []
        for path in self._home.glob("kept/*/state.json"):
            with suppress(OSError, ValueError, KeyError):
                noted = json.loads(path.read_text(encoding="utf-8"))
                file = path.parent / self._name
                if self._live.exists() and file.samefile(self._live):
                    # A run was killed just before it replaced the file.
                    continue
                size = file.stat().st_size
                state = KeptState(noted["run_id"], noted["made_at"], noted["replaced_by"], size)
                found.append((noted["kept_at"], state))
        return [state for _, state in sorted(found, key=lambda entry: entry[0], reverse=True)]

    def file_of(self, run_id: str) -> Path:
        """The file of a kept state.

        Raises:
            BadInputError: It is not kept.
        """
        known = {state.run_id for state in self.kept()}
        if run_id not in known:
            raise BadInputError(
                f"The state of run {run_id} is not kept.",
                f"Kept are: {', '.join(sorted(known)) or 'none'}. The settings kept_states and "
                "kept_states_gb say how many are.",
            )
        return self._home / "kept" / run_id / self._name

    def _start(self, run_id: str, state: str) -> Path:
        source = self.file_of(state) if state else self._live
        previous = self._read_work()
        if previous is not None:
            # Without a file it had written nothing, or was promoted just before it was killed.
            self._forget(previous, given_up=self._file(previous).exists())
        try:
            for leftover in self._home.glob("work*"):
                shutil.rmtree(leftover)
            folder = self._free_folder()
            base = None
            if self._live.exists():
                if self._has_log():
                    # What a writer that was killed has left belongs into the file.
                    with open_database(self._shown) as connection:
                        connection.execute("CHECKPOINT")
                # While it is open for reading, nobody can write it.
                with open_database(self._shown, read_only=True):
                    base = identity(self._live)
                    self._copy(source, folder / self._name)
            elif state:
                self._copy(source, folder / self._name)
            self._write_work(Work(folder.name, [run_id], base, state))
        except OSError as error:
            for leftover in self._home.glob("work*"):
                shutil.rmtree(leftover, ignore_errors=True)
            raise warehouse_fault(self._shown, error) from error
        return folder / self._name

    def _free_folder(self) -> Path:
        """A folder for the working copy: `work`, unless this process has another file open there.

        DuckDB answers a second connection of a process to the same path with the file that the
        first one has open, even when another file has taken its place since.
        """
        import duckdb

        for number in count(1):
            folder = self._home / ("working" if number == 1 else f"working-{number}")
            folder.mkdir(parents=True, exist_ok=True)
            try:
                duckdb.connect(str(folder / self._name), read_only=True).close()
            except duckdb.ConnectionException:
                continue
            except duckdb.Error:
                return folder
        raise AssertionError

    def _copy(self, source: Path, target: Path) -> None:
        size, free = source.stat().st_size, shutil.disk_usage(target.parent).free
        if size > free:
            raise WarehouseError(
                f"There is no space for the copy of {self._shown} that a run works on: it has "
                f"{bytes_in_words(size)}, and {bytes_in_words(free)} are free.",
                "Free disk space and run again; the tables are as they were.",
            )
        copy_file(source, target)

    def _seal(self, file: Path, state: str, run_id: str) -> dict[str, str] | None:
        """Note whose state the copy is, and get all of it into the one file and onto the disk.

        Returns:
            What was noted before.
        """
        with open_database(file) as connection:
            connection.execute(
                f"CREATE SCHEMA IF NOT EXISTS dataflow; CREATE TABLE IF NOT EXISTS {_STATE} "
                "(run_id VARCHAR, made_at VARCHAR, placed_by VARCHAR)"
            )
            before = _read_state(connection)
            made_at = before["made_at"] if before and state != run_id else _now()
            row = ", ".join(map(quote_literal, (state, made_at, run_id)))
            connection.execute(f"DELETE FROM {_STATE}; INSERT INTO {_STATE} VALUES ({row})")
            connection.execute("CHECKPOINT")
        # Whoever still has it open for writing, in this process or another, does not get in here.
        with open_database(file, read_only=True):
            pass
        with file.open("rb") as written:
            os.fsync(written.fileno())
        return before

    @contextmanager
    def _undisturbed(self, work: Work) -> Iterator[DuckDBPyConnection | None]:
        """The file as it was copied, open for reading, so that nobody writes it meanwhile."""
        if work.base is None and not self._live.exists():
            yield None
            return
        if work.base is not None and self._live.exists():
            with open_database(self._shown, read_only=True) as connection:
                if identity(self._live) == work.base and not self._has_log():
                    yield connection
                    return
        raise WarehouseError(
            f"{self._shown} was changed by another program while the run worked on its copy; it "
            "stays as that program left it.",
            "Run the workflow again. If a step of the workflow itself did it, let the step open "
            "the warehouse by `dataflow.authoring.open_warehouse`.",
        )

    def _keep(self, state: dict[str, str] | None, replaced_by: str, keep: KeepPolicy) -> None:
        if keep.states < 1 or not keep.replaced:
            return
        run_id = state["run_id"] if state else f"before-{replaced_by[:8]}"
        aside, target = self._home / "kept" / ".new", self._home / "kept" / run_id
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            os.link(self._live, aside / self._name)
        except OSError:
            # This file system has no hard links.
            self._copy(self._live, aside / self._name)
        noted = {
            "run_id": run_id,
            "made_at": state["made_at"] if state else _moment(self._live),
            "kept_at": _now(),
            "replaced_by": replaced_by,
        }
        (aside / "state.json").write_text(json.dumps(noted), encoding="utf-8")
        # The same state again, after it was brought back.
        shutil.rmtree(target, ignore_errors=True)
        aside.replace(target)

    def _prune(self, keep: KeepPolicy) -> None:
        room = keep.gigabytes * 1e9
        for number, state in enumerate(self.kept()):
            room -= state.bytes
            if number >= keep.states or room < 0:
                shutil.rmtree(self._home / "kept" / state.run_id, ignore_errors=True)

    def _has_log(self) -> bool:
        """Whether a program is writing the file, or was killed while it did."""
        # DuckDB puts it beside the path that it is given, which may be a link.
        return _log_of(self._live).exists() or _log_of(self._shown).exists()

    def _file(self, work: Work) -> Path:
        return self._home / work.folder / self._name

    def _read_work(self) -> Work | None:
        try:
            return Work(**json.loads((self._home / "run.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write_work(self, work: Work) -> None:
        _write_json(self._home / "run.json", work.__dict__)

    def _given_up(self) -> list[str]:
        try:
            return list(json.loads((self._home / "given_up.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return []

    def _forget(self, work: Work, *, given_up: bool = False) -> None:
        """Remove what is known of a working copy, and what is left of it."""
        if given_up:
            runs = [*self._given_up(), *work.runs][-_REMEMBERED:]
            _write_json(self._home / "given_up.json", runs)
        (self._home / "run.json").unlink(missing_ok=True)
        shutil.rmtree(self._home / work.folder, ignore_errors=True)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _read_state(connection: DuckDBPyConnection) -> dict[str, str] | None:
    known = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = 'dataflow' AND table_name = 'state'"
    ).fetchone()
    row = (
        known and connection.execute(f"SELECT run_id, made_at, placed_by FROM {_STATE}").fetchone()
    )
    return dict(zip(("run_id", "made_at", "placed_by"), row, strict=True)) if row else None


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(content), encoding="utf-8")
    aside.replace(path)


def _moment(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
