"""When Dagster's daemons look at backfills and into the queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG

from dataflow.service.prompt_daemons import DueBackfills, PromptBackfillDaemon, PromptQueueDaemon


@job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def ask_for_backfill(instance: DagsterInstance) -> PartitionBackfill:
    backfill = PartitionBackfill(
        "filling", BulkActionStatus.REQUESTED, False, {}, time.time(), partition_names=["eu"]
    )
    instance.add_backfill(backfill)
    return backfill


def begin(instance: DagsterInstance, **tags: str) -> Any:
    return instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED, tags=tags)


def test_a_backfill_is_due_when_asked_for_and_when_its_runs_are_over(
    instance: DagsterInstance,
) -> None:
    """Not while they are under way, and not again and again if its turn has changed nothing."""
    due = DueBackfills(instance)
    assert not due.look()
    backfill: Any = ask_for_backfill(instance)
    assert [due.look(), due.look()] == [True, False]
    run = begin(instance, **{BACKFILL_ID_TAG: "filling"})
    assert not due.look()
    instance.report_run_failed(run)
    assert [due.look(), due.look()] == [True, False]
    instance.update_backfill(backfill.with_status(BulkActionStatus.CANCELING))
    assert [due.look(), due.look()] == [True, True]
    instance.update_backfill(backfill.with_status(BulkActionStatus.CANCELED))
    assert not due.look()


def test_a_daemon_that_waits_takes_a_new_backfill_up(instance: DagsterInstance) -> None:
    """Where Dagster's own would go on waiting for half a minute; its end is noticed as well."""
    ends = threading.Event()
    with PromptBackfillDaemon({"use_threads": False}) as daemon:
        context: Any = SimpleNamespace(instance=instance)
        loop = daemon.core_loop(context, ends)
        assert [getattr(next(loop), "name", None) for _ in range(3)] == [
            "START_SPAN",
            None,
            "END_SPAN",
        ]
        ask_for_backfill(instance)
        began = time.monotonic()
        assert next(loop) is None
        assert time.monotonic() - began < 10
        loop.close()


@pytest.mark.slow
def test_the_queue_is_served_when_a_run_has_ended(instance: DagsterInstance) -> None:
    """What had to wait for that run need not wait for the next turn; a fault ends nothing."""
    turns: list[int] = []

    class Noting(PromptQueueDaemon):
        def run_iteration(self, workspace_process_context: Any, _: Any = None) -> Any:  # noqa: ARG002
            turns.append(len(turns))
            if len(turns) == 1:
                raise OSError("the disk is full")
            yield None

    run = begin(instance)
    with Noting(interval_seconds=3600) as daemon:
        context: Any = SimpleNamespace(instance=instance)
        loop = daemon.core_loop(context, threading.Event())
        assert "the disk is full" in str(next(loop))
        assert [next(loop), next(loop)] == [None, None]
        assert turns == [0]
        instance.report_run_failed(run)
        next(loop)
        assert turns == [0, 1]
        loop.close()
