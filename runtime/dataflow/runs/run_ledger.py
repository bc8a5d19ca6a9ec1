"""What became of each run, in a few words: in .dataflow/runs.sqlite, written when a run ends.

Dagster keeps the events of each run in a file of its own; lists of runs and metrics would have to
read them all. Hosts that share a history have the notes beside it, in its Postgres.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from dataflow.runs.model import LEFT_OUT, Step
from dataflow.shared.errors import DataflowError
from dataflow.shared.logging import get_logger
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataflow.runs.postgres_ledger import PostgresLedger
    from dataflow.shared.project import Project

_TABLE = """
create table if not exists runs (
    run_id text primary key, workflow_id text not null, steps text not null, rejected integer,
    ended real
) without rowid
"""
# One that was made before runs had a time, and what finds a workflow's latest.
_TIME = "alter table runs add column ended real"
_COLUMNS = "pragma table_info(runs)"
_LATEST = "create index if not exists latest_runs on runs (workflow_id, ended)"
_LATEST_STEPS = "select steps from runs where workflow_id = ? order by ended desc limit ?"
_NOTE = """
insert into runs (run_id, workflow_id, steps, rejected, ended) values (?, ?, ?, ?, ?)
on conflict (run_id) do update set workflow_id = excluded.workflow_id, steps = excluded.steps,
    rejected = excluded.rejected, ended = excluded.ended
"""
# Of runs that ended without a note, or with one that does not say why.
_ERRORS = "create table if not exists errors (run_id text primary key, error text) without rowid"
_NOTE_ERROR = """
insert into errors (run_id, error) values (?, ?)
on conflict (run_id) do update set error = excluded.error
"""
_SECONDS_TO_WAIT = 10.0
# What SQLite takes as parameters of one statement, with room.
_IDS_AT_ONCE = 500
_LONGEST = 300
# Enough to tell what is usual.
_RUNS_ASKED = 50
_FAULTS = (sqlite3.Error, OSError, DataflowError)

log = get_logger(__name__)


@dataclass(frozen=True)
class RunNote:
    """What a run says of itself at its end.

    Args:
        rejected_rows: Rows that the contract put aside.
    """

    steps: list[Step] = field(default_factory=list)
    rejected_rows: int = 0


class RunLedger:
    """The notes of a project's runs. It may be used by several processes and threads at once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._path = project.state_dir / "runs.sqlite"

    def note(self, run_id: str, workflow_id: str, note: RunNote) -> None:
        """Write down how a run ended; where that cannot be, the run is none the worse for it."""
        steps = json.dumps([_short(step) for step in note.steps])
        said = (run_id, workflow_id, steps, note.rejected_rows, time.time())
        try:
            with self._to_write() as ledger:
                ledger.execute(_NOTE, said)
        except _FAULTS as error:
            log.warning(f"How this run ended is not in {self._name}: {error}")

    def notes(self, run_ids: Sequence[str]) -> dict[str, RunNote]:
        """The notes of some runs, by their ids; runs that have ended without a word have none."""
        found: dict[str, RunNote] = {}
        try:
            with self._to_read() as ledger:
                found |= _notes(ledger, run_ids)
            # Of runs from before the hosts had a history in common.
            missing = [each for each in run_ids if each not in found]
            if self._is_shared and missing and self._path.exists():
                with self._file() as ledger:
                    found |= _notes(ledger, missing)
        except (*_FAULTS, ValueError, TypeError) as error:
            log.warning(f"{self._name} cannot be read: {error}")
        return found

    def usual_seconds(self, workflow_id: str) -> dict[str, float]:
        """How many seconds a workflow's steps take, by their name: the median of the latest runs.

        Those of a run that left the step out, or failed in it, say nothing.
        """
        taken: dict[str, list[float]] = {}
        try:
            with self._to_read() as ledger:
                for (steps,) in ledger.execute(_LATEST_STEPS, (workflow_id, _RUNS_ASKED)):
                    for step in json.loads(steps):
                        is_whole = not step["summary"].startswith(LEFT_OUT)
                        if step["status"] == "succeeded" and is_whole:
                            taken.setdefault(step["name"], []).append(step["seconds"])
        except (*_FAULTS, ValueError, KeyError, TypeError):
            # It is for a guess alone.
            return {}
        return {name: sorted(each)[len(each) // 2] for name, each in taken.items()}

    def note_errors(self, errors: Mapping[str, str]) -> None:
        """Write down why runs failed that could not say it themselves, found out afterwards."""
        found = [(run_id, shortened(error, _LONGEST)) for run_id, error in errors.items()]
        try:
            with self._to_write() as ledger:
                ledger.executemany(_NOTE_ERROR, found)
        except _FAULTS as error:
            log.warning(f"Why runs failed is not in {self._name}: {error}")

    def errors(self, run_ids: Sequence[str]) -> dict[str, str]:
        """What was found out about some runs, by their ids."""
        found: dict[str, str] = {}
        try:
            with self._to_read() as ledger:
                for ids, marks in _groups(run_ids):
                    asked = f"select run_id, error from errors where run_id in ({marks})"  # noqa: S608
                    found |= dict(ledger.execute(asked, ids))
        except _FAULTS as error:
            log.warning(f"{self._name} cannot be read: {error}")
        return found

    def forget(self, run_ids: Iterable[str]) -> None:
        """Take runs out whose history is gone."""
        gone = [(each,) for each in run_ids]
        with self._to_read() as ledger:
            ledger.executemany("delete from runs where run_id = ?", gone)
            ledger.executemany("delete from errors where run_id = ?", gone)

    @contextmanager
    def _to_write(self) -> Iterator[sqlite3.Connection | PostgresLedger]:
        if self._is_shared:
            with self._shared() as shared:
                yield shared
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as ledger, ledger:
            # Another run may end at this moment.
            ledger.execute("begin immediate")
            ledger.execute(_TABLE)
            if "ended" not in {name for _, name, *_ in ledger.execute(_COLUMNS)}:
                ledger.execute(_TIME)
            ledger.execute(_LATEST)
            ledger.execute(_ERRORS)
            yield ledger

    @contextmanager
    def _to_read(self) -> Iterator[sqlite3.Connection | PostgresLedger]:
        with self._shared() if self._is_shared else self._file() as ledger:
            yield ledger

    @contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        """The ledger of this machine; an empty one where there is none, and none is made."""
        with (
            closing(self._open(self._path if self._path.exists() else ":memory:")) as ledger,
            ledger,
        ):
            ledger.execute(_TABLE)
            ledger.execute(_ERRORS)
            yield ledger

    def _shared(self) -> PostgresLedger:
        from dataflow.runs.postgres_ledger import PostgresLedger

        return PostgresLedger(self._project)

    def _open(self, place: Path | str = "") -> sqlite3.Connection:
        ledger = sqlite3.connect(place or self._path, timeout=_SECONDS_TO_WAIT)
        ledger.execute("pragma journal_mode=wal")
        ledger.execute("pragma synchronous=normal")
        return ledger

    @property
    def _is_shared(self) -> bool:
        return bool(self._project.settings.history)

    @property
    def _name(self) -> str:
        return "the history's Postgres" if self._is_shared else self._path.name


def _notes(
    ledger: sqlite3.Connection | PostgresLedger, run_ids: Sequence[str]
) -> dict[str, RunNote]:
    found = {}
    for ids, marks in _groups(run_ids):
        asked = f"select run_id, steps, rejected from runs where run_id in ({marks})"  # noqa: S608
        for run_id, steps, rejected in ledger.execute(asked, ids):
            found[run_id] = RunNote([Step(**step) for step in json.loads(steps)], rejected or 0)
    return found


def _groups(run_ids: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """Ids as parameters of a statement, with the marks that stand for them."""
    for start in range(0, len(run_ids), _IDS_AT_ONCE):
        ids = run_ids[start : start + _IDS_AT_ONCE]
        yield ids, ",".join("?" * len(ids))


def _short(step: Step) -> dict[str, object]:
    kept = asdict(step) | {"traceback": ""}
    return kept | {key: shortened(str(kept[key]), _LONGEST) for key in ("summary", "error")}
