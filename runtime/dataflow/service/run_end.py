"""The end of a run whose process is gone, or may be, when somebody else writes into its history.

Whoever cancels a run or finds its process gone has looked at its status before. Its last word may
have come in between: then that counts, whatever was written after it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance


def close_run(instance: DagsterInstance, run_id: str, reason: str = "") -> bool:
    """End a run whose process is gone: as that has said, else as canceled or failed.

    Args:
        reason: Why it failed, if it was not being cancelled.

    Returns:
        Whether it had not said itself how it ended.
    """
    from dagster import DagsterRunStatus

    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished or keep_end(instance, run_id):
        return False
    if run.status == DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run)
    else:
        instance.report_run_failed(run, reason or None)
    return True


def keep_end(instance: DagsterInstance, run_id: str) -> bool:
    """Give a run the status back with which it ended; false if it has not ended yet."""
    from dagster import DagsterEventType

    ends = {DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE}
    records = instance.get_records_for_run(run_id, of_type=ends).records
    for record in records[-1:]:
        entry = record.event_log_entry
        run = instance.get_run_by_id(run_id)
        if entry.dagster_event is not None and run is not None and not run.is_finished:
            ended_at = datetime.fromtimestamp(entry.timestamp, UTC)
            instance.run_storage.handle_run_event(run_id, entry.dagster_event, ended_at)
    return bool(records)
