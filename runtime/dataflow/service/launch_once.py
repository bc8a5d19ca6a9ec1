"""Launching a run once, however often a caller asks."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.lock import WorkflowBusyError
from dataflow.service.launch_claim import claimed_launch
from dataflow.shared.errors import BadInputError, DataflowError

if TYPE_CHECKING:
    from dataflow.runs.model import Run
    from dataflow.runs.run_request import RunRequest
    from dataflow.service.dagster_client import Dagster

_KEY_TAG = "dataflow/idempotency_key"
_REQUEST_TAG = "dataflow/idempotency_request"
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
    """
    refuses = dagster.project.settings.when_busy == "refuse"
    if key is None and not refuses:
        return dagster.launch(workflow_id, asked, tags)
    folder = dagster.project.state_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # Looking and launching have to be one for all servers of the project.
    try:
        with FileLock(folder / "launch.api.lock", timeout=_SECONDS_TO_WAIT):
            if key is None:
                with claimed_launch(dagster.project, workflow_id, lambda: False):
                    _refuse_if_busy(dagster, workflow_id)
                    return dagster.launch(workflow_id, asked, tags)
            content = [workflow_id, asked.config, tags]
            if asked.partition is not None:
                content.append(asked.partition)
            request = _digest(json.dumps(content, sort_keys=True))
            of_key = {_KEY_TAG: _digest(key)}
            tags = {**tags, **of_key, _REQUEST_TAG: request}
            with claimed_launch(
                dagster.project, of_key[_KEY_TAG], lambda: bool(dagster.runs(of_key, limit=1))
            ):
                earlier = dagster.runs(of_key, limit=1)
                if earlier:
                    return _same(earlier[0], request)
                if refuses:
                    _refuse_if_busy(dagster, workflow_id)
                return dagster.launch(workflow_id, asked, tags)
    except Timeout as error:
        raise LaunchBusyError("Too many launches stand in line.", "Try again.") from error


def _same(run: Run, request: str) -> Run:
    if run.tags.get(_REQUEST_TAG) != request:
        raise IdempotencyError(
            f"This Idempotency-Key was used for another request, which led to run {run.run_id}.",
            "Send a new key with each new request, and the same only when you try one again.",
        )
    return run


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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
