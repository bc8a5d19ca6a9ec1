"""Dagster's own watch over the workflows that another one comes after: `workflow.after`.

B runs once when each workflow that it names has made new tables since B was last started for that.
What is new is read from Dagster's history, so it does not matter who ran them: the service, its
schedules, or `dataflow workflow run` in a terminal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetKey,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    TimeWindowPartitionsDefinition,
)

from dataflow.runs.dagster_names import FURTHER_TAG, PARTITION_TAG, WORKFLOW_TAG
from dataflow.runs.launch_config import asked_tags
from dataflow.runs.run_part import makes_models, parts_of
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dagster import DagsterInstance, JobDefinition, RunRecord

_SECONDS_BETWEEN_LOOKS = 10
# A run that has not begun sees all that is there when it begins.
_WAITING = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
]
# So many runs are looked at, at most, for the partitions that they were for.
_MOST_RUNS = 1000
# And so many where the last one is wanted.
_FIRST_RUNS = 20


@dataclass(frozen=True)
class _News:
    """What has been made since.

    Args:
        at: When the last of it was made, in seconds since 1970.
        run_id: The run that made it.
        partitions: The partitions that it is of; empty if it is of none.
    """

    at: float
    run_id: str
    partitions: frozenset[str] = frozenset()


def after_sensor(
    workflow_id: str, job: JobDefinition, after: list[str], is_workflow: Callable[[str], bool]
) -> SensorDefinition:
    """A sensor, on from the start, that runs a job when all that it comes after is new.

    A job that is partitioned runs for the partitions that the new runs were for, as far as it has
    them; else, if it is partitioned by time, for the last one that has ended.

    Args:
        after: Ids of workflows, or keys of assets with slashes.
        is_workflow: Tells one from the other.
    """

    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        seen: dict[str, float] = _seen(context.cursor)
        instance = context.instance
        news = {
            name: _of_workflow(instance, name, seen.get(name, 0.0))
            if is_workflow(name)
            else _of_asset(instance, name, seen.get(name, 0.0))
            for name in after
        }
        waits_for = [name for name, found in news.items() if found is None]
        if waits_for:
            return SkipReason(f"Waits for something new of {shortened(', '.join(waits_for))}.")
        found = [each for each in news.values() if each is not None]
        own = _last_run(instance, workflow_id)
        if own is not None and own.dagster_run.status in _WAITING:
            return SkipReason("A run waits to begin already, and will see what is new.")
        reached = json.dumps({name: each.at for name, each in news.items() if each})
        began = (own.start_time or own.create_timestamp.timestamp()) if own else 0.0
        if all(each.at < began for each in found) and job.partitions_def is None:
            return SensorResult(
                skip_reason=SkipReason("A run has begun since, and has seen what is new."),
                cursor=reached,
            )
        requests = list(_requests(job, found, instance))
        if not requests:
            return SensorResult(
                skip_reason=SkipReason("No partition of this workflow is meant."), cursor=reached
            )
        return SensorResult(run_requests=requests, cursor=reached)

    return SensorDefinition(
        name=f"{workflow_id}_after",
        evaluation_fn=evaluate,
        job=job,
        minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
        description=f"Runs {workflow_id} when each of these is new: {', '.join(after)}.",
        default_status=DefaultSensorStatus.RUNNING,
    )


def _seen(cursor: str | None) -> dict[str, float]:
    """Up to when the workflow was started for what, by the cursor that the last look left."""
    try:
        kept = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _of_workflow(instance: DagsterInstance, name: str, since: float) -> _News | None:
    """The runs of a workflow that have succeeded, and so shown new tables."""
    after = datetime.fromtimestamp(since, UTC) if since else None
    successes = RunsFilter(
        statuses=[DagsterRunStatus.SUCCESS], tags={WORKFLOW_TAG: name}, updated_after=after
    )
    records = instance.get_run_records(successes, limit=_MOST_RUNS if since else _FIRST_RUNS)
    found = [each for each in records if _makes_tables(each) and _ended(each) > since]
    if not since:
        # Of all that was there before, the last is what is new.
        found = sorted(found, key=_ended)[-1:]
    if not found:
        return None
    last = max(found, key=_ended)
    keys = (each.dagster_run.tags.get(PARTITION_TAG) for each in found)
    return _News(_ended(last), last.dagster_run.run_id, frozenset(filter(None, keys)))


def _makes_tables(record: RunRecord) -> bool:
    """Whether a run is one of the workflow's own job, and not of a part that makes no models."""
    run = record.dagster_run
    parts = parts_of(asked_tags(run))
    return FURTHER_TAG not in run.tags and makes_models(parts)


def _ended(record: RunRecord) -> float:
    return record.end_time or 0.0


def _of_asset(instance: DagsterInstance, name: str, since: float) -> _News | None:
    event = instance.get_latest_materialization_event(AssetKey(name.split("/")))
    if event is None or event.timestamp <= since:
        return None
    key = event.asset_materialization.partition if event.asset_materialization else None
    return _News(event.timestamp, event.run_id, frozenset([key] if key else ()))


def _last_run(instance: DagsterInstance, workflow_id: str) -> RunRecord | None:
    filters = RunsFilter(tags={WORKFLOW_TAG: workflow_id})
    records = instance.get_run_records(filters, limit=_FIRST_RUNS)
    return next((each for each in records if _makes_tables(each)), None)


def _requests(
    job: JobDefinition, found: list[_News], instance: DagsterInstance
) -> Iterable[RunRequest]:
    # The same news start one run, also if the daemon dies before it has noted that it did.
    about = "+".join(sorted(each.run_id for each in found))
    tags: dict[str, Any] = dict(job.run_tags)
    partitions = job.partitions_def
    if partitions is None:
        yield RunRequest(run_key=about, tags=tags)
        return
    wanted = {key for each in found for key in each.partitions}
    known = partitions.get_partition_keys(dynamic_partitions_store=instance)
    keys = [key for key in known if key in wanted]
    if not wanted and isinstance(partitions, TimeWindowPartitionsDefinition):
        keys = list(known[-1:])
    for key in keys:
        yield RunRequest(run_key=f"{about}:{key}", partition_key=key, tags=tags)
