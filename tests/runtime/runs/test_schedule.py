"""The schedule of config.yaml, by how the job is partitioned."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from dagster import (
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    Definitions,
    StaticPartitionsDefinition,
    build_schedule_context,
    job,
)

from dataflow.runs.definitions import WorkflowDefinitions
from dataflow.runs.schedule import config_schedule
from dataflow.shared.config_model import WorkflowSettings


@job(run_tags={"team": "till"})
def sales_job() -> None:
    """A job without steps."""


def settings(**more: Any) -> WorkflowSettings:
    return WorkflowSettings(name="Sales", schedule="0 6 * * *", timezone="UTC", **more)


@pytest.mark.parametrize(
    ("is_on", "status"),
    [(True, DefaultScheduleStatus.RUNNING), (False, DefaultScheduleStatus.STOPPED)],
)
def test_a_schedule_is_on_where_config_says_so(is_on: bool, status: DefaultScheduleStatus) -> None:
    """Else a person switches it on."""
    found = WorkflowDefinitions("sales", sales_job)
    [schedule] = config_schedule(found, sales_job, settings(schedule_on=is_on))
    assert (schedule.name, schedule.default_status) == ("sales_schedule", status)


def test_a_job_by_day_runs_for_the_last_day_that_has_ended() -> None:
    """With the tags of its runs; before the first has, it runs for none."""
    days: Any = DailyPartitionsDefinition("2024-01-02")
    by_day = sales_job._copy(partitions_def=days)
    [schedule] = config_schedule(WorkflowDefinitions("sales", by_day), by_day, settings())
    definitions = Definitions(jobs=[by_day], schedules=[schedule])

    def tick(day: int) -> Any:
        at = datetime(2024, 1, day, 6, tzinfo=UTC)
        repository = definitions.get_repository_def()
        context = build_schedule_context(scheduled_execution_time=at, repository_def=repository)
        return schedule.evaluate_tick(context)

    assert "No partition has ended yet" in str(tick(2).skip_message)
    [request] = tick(4).run_requests
    assert request.partition_key == "2024-01-03"
    expected = {"team": "till", "dataflow/trigger": "schedule"}
    assert expected.items() <= request.tags.items()


def test_a_job_by_other_parts_has_no_schedule_of_config() -> None:
    """What to do is named: nobody knows which part a tick would be for."""
    parts: Any = StaticPartitionsDefinition(["eu", "us"])
    by_region = sales_job._copy(partitions_def=parts)
    found = WorkflowDefinitions("sales", by_region)
    assert config_schedule(found, by_region, settings()) == []
    assert [each.startswith("the schedule of config.yaml: ") for each in found.left_out] == [True]
