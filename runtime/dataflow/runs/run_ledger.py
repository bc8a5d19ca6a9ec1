"""What became of each run, in a few words: in .dataflow/runs.sqlite, written when a run ends.

Dagster keeps the events of each run in a file of its own; lists of runs and metrics would have to
read them all.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from dataflow.runs.model import LEFT_OUT, Step
from dataflow.shared.logging import get_logger
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

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
# Of runs that ended without a note, or with one that does not say why.
_ERRORS = "create table if not exists errors (run_id text primary key, error text) without rowid"
_SECONDS_TO_WAIT = 10.0
# What SQLite takes as parameters of one statement, with room.
_IDS_AT_ONCE = 500
_LONGEST = 300
# Enough to tell what is usual.
_RUNS_ASKED = 50

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
        self._path = _path(project)

    def note(self, run_id: str, workflow_id: str, note: RunNote) -> None:
        """Write down how a run ended; where that cannot be, the run is none the worse for it."""
        steps = [_short(step) for step in note.steps]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as ledger, ledger:
                # Another run may end at this moment.
                ledger.execute("begin immediate")
                ledger.execute(_TABLE)
                if "ended" not in {name for _, name, *_ in ledger.execute(_COLUMNS)}:
                    ledger.execute(_TIME)
                ledger.execute(_LATEST)
                ledger.execute(
                    "insert or replace into runs (run_id, workflow_id, steps, rejected, ended) "
                    "values (?, ?, ?, ?, ?)",
                    (run_id, workflow_id, json.dumps(steps), note.rejected_rows, time.time()),
                )
        except (sqlite3.Error, OSError) as error:
            log.warning(f"How this run ended is not in {self._path.name}: {error}")

    def notes(self, run_ids: Sequence[str]) -> dict[str, RunNote]:
        """The notes of some runs, by their ids; runs that have ended without a word have none."""
        found: dict[str, RunNote] = {}
        if not self._path.exists():
            return found
        try:
            with closing(self._open()) as ledger:
                for start in range(0, len(run_ids), _IDS_AT_ONCE):
                    ids = run_ids[start : start + _IDS_AT_ONCE]
                    marks = ",".join("?" * len(ids))
                    rows = ledger.execute(
                        f"select run_id, steps, rejected from runs where run_id in ({marks})",  # noqa: S608
                        ids,
                    )
                    for run_id, steps, rejected in rows:
                        made = [Step(**step) for step in json.loads(steps)]
                        found[run_id] = RunNote(made, rejected or 0)
        except (sqlite3.Error, ValueError, TypeError) as error:
            log.warning(f"{self._path.name} cannot be read: {error}")
        return found

    def usual_seconds(self, workflow_id: str) -> dict[str, float]:
        """How many seconds a workflow's steps take, by their name: the median of the latest runs.

        Those of a run that left the step out, or failed in it, say nothing.
        """
        taken: dict[str, list[float]] = {}
        if not self._path.exists():
            return {}
        try:
            with closing(self._open()) as ledger:
                for (steps,) in ledger.execute(_LATEST_STEPS, (workflow_id, _RUNS_ASKED)):
                    for step in json.loads(steps):
                        is_whole = not step["summary"].startswith(LEFT_OUT)
                        if step["status"] == "succeeded" and is_whole:
                            taken.setdefault(step["name"], []).append(step["seconds"])
        except (sqlite3.Error, ValueError, KeyError, TypeError):
            # It is for a guess alone.
            return {}
        return {name: sorted(each)[len(each) // 2] for name, each in taken.items()}

    def note_errors(self, errors: Mapping[str, str]) -> None:
        """Write down why runs failed that could not say it themselves, found out afterwards."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as ledger, ledger:
                ledger.execute(_ERRORS)
                found = [(run_id, shortened(error, _LONGEST)) for run_id, error in errors.items()]
                ledger.executemany("insert or replace into errors values (?, ?)", found)
        except (sqlite3.Error, OSError) as error:
            log.warning(f"Why runs failed is not in {self._path.name}: {error}")

    def errors(self, run_ids: Sequence[str]) -> dict[str, str]:
        """What was found out about some runs, by their ids."""
        found: dict[str, str] = {}
        if not self._path.exists():
            return found
        try:
            with closing(self._open()) as ledger, ledger:
                ledger.execute(_ERRORS)
                for start in range(0, len(run_ids), _IDS_AT_ONCE):
                    ids = run_ids[start : start + _IDS_AT_ONCE]
                    marks = ",".join("?" * len(ids))
                    asked = f"select run_id, error from errors where run_id in ({marks})"  # noqa: S608
                    found |= dict(ledger.execute(asked, ids))
        except sqlite3.Error as error:
            log.warning(f"{self._path.name} cannot be read: {error}")
        return found

    def forget(self, run_ids: Iterable[str]) -> None:
        """Take runs out whose history is gone."""
        if not self._path.exists():
            return
        with closing(self._open()) as ledger, ledger:
            ledger.execute(_TABLE)
            ledger.execute(_ERRORS)
            gone = [(each,) for each in run_ids]
            ledger.executemany("delete from runs where run_id = ?", gone)
            ledger.executemany("delete from errors where run_id = ?", gone)

    def _open(self) -> sqlite3.Connection:
        ledger = sqlite3.connect(self._path, timeout=_SECONDS_TO_WAIT)
        ledger.execute("pragma journal_mode=wal")
        ledger.execute("pragma synchronous=normal")
        return ledger


def _path(project: Project) -> Path:
    return project.state_dir / "runs.sqlite"


def _short(step: Step) -> dict[str, object]:
    kept = asdict(step) | {"traceback": ""}
    return kept | {key: shortened(str(kept[key]), _LONGEST) for key in ("summary", "error")}
