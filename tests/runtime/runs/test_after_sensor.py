"""When a workflow runs after others: the sensor of the code location, on real runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetMaterialization,
    DagsterInstance,
    DagsterRunStatus,
    DailyPartitionsDefinition,
    Definitions,
    SensorDefinition,
    build_sensor_context,
    job,
)
from dagster._core.definitions.sensor_definition import SensorExecutionData
from tests.runtime.runs.location_fixtures import build
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.after_sensor import after_sensor
from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.shared.project import Project, use_project


class Shop:
    """Workflows written by hand, what the code location has of them, and a history."""

    def __init__(self, root: Path, instance: DagsterInstance, after: str) -> None:
        self.root = write_project(root)
        for name in ("orders", "rates"):
            write_workflow(root, name)
        config = write_workflow(root, "report") / "config.yaml"
        config.write_text(
            config.read_text().replace("workflow: {", f"workflow: {{after: {after}, ")
        )
        self.instance = instance
        self.definitions: Definitions = build(root)
        self.cursor: str | None = None

    @property
    def sensor(self) -> SensorDefinition:
        return self.definitions.get_repository_def().get_sensor_def("report_after")

    def run(self, name: str) -> str:
        job = self.definitions.get_job_def(f"{name}_job")
        with use_project(Project(self.root)):
            result = job.execute_in_process(instance=self.instance, raise_on_error=False)
        return result.run_id

    def look(self) -> SensorExecutionData:
        """What Dagster's daemon does every few seconds."""
        context = build_sensor_context(
            self.instance, cursor=self.cursor, definitions=self.definitions
        )
        data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor or self.cursor
        return data

    def started(self) -> int:
        return len(self.look().run_requests or ())


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.mark.slow
def test_it_runs_once_when_all_that_it_names_are_new(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    """Not before the last of them has succeeded, and not again before each is new again."""
    shop = Shop(tmp_path / "shop", instance, "[orders, rates]")
    assert shop.sensor.default_status.value == "RUNNING"
    assert "orders, rates" in str(shop.look().skip_message)
    shop.run("orders")
    assert str(shop.look().skip_message) == "Waits for something new of rates."
    rates = shop.run("rates")
    [request] = shop.look().run_requests or []
    assert rates in str(request.run_key)
    assert request.tags["dataflow/workflow"] == "report"
    shop.run("report")
    shop.run("orders")
    shop.run("orders")
    assert shop.started() == 0
    shop.run("rates")
    assert shop.started() == 1


def test_a_run_that_fails_and_one_that_has_been_seen_start_nothing(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    """A person who ran it by hand after the others has what the sensor would start it for."""
    shop = Shop(tmp_path / "shop", instance, "orders")
    (tmp_path / "shop" / "journal").unlink()
    (tmp_path / "shop" / "journal").mkdir()
    shop.run("orders")
    assert shop.started() == 0
    (tmp_path / "shop" / "journal").rmdir()
    shop.run("orders")
    shop.run("report")
    assert "has begun since" in str(shop.look().skip_message)
    shop.run("orders")
    assert shop.started() == 1


def test_an_asset_can_be_waited_for(tmp_path: Path, instance: DagsterInstance) -> None:
    """Whoever makes it: a workflow, an author's asset, or another system that tells Dagster."""
    shop = Shop(tmp_path / "shop", instance, "[bank/balance]")
    assert shop.started() == 0
    instance.report_runless_asset_event(AssetMaterialization(["bank", "balance"]))
    assert shop.started() == 1
    assert shop.started() == 0


def test_a_partitioned_workflow_runs_for_the_partitions_that_are_new(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    """Of what was there before only the last; of what has come since, each once."""
    shop = Shop(tmp_path / "shop", instance, "orders")
    days: Any = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
    orders, report = (
        shop.definitions.get_job_def(f"{name}_job")._copy(partitions_def=days)
        for name in ("orders", "report")
    )
    sensor = after_sensor("report", report, ["orders"], lambda _: True)
    with_jobs = Definitions(jobs=[orders, report], sensors=[sensor])
    cursor = None

    def asked(*keys: str) -> list[str | None]:
        nonlocal cursor
        for key in keys:
            with use_project(Project(shop.root)):
                orders.execute_in_process(instance=instance, partition_key=key)
        context = build_sensor_context(instance, cursor=cursor, definitions=with_jobs)
        data = sensor.evaluate_tick(context)
        cursor = data.cursor or cursor
        return [request.partition_key for request in data.run_requests or ()]

    assert asked("2024-01-01", "2024-01-02") == ["2024-01-02"]
    assert asked("2024-01-04", "2024-01-03") == ["2024-01-03", "2024-01-04"]
    assert asked() == []


@job
def plain_job() -> None:
    """A job without steps."""


def evaluated(
    instance: DagsterInstance, sensor: SensorDefinition, cursor: str | None = None
) -> SensorExecutionData:
    """What one look of a sensor gives."""
    definitions = Definitions(jobs=[sensor.job], sensors=[sensor])
    context = build_sensor_context(instance, cursor=cursor, definitions=definitions)
    return sensor.evaluate_tick(context)


@pytest.mark.parametrize("cursor", [None, "no json", "[1]"])
def test_a_run_that_waits_to_begin_is_enough(instance: DagsterInstance, cursor: str | None) -> None:
    """It will see what is new; a cursor of another version says nothing of what was seen."""
    sensor = after_sensor("report", plain_job, ["bank/balance"], lambda _: False)
    instance.report_runless_asset_event(AssetMaterialization(["bank", "balance"]))
    tags = {WORKFLOW_TAG: "report"}
    waiting = instance.create_run_for_job(plain_job, tags=tags, status=DagsterRunStatus.NOT_STARTED)
    assert "waits to begin already" in str(evaluated(instance, sensor, cursor).skip_message)
    instance.delete_run(waiting.run_id)
    assert len(evaluated(instance, sensor, cursor).run_requests or ()) == 1


def test_a_partition_that_the_workflow_does_not_have_starts_nothing(
    instance: DagsterInstance,
) -> None:
    """Nor is it asked for again; without any, the last day that has ended is meant."""
    days: Any = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
    by_day = plain_job._copy(partitions_def=days)
    sensor = after_sensor("report", by_day, ["bank/balance"], lambda _: False)
    instance.report_runless_asset_event(AssetMaterialization(["bank", "balance"], partition="eu"))
    data = evaluated(instance, sensor)
    assert "No partition of this workflow is meant" in str(data.skip_message)
    assert "Waits for" in str(evaluated(instance, sensor, data.cursor).skip_message)
    instance.report_runless_asset_event(AssetMaterialization(["bank", "balance"]))
    [request] = evaluated(instance, sensor, data.cursor).run_requests or ()
    assert request.partition_key == "2024-01-31"
