"""Runs that end while somebody else writes into their history."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    job,
    reconstructable,
)
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from tests.service_fixtures import write_project

from dataflow.runs.dagster_names import RUN_PROCESS_TAG
from dataflow.service.celery_launcher import CelerySettings, app_settings
from dataflow.service.process_identity import process_identity
from dataflow.service.prompt_coordinator import PromptRunCoordinator, queue_lock
from dataflow.service.run_end import close_run
from dataflow.service.warm_launcher import WarmRunLauncher

GONE = "999999999@1"


@job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterInstance]:
    """One history, whose files take a while to make, for tests that look at runs of their own."""
    with DagsterInstance.local_temp(str(tmp_path_factory.mktemp("history"))) as instance:
        yield instance


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.chdir(write_project(tmp_path / "shop"))
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def begun(instance: DagsterInstance, *, succeeds: bool, **tags: str) -> str:
    """A run under way whose process is gone; if it succeeded, that has been overwritten since."""
    run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED, tags=tags)
    if succeeds:
        said = [
            DagsterEvent(kind.value, "nothing", message="")
            for kind in (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_START)
        ]
        instance.report_dagster_event(said[0], run.run_id)
        instance.run_storage.handle_run_event(run.run_id, said[1])
    return run.run_id


def status(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.mark.parametrize(
    ("succeeds", "cancels", "ends"),
    [
        (True, True, "SUCCESS"),
        (True, False, "SUCCESS"),
        (False, True, "CANCELED"),
        (False, False, "FAILURE"),
    ],
)
def test_a_run_ends_as_it_says_itself(
    history: DagsterInstance, succeeds: bool, cancels: bool, ends: str
) -> None:
    """Else as it was last asked to: who cancels it may have looked before its last word."""
    run_id = begun(history, succeeds=succeeds)
    if cancels:
        run: Any = history.get_run_by_id(run_id)
        history.report_run_canceling(run)
    assert close_run(history, run_id, "gone") is not succeeds
    assert status(history, run_id) == DagsterRunStatus[ends]
    assert not close_run(history, run_id)


def test_a_run_that_has_just_succeeded_is_not_cancelled(history: DagsterInstance) -> None:
    """What it wrote is seen, so that it must not be shown as cancelled; another one is."""
    launcher = WarmRunLauncher()
    launcher.register_instance(history)
    with subprocess.Popen(["sleep", "60"]) as ending:
        for identity in (GONE, process_identity(ending.pid)):
            done = begun(history, succeeds=True, **{RUN_PROCESS_TAG: identity})
            assert not launcher.terminate(done)
            assert status(history, done) == DagsterRunStatus.SUCCESS
        ending.kill()
    dead = begun(history, succeeds=False, **{RUN_PROCESS_TAG: GONE})
    assert launcher.terminate(dead)
    assert status(history, dead) == DagsterRunStatus.CANCELED


def test_dagsters_monitoring_tells_the_reason_alone(history: DagsterInstance) -> None:
    """Of a run whose process is gone; one that had succeeded before has succeeded."""
    launcher = WarmRunLauncher()
    launcher.register_instance(history)
    history._run_launcher = launcher
    for succeeds in (False, True):
        run_id = begun(history, succeeds=succeeds, **{RUN_PROCESS_TAG: GONE})
        nowhere: Any = None
        record = history.get_run_record_by_id(run_id)
        assert record is not None
        monitor_started_run(history, nowhere, record, logging.getLogger())
        assert status(history, run_id).value == ("SUCCESS" if succeeds else "FAILURE")
        if not succeeds:
            failed = history.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
            told = [entry.dagster_event.message for entry in failed if entry.dagster_event]
            assert told == ["The process 999999999 that executed this run is gone."]


def test_a_run_of_celery_that_has_just_succeeded_is_not_cancelled(
    instance: DagsterInstance,
) -> None:
    """Nor is Celery told to end it: its broker is not asked, and is none here."""
    pytest.importorskip("dagster_celery")
    from dataflow.service.celery_runs import CeleryLauncher

    settings = CelerySettings(type="celery", broker="redis://127.0.0.1:1")
    launcher = CeleryLauncher(**app_settings(settings))
    launcher.register_instance(instance)
    task = {"dagster-celery/task_id": "some"}
    done = begun(instance, succeeds=True, **task)
    assert not launcher.terminate(done)
    assert status(instance, done) == DagsterRunStatus.SUCCESS
    assert not launcher.terminate(done)
    # A run of a terminal is none of Celery's.
    assert not launcher.terminate(begun(instance, succeeds=False))


def test_a_run_that_is_being_taken_from_the_queue_is_not_noted_as_cancelled(
    instance: DagsterInstance,
) -> None:
    """It would be executed all the same; whoever cancels it waits until it has been started."""
    coordinator = PromptRunCoordinator()
    coordinator.register_instance(instance)
    launcher = WarmRunLauncher()
    launcher.register_instance(instance)
    instance._run_launcher = launcher
    where = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="dataflow")
    run = instance.create_run_for_job(
        nothing,
        status=DagsterRunStatus.QUEUED,
        tags={RUN_PROCESS_TAG: GONE},
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(where, "__repository__"), "nothing"
        ),
        job_code_origin=reconstructable(nothing).get_python_origin(),
    )
    answers: list[bool] = []
    with queue_lock():
        asking = threading.Thread(target=lambda: answers.append(coordinator.cancel_run(run.run_id)))
        asking.start()
        asking.join(0.2)
        assert status(instance, run.run_id) == DagsterRunStatus.QUEUED
        succeeded = DagsterEvent(DagsterEventType.RUN_SUCCESS.value, "nothing", message="")
        instance.report_dagster_event(succeeded, run.run_id)
    asking.join(30)
    assert answers == [False]
    assert status(instance, run.run_id) == DagsterRunStatus.SUCCESS
