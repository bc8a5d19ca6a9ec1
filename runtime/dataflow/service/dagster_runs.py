"""The runs that a running Dagster knows, over its GraphQL interface."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.runs.run_ledger import RunLedger
from dataflow.service import graphql
from dataflow.service.dagster_errors import (
    BadCursorError,
    DagsterError,
    DagsterUnavailableError,
    RunEndedError,
    RunNotFoundError,
)
from dataflow.service.graphql_answer import expected
from dataflow.service.graphql_client import GraphQLClient
from dataflow.service.history_server import check_known_history
from dataflow.service.run_answers import RunLog, parse_log, parse_run

if TYPE_CHECKING:
    from dataflow.runs.model import Run
    from dataflow.shared.project import Project

_EVENTS_AT_ONCE = 1000
# Dagster itself goes on trying for longer to reach a history that is away.
_SECONDS_TO_LOOK = 2.0
# A run that is being started cannot be ended by Dagster, and it is started soon.
_SECONDS_TO_START, _SECONDS_BETWEEN_LOOKS = 30.0, 0.2


class DagsterRuns:
    """Looks at runs, and ends them. It may be used by several threads at once.

    Every call raises `DagsterUnavailableError` where nobody answers, and `DagsterError` where
    Dagster answers with a fault of its own.

    Args:
        url: Where its webserver is. Default: as the settings say.
    """

    def __init__(self, project: Project, url: str | None = None) -> None:
        self.project = project
        self.url = (url or project.settings.dagster_url).rstrip("/")
        self._graphql = GraphQLClient(self.url)
        self._ledger = RunLedger(project)

    def close(self) -> None:
        """Give up the connections."""
        self._graphql.close()

    def run(self, run_id: str) -> Run:
        """A run with its steps.

        Raises:
            RunNotFoundError: Dagster knows no such run.
        """
        answer = self._look(graphql.RUN, "runOrError", runId=run_id, limit=_EVENTS_AT_ONCE)
        page = expected(answer, "Run", run_id)["eventConnection"]
        events = list(page["events"])
        while page["hasMore"]:
            page = self._events(graphql.MORE_EVENTS, run_id, page["cursor"], _EVENTS_AT_ONCE)
            events += page["events"]
        return parse_run(answer, self.project, events)

    def status(self, run_id: str) -> Run:
        """A run without its steps: cheap enough to ask for again and again.

        Raises:
            RunNotFoundError: Dagster knows no such run.
        """
        answer = self._look(graphql.STATUS, "runOrError", runId=run_id)
        return parse_run(expected(answer, "Run", run_id), self.project)

    def runs(
        self,
        tags: dict[str, str] | None = None,
        statuses: list[str] | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> list[Run]:
        """Runs, the newest first, with what they have noted of their steps.

        Args:
            statuses: Dagster's names of the statuses that they have.
            after: The id of the run after which to go on.
        """
        wanted = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        query = {"tags": wanted, **({"statuses": statuses} if statuses else {})}
        return self._runs(query, limit, after)

    def with_errors(self, runs: list[Run]) -> list[Run]:
        """The same runs, those that failed before their steps with the reason.

        A run that failed in its steps has noted why. Of any other the events know it, which are
        read once and the reason kept.
        """
        silent = [run.run_id for run in runs if run.status == "failed" and not run.whole_error]
        known = self._ledger.errors(silent) if silent else {}
        found = {each: self._why(each) for each in silent if each not in known}
        if found:
            self._ledger.note_errors(found)
        known |= found
        return [replace(run, error=known.get(run.run_id, run.error)) for run in runs]

    def runs_by_id(self, run_ids: list[str]) -> list[Run]:
        """Those of some runs that Dagster knows, with what they have noted of their steps."""
        return self._runs({"runIds": run_ids}, len(run_ids)) if run_ids else []

    def _runs(self, query: dict[str, Any], limit: int, after: str | None = None) -> list[Run]:
        answer = self._look(graphql.RUNS, "runsOrError", filter=query, cursor=after, limit=limit)
        runs = [parse_run(run, self.project) for run in expected(answer, "Runs")["results"]]
        notes = self._ledger.notes([run.run_id for run in runs if run.is_over])
        return [
            replace(run, steps=notes[run.run_id].steps) if run.run_id in notes else run
            for run in runs
        ]

    def _why(self, run_id: str) -> str:
        try:
            return self.run(run_id).error
        except RunNotFoundError:
            # It has been taken out of the history since the list was made.
            return ""

    def log(self, run_id: str, after: str | None = None, limit: int = 500) -> RunLog:
        """What a run has logged.

        Args:
            after: The cursor of an earlier answer, to go on from there.
            limit: How many events to look at.

        Raises:
            RunNotFoundError: Dagster knows no such run.
            BadCursorError: ``after`` comes from no earlier answer.
        """
        try:
            return parse_log(self._events(graphql.LOG, run_id, after, limit))
        except DagsterError as error:
            if after is None:
                raise
            raise BadCursorError(
                "The cursor is not one of this log.", "Send `cursor` of an earlier answer."
            ) from error

    def cancel(self, run_id: str, *, force: bool = False) -> Run:
        """Ask for the end of a run; one that waits in the queue ends at once.

        Args:
            force: Mark it as cancelled even if its process cannot be reached.

        Raises:
            RunNotFoundError: Dagster knows no such run.
            RunEndedError: It has ended already, or a process that Dagster did not start has it.
        """
        run = self.status(run_id)
        if run.is_over:
            raise RunEndedError(
                f"The run {run_id} has ended already: {run.status}.", "There is nothing to cancel."
            )
        holder = run.executed_by
        if holder and not force:
            raise RunEndedError(
                f"The run {run_id} is executed by {holder}, not by Dagster.",
                "Press Ctrl-C there, or end that process.",
            )
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE"
        answer = self._terminated(run, policy)
        if answer["__typename"] == "TerminateRunFailure":
            run = self.status(run_id)
            if not run.is_over:
                raise RunEndedError(
                    f"The run {run_id} could not be cancelled: {answer['message']}",
                    "If its process is gone, cancel it with force=true.",
                )
            return run
        expected(answer, "TerminateRunSuccess")
        return self.status(run_id)

    def _terminated(self, run: Run, policy: str) -> dict[str, Any]:
        """Dagster's answer; one that is just being started is asked again until it runs.

        What counts is how the run was before it was asked: it may start before the next look.
        """
        run_id = run.run_id
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            answer = self._graphql.ask(graphql.CANCEL, "terminateRun", runId=run_id, policy=policy)
            is_starting = run.status in ("queued", "running") and run.started_at is None
            if (
                answer["__typename"] != "TerminateRunFailure"
                or not is_starting
                or time.monotonic() > deadline
            ):
                return answer
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            run = self.status(run_id)

    def _events(self, query: str, run_id: str, after: str | None, limit: int) -> dict[str, Any]:
        answer = self._look(query, "logsForRun", runId=run_id, after=after, limit=limit)
        return expected(answer, "EventConnection", run_id)

    def _look(self, query: str, field: str, **variables: Any) -> dict[str, Any]:
        """The answer to a query of the history; one that is away is told of soon.

        Raises:
            HistoryDownError: It is in a Postgres that cannot be reached.
        """
        if self.project.settings.history:
            try:
                return self._graphql.ask(query, field, seconds=_SECONDS_TO_LOOK, **variables)
            except DagsterUnavailableError:
                check_known_history(self.project)
        return self._graphql.ask(query, field, **variables)
