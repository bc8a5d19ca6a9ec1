"""Launching a run or a backfill once, however often a caller asks."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.lock import WorkflowBusyError
from dataflow.service.history_server import check_known_history
from dataflow.service.launch_claim import claimed_launch
from dataflow.shared.errors import BadInputError, DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow.runs.model import Run
    from dataflow.runs.run_request import PartitionRange, RunRequest
    from dataflow.service.backfills import Backfill
    from dataflow.service.dagster_backfills import FoundBackfill
    from dataflow.service.dagster_client import Dagster
    from dataflow.shared.project import Project

_KEY_TAG = "dataflow/idempotency_key"
_REQUEST_TAG = "dataflow/idempotency_request"
# Dagster gives a backfill's tags to its runs, which no launch of a run must find; it shows tags
# that begin so to nobody.
_BACKFILL_KEY_TAG = ".dagster/dataflow_backfill_key"
_PARTITIONS_TAG = ".dagster/dataflow_backfill_partitions"
_UNDER_WAY = ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"]
_SECONDS_TO_WAIT = 30.0


class IdempotencyError(BadInputError):
    """An idempotency key was used for another request.

    Why: An `Idempotency-Key` stands for one request, so that asking again starts nothing twice.

    What to do: A new key for each new request.
    """


class LaunchBusyError(DataflowError):
    """Too many launches stand in line."""

    http_status = 503


def launch_run(
    dagster: Dagster,
    workflow_id: str,
    asked: RunRequest,
    tags: dict[str, str],
    key: str | None = None,
) -> Run:
    """Put a run of a workflow into the queue, unless the same request has already done so.

    What a key was used for is kept on the run itself, as tags, so that it survives every restart
    (draft-ietf-httpapi-idempotency-key-header-07).

    Args:
        asked: Run config and partition.
        key: What the caller sends with each try of the same request.

    Raises:
        IdempotencyError: The key was used for a different request.
        WorkflowBusyError: The workflow runs, and the setting ``when_busy`` says to refuse.
        WorkflowNotFoundError: There is no such workflow.
        BrokenWorkflowError: It cannot be loaded.
        HistoryDownError: The history's Postgres is away. Dagster would try for half a minute first.
    """
    check_known_history(dagster.project)
    refuses = dagster.project.settings.when_busy == "refuse"
    if key is None and not refuses:
        return dagster.launch(workflow_id, asked, tags)
    with _one_launch(dagster.project):
        if key is None:
            with claimed_launch(dagster.project, workflow_id, lambda: False):
                _refuse_if_busy(dagster, workflow_id)
                return dagster.launch(workflow_id, asked, tags)
        content = [workflow_id, asked.config, tags]
        if asked.partition is not None:
            content.append(asked.partition)
        request = _digest(*content)
        of_key = {_KEY_TAG: _key_digest(key)}
        tags = {**tags, **of_key, _REQUEST_TAG: request}
        with claimed_launch(
            dagster.project, of_key[_KEY_TAG], lambda: bool(dagster.runs(of_key, limit=1))
        ):
            earlier = dagster.runs(of_key, limit=1)
            if earlier:
                _check_same(earlier[0].tags, request, f"run {earlier[0].run_id}")
                return earlier[0]
            if refuses:
                _refuse_if_busy(dagster, workflow_id)
            return dagster.launch(workflow_id, asked, tags)


def launch_backfill(
    dagster: Dagster, workflow_id: str, asked: PartitionRange, key: str | None = None
) -> Backfill:
    """Run a workflow for many partitions, unless the same request has already had that begun.

    Without a key, the same request is one for the same partitions while these are still under way:
    each would only be replaced by itself.

    Args:
        key: What the caller sends with each try of the same request.

    Raises:
        IdempotencyError: The key was used for a different request.
        WorkflowNotFoundError: There is no such workflow.
        BrokenWorkflowError: It cannot be loaded.
        RunRequestError: It has no partitions, or none of these.
    """
    request = _digest(workflow_id, asked.first, asked.last, list(asked.only))
    keys: list[str] = []
    if key is None:
        keys = dagster.partition_keys(workflow_id, asked)
        same = {_PARTITIONS_TAG: _digest(workflow_id, keys)}
    else:
        # Which partitions there are may have changed since the first try.
        same = {_BACKFILL_KEY_TAG: _key_digest(key)}

    def earlier() -> FoundBackfill | None:
        return next(iter(dagster.find_backfills(same, only_requested=key is None)), None)

    name = next(iter(same.values()))
    with (
        _one_launch(dagster.project),
        claimed_launch(dagster.project, name, lambda: earlier() is not None),
    ):
        if found := earlier():
            if key is not None:
                _check_same(found.tags, request, f"backfill {found.backfill_id}")
            return replace(dagster.backfill(found.backfill_id), is_new=False)
        keys = keys or dagster.partition_keys(workflow_id, asked)
        tags = {**same, _PARTITIONS_TAG: _digest(workflow_id, keys), _REQUEST_TAG: request}
        return dagster.launch_backfill(workflow_id, keys, tags)


@contextmanager
def _one_launch(project: Project) -> Iterator[None]:
    """Be the only server of the project that looks and launches, for the block."""
    folder = project.state_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "launch.api.lock", timeout=_SECONDS_TO_WAIT):
            yield
    except Timeout as error:
        raise LaunchBusyError("Too many launches stand in line.", "Try again.") from error


def _check_same(tags: Mapping[str, str], request: str, led_to: str) -> None:
    if tags.get(_REQUEST_TAG) != request:
        raise IdempotencyError(
            f"This Idempotency-Key or webhook-id was used for another request: it led to {led_to}.",
            "Send a new key with each new request, and the same only when you try one again.",
        )


def _refuse_if_busy(dagster: Dagster, workflow_id: str) -> None:
    dagster.job(workflow_id)
    active = dagster.runs({WORKFLOW_TAG: workflow_id}, _UNDER_WAY, limit=1)
    if active:
        by = f" in {active[0].executed_by}" if active[0].executed_by else ""
        raise WorkflowBusyError(
            f"The workflow {workflow_id!r} is in use by run {active[0].run_id}{by}, "
            f"{active[0].status} since {active[0].created_at:%Y-%m-%d %H:%M:%S} UTC.",
            "Wait for that run to end or cancel it; the setting when_busy = 'wait' queues instead.",
        )


def _digest(*content: Any) -> str:
    return _key_digest(json.dumps(content, sort_keys=True))


def _key_digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
