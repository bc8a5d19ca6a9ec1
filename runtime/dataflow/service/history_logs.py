"""The logs of runs, read from Dagster's history on this machine: no service is needed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dataflow.service.log_search import SearchedRun
from dataflow.service.run_answers import LogEntry, RunLog
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from dagster import DagsterInstance, EventLogEntry


class HistoryLogs:
    """What a log search asks of a service, answered from a history."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance

    def runs(
        self,
        tags: dict[str, str] | None = None,
        statuses: list[str] | None = None,  # noqa: ARG002 - a search asks for all
        limit: int = 50,
        after: str | None = None,
    ) -> list[SearchedRun]:
        """Runs, the newest first."""
        from dagster import RunsFilter

        records = self._instance.get_run_records(RunsFilter(tags=tags or {}), limit, cursor=after)
        return [SearchedRun(r.dagster_run.run_id, r.create_timestamp) for r in records]

    def log(self, run_id: str, after: str | None = None, limit: int = 500) -> RunLog:  # noqa: ARG002
        """All that a run has logged."""
        return RunLog([_entry(each) for each in self._instance.all_logs(run_id)], "", False)


def _entry(entry: EventLogEntry) -> LogEntry:
    event = entry.dagster_event
    error = entry.error_info
    if error is None and event is not None and event.is_step_failure:
        error = event.step_failure_data.error
    message = entry.message
    if error is not None:
        message = f"{message}\n{(error.cause or error).message.strip()}"
    level = entry.level if isinstance(entry.level, int) else logging.INFO
    return LogEntry(
        datetime.fromtimestamp(entry.timestamp, UTC),
        logging.getLevelName(level).lower(),
        entry.step_key,
        redact(message),
    )
