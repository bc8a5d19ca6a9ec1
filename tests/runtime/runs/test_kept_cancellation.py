"""Backfills that are cancelled while Dagster's daemon works on them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from tests.service_fixtures import write_project

from dataflow.runs.dagster_names import PARTITION_TAG
from dataflow.runs.instance import open_instance
from dataflow.shared.project import Project


def begun(instance: DagsterInstance) -> Any:
    """A backfill as the daemon reads it."""
    status, keys = BulkActionStatus.REQUESTED, ["eu", "us"]
    backfill = PartitionBackfill("a", status, False, {}, 1.0, partition_names=keys)
    instance.add_backfill(backfill)
    return backfill


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(write_project(tmp_path / "shop"))


def test_what_the_daemon_read_before_does_not_undo_a_cancellation(project: Project) -> None:
    """How far it is is noted all the same; then it ends as Dagster has it."""
    with open_instance(project) as instance:
        read = begun(instance)
        instance.update_backfill(read.with_status(BulkActionStatus.CANCELING))
        instance.update_backfill(read.with_partition_checkpoint("eu"))
        now: Any = instance.get_backfill("a")
        assert (now.status, now.last_submitted_partition_name) == (BulkActionStatus.CANCELING, "eu")
        assert [each.backfill_id for each in instance.get_backfills()] == ["a"]
        for status in (BulkActionStatus.CANCELED, BulkActionStatus.REQUESTED):
            ended = now.with_status(status).with_end_timestamp(time.time())
            instance.update_backfill(ended)
            assert instance.get_backfill("a") == ended


def test_a_backfill_that_nobody_cancels_goes_on(project: Project) -> None:
    """Each checkpoint is kept."""
    with open_instance(project) as instance:
        read = begun(instance)
        for key in ("eu", "us"):
            instance.update_backfill(read.with_partition_checkpoint(key))
            assert instance.get_backfill("a") == read.with_partition_checkpoint(key)


def test_a_backfill_that_has_ended_is_not_cancelled(project: Project) -> None:
    """Whoever asks for that looked before it had."""
    with open_instance(project) as instance:
        read = begun(instance)
        for ended in (BulkActionStatus.COMPLETED_SUCCESS, BulkActionStatus.COMPLETED_FAILED):
            instance.update_backfill(read.with_status(ended))
            instance.update_backfill(read.with_status(BulkActionStatus.CANCELING))
            now: Any = instance.get_backfill("a")
            assert now.status == ended


def test_a_cancellation_that_found_nothing_to_cancel_is_none(project: Project) -> None:
    """All runs had ended by themselves: the daemon had only not looked at them yet."""
    with open_instance(project) as instance:
        read = begun(instance)
        tags = DagsterRun.tags_for_backfill_id("a")
        for key, status, ends in (
            ("eu", "SUCCESS", "CANCELED"),
            ("us", "SUCCESS", "COMPLETED_SUCCESS"),
            ("us", "FAILURE", "COMPLETED_FAILED"),
            ("us", "CANCELED", "CANCELED"),
        ):
            of_run = {**tags, PARTITION_TAG: key}
            instance.add_run(DagsterRun("job", status=DagsterRunStatus[status], tags=of_run))
            instance.update_backfill(read.with_status(BulkActionStatus.CANCELED))
            now: Any = instance.get_backfill("a")
            assert now.status == BulkActionStatus[ends]
