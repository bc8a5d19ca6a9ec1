"""A running Dagster, over its GraphQL interface: what there is to run, and runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.runs.dagster_names import (
    LOCATION_NAME,
    PART_TAG,
    PARTITION_TAG,
    REPOSITORY_NAME,
    WORKFLOW_TAG,
)
from dataflow.runs.run_part import check_parts
from dataflow.runs.run_request import RunRequest, check_partition, merged
from dataflow.service import graphql
from dataflow.service.backfills import Backfill, parse_backfill
from dataflow.service.dagster_errors import (
    BackfillNotFoundError,
    BadCursorError,
    BadRunConfigError,
    DagsterError,
    DagsterUnavailableError,
    RunEndedError,
    RunNotFoundError,
)
from dataflow.service.graphql_client import GraphQLClient
from dataflow.service.jobs import Health, Job, parse_job, parse_schedule
from dataflow.service.run_answers import RunLog, parse_log, parse_run
from dataflow.workflows.registry import (
    BrokenWorkflowError,
    WorkflowNotFoundError,
    list_workflow_ids,
)

if TYPE_CHECKING:
    from dataflow.runs.model import Run
    from dataflow.runs.run_request import PartitionRange
    from dataflow.shared.project import Project

_SECONDS_OF_MEMORY = 3.0
# Dagster writes each run into its history; more at once only wait for each other there.
_LAUNCHES_AT_ONCE = 8
# The daemon says every 30 seconds that it is alive; Dagster itself lets it be silent for minutes.
_SECONDS_OF_SILENCE = 90.0
# Loading a project's workflows anew is dear, and asking for what is not there must not cause it.
_SECONDS_BETWEEN_RELOADS = 10.0
_EVENTS_AT_ONCE = 1000


class Dagster:
    """A client of one project's running Dagster. It may be used by several threads at once.

    Every call raises `DagsterUnavailableError` where nobody answers, and `DagsterError` where
    Dagster answers with a fault of its own.

    Args:
        url: Where its webserver is. Default: as the settings say.
    """

    def __init__(self, project: Project, url: str | None = None) -> None:
        self.project = project
        self.url = (url or project.settings.dagster_url).rstrip("/")
        self._graphql = GraphQLClient(self.url)
        self._reloaded_at = float("-inf")
        self._known: tuple[float, dict[str, Job]] = (float("-inf"), {})
        self._looking = threading.Lock()
        self._launching = threading.BoundedSemaphore(_LAUNCHES_AT_ONCE)

    def close(self) -> None:
        """Give up the connections."""
        self._graphql.close()

    def jobs(self) -> dict[str, Job]:
        """The workflows that Dagster has loaded, by id.

        Raises:
            DagsterUnavailableError: It does not answer, or could not load the project.
        """
        found = self._graphql.ask(graphql.JOBS, "repositoryOrError", selector=_REPOSITORY)
        if found["__typename"] != "Repository":
            raise DagsterUnavailableError(
                "Dagster is up but has not loaded this project's workflows"
                f"{': ' + found['message'] if found.get('message') else ''}.",
                f"See why at {self.url}/locations, then reload the location there.",
            )
        # Of several, the one that config.yaml asks for.
        by_name = sorted(found["schedules"], key=lambda s: s["name"] in _own_names(found["jobs"]))
        schedules = {s["pipelineName"]: parse_schedule(s) for s in by_name}
        jobs = [parse_job(job, schedules.get(job["name"])) for job in found["jobs"]]
        return {job.workflow_id: job for job in jobs if job is not None}

    def job(self, workflow_id: str) -> Job:
        """A workflow that can be run.

        If it was made after Dagster started, Dagster is told to look again.

        Raises:
            WorkflowNotFoundError: The project has no such workflow.
            BrokenWorkflowError: It cannot be loaded.
        """
        found = self._known_jobs().get(workflow_id)
        if found is None:
            ids = list_workflow_ids(self.project)
            if workflow_id not in ids:
                raise WorkflowNotFoundError(
                    f"There is no workflow {workflow_id!r}.",
                    f"The project has: {', '.join(ids[:20])}{', ...' if len(ids) > 20 else ''}."
                    if ids
                    else "It has no workflow yet; make one with `dataflow workflow new`.",
                )
            self._reload()
            found = self.jobs().get(workflow_id)
        elif found.broken:
            # It may have been fixed, and reloaded, a moment ago.
            found = self.jobs().get(workflow_id)
        if found is None:
            raise DagsterUnavailableError(
                f"Dagster has not loaded {workflow_id!r} yet.",
                f"Reload it at {self.url}/locations.",
            )
        if found.broken:
            raise BrokenWorkflowError(
                found.broken, f"Fix it, then reload it at {self.url}/locations."
            )
        return found

    def launch(self, workflow_id: str, asked: RunRequest, tags: dict[str, str]) -> Run:
        """Put a run into Dagster's queue.

        Args:
            asked: Run config and partition; most jobs have none.
            tags: Tags of the run, beside those of the job.

        Raises:
            WorkflowNotFoundError: The project has no such workflow.
            BrokenWorkflowError: It cannot be loaded.
            BadRunConfigError: The job does not take that config.
            RunRequestError: It has no such partition or part, or needs a partition.
        """
        job = self.job(workflow_id)
        check_parts(self.project, workflow_id, tags)
        run_config = asked.config
        if PART_TAG not in tags:
            run_config, of_partition = self._for_partition(job, asked)
            tags = {**tags, **of_partition}
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        params = {
            "selector": {**_REPOSITORY, "jobName": job.name},
            "runConfigData": run_config,
            "executionMetadata": metadata,
        }
        with self._launching:
            answer = self._graphql.ask(graphql.LAUNCH, "launchRun", params=params)
        if answer["__typename"] == "RunConfigValidationInvalid":
            raise BadRunConfigError(workflow_id, [fault["message"] for fault in answer["errors"]])
        return parse_run(_expected(answer, "LaunchRunSuccess")["run"], self.project)

    def run(self, run_id: str) -> Run:
        """A run with its steps.

        Raises:
            RunNotFoundError: Dagster knows no such run.
        """
        answer = self._graphql.ask(graphql.RUN, "runOrError", runId=run_id, limit=_EVENTS_AT_ONCE)
        page = _expected(answer, "Run", run_id)["eventConnection"]
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
        answer = self._graphql.ask(graphql.STATUS, "runOrError", runId=run_id)
        return parse_run(_expected(answer, "Run", run_id), self.project)

    def runs(
        self,
        tags: dict[str, str] | None = None,
        statuses: list[str] | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> list[Run]:
        """Runs, the newest first.

        Args:
            statuses: Dagster's names of the statuses that they have.
            after: The id of the run after which to go on.
        """
        wanted = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        query = {"tags": wanted, **({"statuses": statuses} if statuses else {})}
        answer = self._graphql.ask(
            graphql.RUNS, "runsOrError", filter=query, cursor=after, limit=limit
        )
        return [parse_run(run, self.project) for run in _expected(answer, "Runs")["results"]]

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
        answer = self._graphql.ask(graphql.CANCEL, "terminateRun", runId=run_id, policy=policy)
        if answer["__typename"] == "TerminateRunFailure":
            run = self.status(run_id)
            if not run.is_over:
                raise RunEndedError(
                    f"The run {run_id} could not be cancelled: {answer['message']}",
                    "If its process is gone, cancel it with force=true.",
                )
            return run
        _expected(answer, "TerminateRunSuccess")
        return self.status(run_id)

    def launch_backfill(self, workflow_id: str, asked: PartitionRange) -> Backfill:
        """Have Dagster's daemon run a workflow for many partitions.

        Raises:
            WorkflowNotFoundError: The project has no such workflow.
            BrokenWorkflowError: It cannot be loaded.
            RunRequestError: It has no partitions, or none of these.
        """
        job = self.job(workflow_id)
        selector = {**_REPOSITORY, "pipelineName": job.name}
        answer = self._graphql.ask(graphql.PARTITION, "pipelineOrError", selector=selector, key="")
        known = _expected(answer, "Pipeline")["partitionKeysOrError"]["partitionKeys"]
        keys = asked.keys(workflow_id, known if job.is_partitioned else None)
        params = {
            "selector": {
                "partitionSetName": f"{job.name}_partition_set",
                "repositorySelector": _REPOSITORY,
            },
            "partitionNames": keys,
            "tags": [{"key": WORKFLOW_TAG, "value": workflow_id}],
        }
        answer = self._graphql.ask(graphql.BACKFILL, "launchPartitionBackfill", params=params)
        return self.backfill(_expected(answer, "LaunchBackfillSuccess")["backfillId"])

    def backfill(self, backfill_id: str) -> Backfill:
        """A backfill with its runs.

        Raises:
            BackfillNotFoundError: Dagster knows no such backfill.
        """
        answer = self._graphql.ask(
            graphql.BACKFILL_STATUS, "partitionBackfillOrError", id=backfill_id
        )
        if answer["__typename"] == "BackfillNotFoundError":
            raise BackfillNotFoundError(
                f"There is no backfill {backfill_id!r}.", "Dagster's UI lists those there are."
            )
        return parse_backfill(_expected(answer, "PartitionBackfill"))

    def health(self) -> Health:
        """How Dagster does."""
        answer = self._graphql.ask(graphql.HEALTH)
        daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        beats = [
            status["lastHeartbeatTime"]
            for status in daemons
            if status["lastHeartbeatTime"] and status["daemonType"] == "QUEUED_RUN_COORDINATOR"
        ]
        # `healthy` stays true for minutes after the daemon has gone.
        silent = max(0.0, time.time() - max(beats)) if beats else None
        alive = silent is not None and silent < _SECONDS_OF_SILENCE
        return Health(answer["version"], alive, silent)

    def _for_partition(self, job: Job, asked: RunRequest) -> tuple[dict[str, Any], dict[str, str]]:
        """The run config, with that of the partition, and the partition's tags."""
        key = asked.partition
        if not job.is_partitioned:
            check_partition(job.name, key, None)
            return asked.config, {}
        selector = {**_REPOSITORY, "pipelineName": job.name}
        answer = self._graphql.ask(
            graphql.PARTITION, "pipelineOrError", selector=selector, key=key or ""
        )
        found = _expected(answer, "Pipeline")
        check_partition(job.name, key, found["partitionKeysOrError"]["partitionKeys"])
        of_key = found["partition"]
        config = yaml.safe_load(_expected(of_key["runConfigOrError"], "PartitionRunConfig")["yaml"])
        tags = _expected(of_key["tagsOrError"], "PartitionTags")["results"]
        # Dagster's own tags are hidden there, and it knows a run's partition by one.
        known = {tag["key"]: tag["value"] for tag in tags}
        return merged(config or {}, asked.config), {**known, PARTITION_TAG: str(key)}

    def _known_jobs(self) -> dict[str, Job]:
        """The workflows as they were a moment ago, so that many launches ask once."""
        with self._looking:
            seen_at, jobs = self._known
            if time.monotonic() - seen_at > _SECONDS_OF_MEMORY:
                jobs = self.jobs()
                self._known = (time.monotonic(), jobs)
            return jobs

    def _reload(self) -> None:
        with self._looking:
            if time.monotonic() - self._reloaded_at > _SECONDS_BETWEEN_RELOADS:
                self._graphql.ask(graphql.RELOAD, location=LOCATION_NAME)
                self._reloaded_at = time.monotonic()
                self._known = (float("-inf"), {})

    def _events(self, query: str, run_id: str, after: str | None, limit: int) -> dict[str, Any]:
        answer = self._graphql.ask(query, "logsForRun", runId=run_id, after=after, limit=limit)
        return _expected(answer, "EventConnection", run_id)


def _own_names(jobs: list[dict[str, Any]]) -> set[str]:
    """The names of the schedules that config.yaml files ask for."""
    parsed = (parse_job(job, None) for job in jobs)
    return {f"{job.workflow_id}_schedule" for job in parsed if job is not None}


_REPOSITORY = {"repositoryName": REPOSITORY_NAME, "repositoryLocationName": LOCATION_NAME}


def _expected(answer: dict[str, Any], kind: str, run_id: str = "") -> dict[str, Any]:
    """An answer, if it is of the kind that means that all went well."""
    if answer["__typename"] == kind:
        return answer
    if answer["__typename"] == "RunNotFoundError":
        raise RunNotFoundError(
            f"There is no run {run_id!r}.",
            "GET /api/v1/runs, or Dagster's UI, lists those there are.",
        )
    raise DagsterError(
        f"Dagster refused: {answer.get('message') or answer['__typename']}",
        "See the log of `dataflow up`, or of Dagster's webserver.",
    )
