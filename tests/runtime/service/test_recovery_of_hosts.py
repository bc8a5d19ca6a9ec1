"""Recovery in a history that hosts share: never of a run that lives elsewhere."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from tests.database_fixtures import postgres
from tests.runtime.service.test_recovery import nothing, started, status
from tests.service_fixtures import until, write_project

from dataflow.runs.dagster_names import HOST_TAG, RUN_HOST_TAG
from dataflow.runs.lock import lost_process
from dataflow.service.recovery import close_lost_runs
from dataflow.shared.project import Project

__all__ = ["postgres"]

pytestmark = pytest.mark.slow

# Executes a run, until it is ended.
EXECUTE = """
import sys, time
from dataflow.runs.lock import alive
from dataflow.shared.project import find_project
with alive(find_project(), sys.argv[1]):
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def project(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("DATAFLOW_HISTORY", postgres)
    yield Project(write_project(tmp_path / tmp_path.name))
    with psycopg2.connect(postgres) as connection:
        connection.cursor().execute("DROP TABLE IF EXISTS dataflow_locks")
    connection.close()


def test_a_run_of_another_host_is_never_ended_by_its_process_id(project: Project) -> None:
    """Here that id is nobody's, or another program's; nor is one that has not said where it is."""
    with DagsterInstance.ephemeral() as instance:
        elsewhere = started(instance, 2**22, **{RUN_HOST_TAG: "another-host"})
        unknown = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTING).run_id
        assert close_lost_runs(instance, 0.0, project) == []
        assert {status(instance, each) for each in (elsewhere, unknown)} == {
            DagsterRunStatus.STARTED,
            DagsterRunStatus.STARTING,
        }


@pytest.mark.parametrize("tag", [RUN_HOST_TAG, HOST_TAG])
def test_a_run_whose_lock_nobody_holds_is_closed_wherever_it_was(
    project: Project, tag: str
) -> None:
    """By any host, also where it was run from a terminal; not before its process is gone."""
    with DagsterInstance.ephemeral() as instance:
        run_id = started(instance, 2**22, **{tag: "another-host"})
        command = [sys.executable, "-c", EXECUTE, run_id]
        with subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert close_lost_runs(instance, 0.0, project) == []
            process.kill()
        until(lambda: lost_process(project, run_id), "the lock's return", 10)
        assert close_lost_runs(instance, 0.0, project) == [run_id]
        assert status(instance, run_id) == DagsterRunStatus.FAILURE
        said = [entry.message for entry in instance.all_logs(run_id)]
        assert any(f"process {process.pid} on " in text for text in said)
