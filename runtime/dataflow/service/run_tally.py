"""How many runs of each workflow ended how, with how many rows and in how long: for metrics."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.runs.run_ledger import RunLedger

if TYPE_CHECKING:
    from datetime import datetime

    from dataflow.runs.model import Run
    from dataflow.service.dagster_client import Dagster

_RUNS_AT_ONCE = 500
# Since the last look there are few, and Dagster takes as long for each as for one that is new.
_RUNS_AT_FIRST = 25
# In seconds; each bucket holds the shorter ones, too.
BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)


@dataclass
class WorkflowTally:
    """What is known of the runs of one workflow.

    Args:
        ended: How many ended in which status.
        seconds: How long those took that were executed, all together.
        buckets: How many of these took at most the seconds of ``BUCKETS``.
        under_way: How many are in which status now.
        last_success: When the last good one ended.
        last: The last one that ended.
    """

    ended: dict[str, int] = field(default_factory=dict)
    executed: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    rows: int = 0
    rejected_rows: int = 0
    under_way: dict[str, int] = field(default_factory=dict)
    last_success: datetime | None = None
    last: Run | None = None

    def add(self, run: Run, rejected_rows: int) -> None:
        """Count a run that is over."""
        self.ended[run.status] = self.ended.get(run.status, 0) + 1
        if run.seconds is not None:
            self.executed += 1
            self.seconds += run.seconds
            for number, longest in enumerate(BUCKETS):
                self.buckets[number] += run.seconds <= longest
        self.rejected_rows += rejected_rows
        ended_at = run.ended_at or run.created_at
        if run.success:
            self.rows += run.rows or 0
            self.last_success = max(self.last_success or ended_at, ended_at)
        if self.last is None or ended_at >= (self.last.ended_at or self.last.created_at):
            self.last = run


class RunTally:
    """Counts the runs of a project's history, each once. Several threads may ask at once.

    The first time it reads the whole history, then what is new. Counts begin anew with the
    process, as those of every exporter do.
    """

    def __init__(self, dagster: Dagster) -> None:
        self._dagster = dagster
        self._ledger = RunLedger(dagster.project)
        self._lock = threading.Lock()
        self._counted: set[str] = set()
        self._open: set[str] = set()
        self._newest = ""
        self._known: dict[str, WorkflowTally] = {}

    def workflows(self) -> dict[str, WorkflowTally]:
        """The tallies by workflow, as of now.

        Raises:
            DagsterUnavailableError: Dagster does not answer.
        """
        with self._lock:
            self._read_on()
            return dict(self._known)

    def _read_on(self) -> None:
        runs = self._new_runs()
        if runs:
            self._newest = runs[0].run_id
        seen = {run.run_id for run in runs}
        # A backfill leaves many in the queue.
        earlier = sorted(self._open - seen)
        for at in range(0, len(earlier), _RUNS_AT_ONCE):
            runs += self._dagster.runs_by_id(earlier[at : at + _RUNS_AT_ONCE])
        over = [run for run in runs if run.is_over and run.run_id not in self._counted]
        notes = self._ledger.notes([run.run_id for run in over])
        for run in over:
            note = notes.get(run.run_id)
            self._of(run).add(run, note.rejected_rows if note else 0)
            self._counted.add(run.run_id)
        self._open = set()
        for tally in self._known.values():
            tally.under_way = {}
        for run in runs:
            if not run.is_over:
                self._open.add(run.run_id)
                under_way = self._of(run).under_way
                under_way[run.status] = under_way.get(run.status, 0) + 1

    def _new_runs(self) -> list[Run]:
        """The runs since the newest that was seen; it included, for it may not have been over."""
        found: list[Run] = []
        after: str | None = None
        limit = _RUNS_AT_FIRST if self._newest else _RUNS_AT_ONCE
        while True:
            page = self._dagster.runs(limit=limit, after=after)
            for run in page:
                found.append(run)
                if run.run_id == self._newest:
                    return found
            if len(page) < limit:
                return found
            after, limit = page[-1].run_id, _RUNS_AT_ONCE

    def _of(self, run: Run) -> WorkflowTally:
        return self._known.setdefault(run.workflow_id, WorkflowTally())
