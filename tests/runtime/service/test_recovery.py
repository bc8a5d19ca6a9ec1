"""Runs that a killed service left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job
from dagster._core.events import EngineEventData

from dataflow.runs.dagster_names import HOST_TAG
from dataflow.service.recovery import close_lost_runs


@job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed, and that nobody waits for before the end."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def started(instance: DagsterInstance, pid: int, **tags: str) -> str:
    """A run that a process of a service says that it executes."""
    run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED, tags=tags)
    instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(pid))
    return run.run_id


def status(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_whose_process_lives_is_left_alone(
    instance: DagsterInstance, process: subprocess.Popen[bytes]
) -> None:
    """It may still be writing; nothing is said of it."""
    run_id = started(instance, process.pid)
    assert close_lost_runs(instance) == []
    assert status(instance, run_id) == DagsterRunStatus.STARTED


def test_a_killed_process_that_nobody_waited_for_is_gone(
    instance: DagsterInstance, process: subprocess.Popen[bytes]
) -> None:
    """A zombie is listed like a process, and executes nothing any more."""
    run_id = started(instance, process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still listed
    assert close_lost_runs(instance) == [run_id]
    assert status(instance, run_id) == DagsterRunStatus.FAILURE


def test_a_run_of_the_command_line_is_not_the_services(instance: DagsterInstance) -> None:
    """Whoever next holds the workflow's lock closes it."""
    run_id = started(instance, 2**22, **{HOST_TAG: "here"})
    assert close_lost_runs(instance) == []
    assert status(instance, run_id) == DagsterRunStatus.STARTED
