"""Retries and time-outs of a workflow's job, on Dagster's own mechanisms."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import JobDefinition

    from dataflow.shared.config_model import RunPolicy as RunPolicy

# Read by Dagster's run monitoring, which dagster.yaml switches on. It ends runs that hang so that
# they do not hear the executor, which ends them first and as failed, not as cancelled.
_TIMEOUT_TAG = "dagster/max_runtime"
_GRACE_SECONDS = 60


class RunTimedOutError(DataflowError):
    """A run took longer than its workflow allows.

    Why: `run.timeout_seconds` in config.yaml bounds a run, so that one that hangs does not hold
    the workflow for ever.

    What to do: See in its log where it waits (`dataflow workflow logs NAME`). A source that
    answers slowly has time-outs of its own in `ingestion`.
    """


def with_policy(
    job: JobDefinition, policy: RunPolicy | None, *, is_on_service: bool = True
) -> JobDefinition:
    """A job that tries failed steps again and is ended when it takes too long.

    An op's own retry policy, or the job's, goes before the one of config.yaml.

    Args:
        policy: The section ``run`` of the workflow's config.yaml, if it has one.
        is_on_service: Whether Dagster's run monitoring is to be told of the limit.
    """
    if policy is None:
        return job
    from dagster import RetryPolicy

    changes: dict[str, Any] = {}
    if policy.retries and job._op_retry_policy is None:
        changes["op_retry_policy"] = RetryPolicy(
            max_retries=policy.retries, delay=policy.retry_delay_seconds
        )
    if is_on_service and policy.timeout_seconds and _TIMEOUT_TAG not in job.run_tags:
        timeout = timeout_tags(policy)
        # Runs that are launched over HTTP get the job's tags, scheduled ones its run tags.
        changes["tags"] = {**job.tags, **timeout}
        changes["run_tags"] = {**job.run_tags, **timeout}
    return job._copy(**changes) if changes else job


def timeout_tags(policy: RunPolicy | None) -> dict[str, str]:
    """By which Dagster's run monitoring ends a run that does not end itself, if it has a limit."""
    if policy is None or not policy.timeout_seconds:
        return {}
    return {_TIMEOUT_TAG: str(policy.timeout_seconds + _GRACE_SECONDS)}


@contextmanager
def ends_in_time(seconds: float | None) -> Iterator[None]:
    """Interrupt this process when the block takes too long, and say so.

    Args:
        seconds: How long it may take; ``None`` for as long as it likes.

    Raises:
        RunTimedOutError: It took longer.
    """
    with time_limit(seconds) as time_is_up:
        try:
            yield
        except BaseException:
            # Dagster's exception, or what somebody made of it on the way.
            if not time_is_up.is_set():
                raise
            raise RunTimedOutError(
                f"The run took longer than {seconds} seconds.",
                "Find out what it waits for, or raise run.timeout_seconds in config.yaml.",
            ) from None


@contextmanager
def time_limit(seconds: float | None) -> Iterator[threading.Event]:
    """Interrupt this process, as Ctrl-C does, when the block takes too long.

    For runs that no service watches over.

    Args:
        seconds: How long it may take; ``None`` for as long as it likes.

    Yields:
        What is set once the time is up.
    """
    is_up = threading.Event()
    if seconds is None:
        yield is_up
        return

    def interrupt() -> None:
        is_up.set()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield is_up
    finally:
        timer.cancel()
