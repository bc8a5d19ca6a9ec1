"""A backfill that somebody cancels while Dagster's daemon works on it stays cancelled.

The daemon reads a backfill, puts runs into the queue, and writes down how far it is, with the
status that it had read: a cancellation in between was answered with yes, and lost
(``dagster._core.execution.job_backfill.execute_job_backfill_iteration``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.runs.schema import BulkActionsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._serdes import serialize_value

if TYPE_CHECKING:
    from collections.abc import Callable

    Update = Callable[[PartitionBackfill], None]


def keeping_cancellation(runs: object, update: Update) -> Update:
    """What a run storage notes a backfill by, so that one being cancelled does not go on.

    Args:
        runs: The storage; of one that keeps no tables nothing is known, and it is left alone.
        update: Its own way.
    """
    if not isinstance(runs, SqlRunStorage):
        return update

    def noted(backfill: PartitionBackfill) -> None:
        if backfill.status != BulkActionStatus.REQUESTED:
            update(backfill)
            return
        canceling = BulkActionStatus.CANCELING
        row = BulkActionsTable.c.key == backfill.backfill_id
        # The database tells which came first: looking and writing are one statement.
        goes_on = BulkActionsTable.update().where(row, BulkActionsTable.c.status != canceling.value)
        with runs.connect() as connection:
            done = connection.execute(
                goes_on.values(status=backfill.status.value, body=serialize_value(backfill))
            )
        if not done.rowcount:
            update(backfill.with_status(canceling))  # type: ignore[no-untyped-call]

    return noted
