"""Cancelling many runs at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.model import dagster_statuses
from dataflow.service.dagster_errors import RunEndedError
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.runs.model import RunStatus
    from dataflow.service.dagster_backfills import DagsterBackfills
    from dataflow.service.dagster_runs import DagsterRuns

OpenStatus = Literal["queued", "running", "canceling"]
_RUNS_AT_ONCE = 500


@dataclass(frozen=True)
class CancelledRun:
    """What became of one run.

    Args:
        error: Why it could not be cancelled, if it could not.
    """

    run_id: str
    workflow_id: str
    status: RunStatus | None
    error: str = ""


@dataclass(frozen=True)
class Cancelled:
    """What was asked to end.

    Args:
        backfills: Their ids; what of their runs is not listed ends with them.
    """

    runs: list[CancelledRun]
    backfills: list[str]


def cancel_runs(
    dagster: DagsterBackfills,
    *,
    workflow_id: str | None,
    statuses: Sequence[OpenStatus],
    run_ids: list[str],
    force: bool = False,
) -> Cancelled:
    """Ask for the end of runs; those that wait go first, so that none of them starts meanwhile.

    Where all that wait and run are meant, so are backfills: theirs would begin in their place.

    Args:
        workflow_id: Only of this workflow; ``None``: of all.
        statuses: Only those that are in one of these.
        run_ids: These and no others; empty: all that the other arguments leave.
        force: As of `DagsterRuns.cancel`.
    """
    backfills: list[str] = []
    if not run_ids and {"queued", "running"} <= set(statuses):
        backfills = dagster.cancel_backfills(workflow_id)
    waiting = {run.run_id for run in dagster.runs_by_id(run_ids) if run.status == "queued"}
    in_order = sorted(run_ids, key=lambda run_id: run_id not in waiting)
    chosen: dict[str, str] = dict.fromkeys(in_order, workflow_id or "")
    if not run_ids:
        tags = {WORKFLOW_TAG: workflow_id} if workflow_id else None
        for status in sorted(statuses, key=lambda each: each != "queued"):
            names = dagster_statuses(status)
            after: str | None = None
            while True:
                page = dagster.runs(tags, names, _RUNS_AT_ONCE, after)
                chosen |= {run.run_id: run.workflow_id for run in page}
                if len(page) < _RUNS_AT_ONCE:
                    break
                after = page[-1].run_id
    ended = {
        run_id: _cancel(dagster, run_id, known, force=force, was_open=not run_ids)
        for run_id, known in chosen.items()
    }
    return Cancelled([ended[run_id] for run_id in dict.fromkeys(run_ids or chosen)], backfills)


def _cancel(
    dagster: DagsterRuns, run_id: str, workflow_id: str, *, force: bool, was_open: bool
) -> CancelledRun:
    try:
        run = dagster.cancel(run_id, force=force)
    except RunEndedError as error:
        ended = dagster.status(run_id).status
        # Its backfill, cancelled before, may have been quicker.
        is_done = was_open and ended == "canceled"
        return CancelledRun(run_id, workflow_id, ended, "" if is_done else error.reason)
    except DataflowError as error:
        return CancelledRun(run_id, workflow_id, None, error.reason)
    return CancelledRun(run_id, run.workflow_id, run.status)
