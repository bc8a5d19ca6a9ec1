"""Backfills that are cancelled while Dagster's daemon works on them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from tests.service_fixtures import write_project

from dataflow.runs.instance import open_instance
from dataflow.shared.project import Project


def begun(instance: DagsterInstance) -> Any:
    """A backfill as the daemon reads it."""
    status = BulkActionStatus.REQUESTED
    backfill = PartitionBackfill("a", status, from_failure=False, tags={}, backfill_timestamp=1.0)
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
