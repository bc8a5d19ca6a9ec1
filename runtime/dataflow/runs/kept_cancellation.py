"""A backfill that somebody cancels while Dagster's daemon works on it stays cancelled.

The daemon reads a backfill, puts runs into the queue, and writes down how far it is, with the
status that it had read: a cancellation in between was answered with yes, and lost
(``dagster._core.execution.job_backfill.execute_job_backfill_iteration``). And one that has ended by
itself meanwhile keeps its end: so does one whose runs had, before the daemon looked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionStatus,
    PartitionBackfill,
)
from dagster._core.storage.runs.schema import BulkActionsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._serdes import serialize_value

from dataflow.runs.dagster_names import PARTITION_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Update = Callable[[PartitionBackfill], None]


def keeping_cancellation(runs: object, update: Update) -> Update:
    """What a run storage notes a backfill by, so that its cancellation and its end are kept.

    Args:
        runs: The storage; of one that keeps no tables nothing is known, and it is left alone.
        update: Its own way.
    """
    if not isinstance(runs, SqlRunStorage):
        return update
    requested, canceling = BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING

    def unless(backfill: PartitionBackfill, kept: Collection[BulkActionStatus]) -> bool:
        """Note it, unless its status is one of some; whether that was done."""
        row = BulkActionsTable.c.key == backfill.backfill_id
        statuses = [status.value for status in kept]
        # The database tells which came first: looking and writing are one statement.
        goes_on = BulkActionsTable.update().where(row, BulkActionsTable.c.status.not_in(statuses))
        with runs.connect() as connection:
            done = connection.execute(
                goes_on.values(status=backfill.status.value, body=serialize_value(backfill))
            )
        return bool(done.rowcount)

    def noted(backfill: PartitionBackfill) -> None:
        if backfill.status == requested:
            if not unless(backfill, [canceling]):
                update(backfill.with_status(canceling))  # type: ignore[no-untyped-call]
        elif backfill.status == canceling:
            unless(backfill, BULK_ACTION_TERMINAL_STATUSES)
        elif backfill.status == BulkActionStatus.CANCELED:
            update(backfill.with_status(_end(runs, backfill)))  # type: ignore[no-untyped-call]
        else:
            update(backfill)

    return noted


def _end(runs: SqlRunStorage, backfill: PartitionBackfill) -> BulkActionStatus:
    """How a backfill ended whose cancellation is through: perhaps nothing was left to cancel."""
    tags = DagsterRun.tags_for_backfill_id(backfill.backfill_id)
    made = runs.get_runs(RunsFilter(tags=tags))
    begun = {run.tags.get(PARTITION_TAG) for run in made}
    ends = {run.status for run in made}
    wanted = set(backfill.partition_names or ())
    if not wanted or wanted - begun or DagsterRunStatus.CANCELED in ends:
        return BulkActionStatus.CANCELED
    if DagsterRunStatus.FAILURE in ends:
        return BulkActionStatus.COMPLETED_FAILED
    return BulkActionStatus.COMPLETED_SUCCESS
