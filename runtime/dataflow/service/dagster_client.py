"""A running Dagster, over its GraphQL interface: what there is to run, and runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import yaml

from dataflow.runs.dagster_names import PARTITION_TAG, WORKFLOW_TAG
from dataflow.runs.part_check import check_parts
from dataflow.runs.run_part import is_on_what_is_loaded
from dataflow.runs.run_request import RunRequest, check_partition, merged
from dataflow.service import graphql
from dataflow.service.dagster_backfills import DagsterBackfills
from dataflow.service.dagster_errors import (
    BadRunConfigError,
    DagsterError,
    DagsterUnavailableError,
)
from dataflow.service.graphql_answer import expected, repository
from dataflow.service.jobs import Health, Job, parse_job, parse_schedule
from dataflow.service.patience import check_not_stopped, with_patience
from dataflow.service.run_answers import parse_run
from dataflow.service.service_lock import is_up
from dataflow.shared.shown import shortened
from dataflow.workflows.registry import (
    BrokenWorkflowError,
    WorkflowNotFoundError,
    list_workflow_ids,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.runs.model import Run
    from dataflow.runs.run_request import PartitionRange
    from dataflow.service.backfills import Backfill
    from dataflow.shared.project import Project

Launched = TypeVar("Launched")

_SECONDS_OF_MEMORY = 3.0
# Dagster writes each run into its history; more at once only wait for each other there.
_LAUNCHES_AT_ONCE = 8
# The daemon says every 30 seconds that it is alive; Dagster itself lets it be silent for minutes.
_SECONDS_OF_SILENCE = 90.0
# Loading a project's workflows anew is dear, and asking for what is not there must not cause it.
_SECONDS_BETWEEN_RELOADS = 10.0
_SECONDS_FOR_HEALTH = 5.0
_SECONDS_TO_RELOAD = 300.0
# Dagster shows tags that begin so to nobody.
_LAUNCH_TAG = ".dagster/dataflow_launch"


class Dagster(DagsterBackfills):
    """A client of one project's running Dagster: workflows, launches, and runs."""

    def __init__(self, project: Project, url: str | None = None) -> None:
        super().__init__(project, url)
        self._reloaded_at = float("-inf")
        self._known: tuple[float, dict[str, Job]] = (float("-inf"), {})
        self._looking = threading.Lock()
        self._launching = threading.BoundedSemaphore(_LAUNCHES_AT_ONCE)

    def jobs(self) -> dict[str, Job]:
        """The workflows that Dagster has loaded, by id.

        Raises:
            DagsterUnavailableError: It does not answer, or could not load the project.
        """
        known: dict[str, Job] = {}
        faults: list[str] = []
        for location in self.project.settings.locations:
            found = self._graphql.ask(
                graphql.JOBS, "repositoryOrError", selector=repository(location)
            )
            if found["__typename"] == "Repository":
                known |= _jobs_of(found, location)
            else:
                faults.append(found.get("message") or "")
        # Of several, those that are loaded go on where one is not.
        if len(faults) == len(self.project.settings.locations):
            raise DagsterUnavailableError(
                "Dagster is up but has not loaded this project's workflows"
                f"{': ' + faults[0] if faults[0] else ''}.",
                f"See why at {self.url}/locations, then: dataflow reload",
            )
        return known

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
                "It does within seconds, or at `dataflow reload`.",
            )
        if found.broken:
            raise BrokenWorkflowError(
                found.broken, "Fix it: it is loaded anew within seconds, or at `dataflow reload`."
            )
        return found

    def reload(self) -> dict[str, Job]:
        """Have Dagster read all workflows anew; the workflows that it has then, by id."""
        with self._looking:
            self._ask_for_reload()
        return self.jobs()

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
            ServiceStoppedError: A process of the service is there and does not go on.
        """
        return self._once(
            lambda once: self._launch(workflow_id, asked, {**tags, **once}),
            lambda once: next(iter(self.runs(once, limit=1)), None),
        )

    def _once(
        self,
        launch: Callable[[dict[str, str]], Launched],
        find: Callable[[dict[str, str]], Launched | None],
    ) -> Launched:
        """What a launch gives; asked for again with patience, unless it is found to be done.

        Args:
            launch: Does it, with tags by which it is found where its answer was lost.
            find: Looks for it by these.
        """
        once = {_LAUNCH_TAG: str(uuid4())}
        try:
            return launch(once)
        except DagsterUnavailableError:
            if not is_up(self.project, "dagster"):
                raise
            check_not_stopped(self.project)
        return with_patience(self.project, lambda: find(once) or launch(once))

    def _launch(self, workflow_id: str, asked: RunRequest, tags: dict[str, str]) -> Run:
        job = self.job(workflow_id)
        check_parts(self.project, workflow_id, tags)
        run_config = asked.config
        of_partition: dict[str, str] = {}
        if not is_on_what_is_loaded(tags):
            run_config, of_partition = self._for_partition(job, asked)
        tags = {**tags, **of_partition}
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        params = {
            "selector": {**repository(job.location), "jobName": job.name},
            "runConfigData": run_config,
            "executionMetadata": metadata,
        }
        with self._launching:
            answer = self._graphql.ask(graphql.LAUNCH, "launchRun", params=params)
        if answer["__typename"] == "RunConfigValidationInvalid":
            raise BadRunConfigError(workflow_id, [fault["message"] for fault in answer["errors"]])
        return parse_run(expected(answer, "LaunchRunSuccess")["run"], self.project)

    def partition_keys(self, workflow_id: str, asked: PartitionRange) -> list[str]:
        """The keys of the partitions that are meant.

        Raises:
            WorkflowNotFoundError: The project has no such workflow.
            BrokenWorkflowError: It cannot be loaded.
            RunRequestError: It has no partitions, or none of these.
            ServiceStoppedError: A process of the service is there and does not go on.
        """

        def known() -> list[str] | None:
            job = self.job(workflow_id)
            selector = {**repository(job.location), "pipelineName": job.name}
            answer = self._graphql.ask(
                graphql.PARTITION, "pipelineOrError", selector=selector, key=""
            )
            keys = expected(answer, "Pipeline")["partitionKeysOrError"]["partitionKeys"]
            return list(keys) if job.is_partitioned else None

        return asked.keys(workflow_id, with_patience(self.project, known))

    def launch_backfill(self, workflow_id: str, keys: list[str], tags: dict[str, str]) -> Backfill:
        """Have Dagster's daemon run a workflow for many partitions.

        Args:
            keys: Those, as `partition_keys` gives them.
            tags: Tags of the backfill and its runs.

        Raises:
            WorkflowNotFoundError: The project has no such workflow.
            BrokenWorkflowError: It cannot be loaded.
            ServiceStoppedError: A process of the service is there and does not go on.
        """

        def find(once: dict[str, str]) -> str | None:
            return next((each.backfill_id for each in self.find_backfills(once)), None)

        begun = self._once(
            lambda once: self._launch_backfill(workflow_id, keys, {**tags, **once}), find
        )
        return with_patience(self.project, lambda: self.backfill(begun))

    def _launch_backfill(self, workflow_id: str, keys: list[str], tags: dict[str, str]) -> str:
        job = self.job(workflow_id)
        tags = {WORKFLOW_TAG: workflow_id, **tags}
        params = {
            "selector": {
                "partitionSetName": f"{job.name}_partition_set",
                "repositorySelector": repository(job.location),
            },
            "partitionNames": keys,
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        answer = self._graphql.ask(graphql.BACKFILL, "launchPartitionBackfill", params=params)
        return str(expected(answer, "LaunchBackfillSuccess")["backfillId"])

    def health(self) -> Health:
        """How Dagster does."""
        answer = self._graphql.ask(graphql.HEALTH, seconds=_SECONDS_FOR_HEALTH)
        daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        beats = [
            status["lastHeartbeatTime"]
            for status in daemons
            if status["lastHeartbeatTime"] and status["daemonType"] == "QUEUED_RUN_COORDINATOR"
        ]
        # `healthy` stays true for minutes after the daemon has gone.
        silent = max(0.0, time.time() - max(beats)) if beats else None
        alive = silent is not None and silent < _SECONDS_OF_SILENCE
        faults = [] if alive else ["Dagster's daemon does not start runs."]
        return Health(answer["version"], alive, silent, [*faults, *self._faults_of_code()])

    def _faults_of_code(self) -> list[str]:
        """What is wrong with the process that has the workflows.

        The webserver goes on answering from what it remembers, so that process is asked something.
        """
        try:
            # Of each location one workflow is enough.
            for job in {job.location: job for job in self._known_jobs().values()}.values():
                selector = {**repository(job.location), "pipelineName": job.name}
                answer = self._graphql.ask(
                    graphql.PLAN,
                    "executionPlanOrError",
                    seconds=_SECONDS_FOR_HEALTH,
                    selector=selector,
                )
                if answer["__typename"] == "PythonError":
                    expected(answer, "ExecutionPlan")
        except (DagsterUnavailableError, DagsterError) as error:
            return [shortened(error.reason, 300)]
        return []

    def _for_partition(self, job: Job, asked: RunRequest) -> tuple[dict[str, Any], dict[str, str]]:
        """The run config, with that of the partition, and the partition's tags."""
        key = asked.partition
        if not job.is_partitioned:
            check_partition(job.name, key, None)
            return asked.config, {}
        selector = {**repository(job.location), "pipelineName": job.name}
        answer = self._graphql.ask(
            graphql.PARTITION, "pipelineOrError", selector=selector, key=key or ""
        )
        found = expected(answer, "Pipeline")
        check_partition(job.name, key, found["partitionKeysOrError"]["partitionKeys"])
        of_key = found["partition"]
        config = yaml.safe_load(expected(of_key["runConfigOrError"], "PartitionRunConfig")["yaml"])
        tags = expected(of_key["tagsOrError"], "PartitionTags")["results"]
        # Dagster's own tags are hidden there, and it knows a run's partition by one.
        known = {tag["key"]: tag["value"] for tag in tags}
        return merged(config or {}, asked.config), {**known, PARTITION_TAG: str(key)}

    def _workflow_of_job(self, name: str) -> str:
        known = self._known_jobs().values()
        return next((job.workflow_id for job in known if job.name == name), "")

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
                self._ask_for_reload()

    def _ask_for_reload(self) -> None:
        for location in self.project.settings.locations:
            self._graphql.ask(graphql.RELOAD, seconds=_SECONDS_TO_RELOAD, location=location)
        self._reloaded_at = time.monotonic()
        self._known = (float("-inf"), {})


def _jobs_of(found: dict[str, Any], location: str) -> dict[str, Job]:
    """The workflows of one code location, by id."""
    # Of several schedules of a job, the one that config.yaml asks for.
    by_name = sorted(found["schedules"], key=lambda s: s["name"] in _own_names(found["jobs"]))
    schedules = {s["pipelineName"]: parse_schedule(s) for s in by_name}
    jobs = [parse_job(job, schedules.get(job["name"]), location) for job in found["jobs"]]
    return {job.workflow_id: job for job in jobs if job is not None}


def _own_names(jobs: list[dict[str, Any]]) -> set[str]:
    """The names of the schedules that config.yaml files ask for."""
    parsed = (parse_job(job, None) for job in jobs)
    return {f"{job.workflow_id}_schedule" for job in parsed if job is not None}
