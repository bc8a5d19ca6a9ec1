"""Running a workflow's job in this process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job

from dataflow.runs import run as run_module
from dataflow.runs.dagster_names import HOST_TAG, PROCESS_TAG, WORKFLOW_TAG
from dataflow.runs.instance import open_instance
from dataflow.runs.lock import WorkflowBusyError, workflow_lock
from dataflow.runs.run import _close_dead_runs
from dataflow.shared.project import Project

CONFIG = """
workflow: {name: "By hand", schedule: "0 0 * * *", timezone: "UTC"}
ingestion:
  source: {type: file, url: "rows.csv"}
load: {table: by_hand}
"""

# As an author writes it by hand after the guide: plain ops, plain dicts, a plain job.
JOB = """
from dagster import job, op
from dataflow.shared.config import load_config
from dataflow.shared.logging import get_logger
from dataflow.workflows.registry import register_workflow

logger = get_logger(__name__)


def extract_data(params: dict) -> dict:
    source = load_config("by_hand").get("ingestion", {}).get("source", {})
    logger.info("extracting", source=source["url"])
    return {"data": [{"id": 1}, {"id": 2}], "metadata": {"record_count": 2}}


@op
def extract_op():
    return extract_data(params={})


@op
def transform_op(data: dict):
    BODY
    return data


@op
def load_op(data: dict):
    logger.info("loaded", rows=len(data["data"]))


@job
def by_hand_job():
    load_op(transform_op(extract_op()))


register_workflow(workflow_id="by_hand", job=by_hand_job, description="By hand")
"""

RUN = """
import json, sys
from dataflow.runs.run import run_workflow
from dataflow.shared.project import find_project
print(json.dumps(run_workflow(find_project(), "by_hand").as_json()))
"""


@pytest.fixture
def project(tmp_path: Path, template_repository: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    settings = template_repository / "template" / "project" / "dagster.yaml"
    (tmp_path / "dagster.yaml").write_text(settings.read_text())
    folder = tmp_path / "src" / "dataflow" / "workflows" / "by_hand"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG)
    write_job(Project(tmp_path), "pass")
    return Project(tmp_path)


def write_job(project: Project, body: str) -> None:
    code = JOB.replace("BODY", body)
    (project.workflow_dir("by_hand") / "dagster_job.py").write_text(code)


def start(project: Project) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(project: Project) -> dict[str, object]:
    with start(project) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    outcome: dict[str, object] = json.loads(out)
    return outcome


def history(project: Project) -> DagsterInstance:
    return DagsterInstance.from_config(str(project.dagster_home))


@pytest.mark.slow
def test_a_job_written_by_hand_runs_and_is_in_the_history(project: Project) -> None:
    """Plain ops and a plain job, started without a server, are found by the UI under their job."""
    outcome = run(project)
    assert outcome["success"]
    steps = outcome["steps"]
    assert isinstance(steps, list)
    assert [step["name"] for step in steps] == ["extract_op", "transform_op", "load_op"]
    with history(project) as instance:
        found = instance.get_run_by_id(str(outcome["run_id"]))
        assert found is not None
        assert found.status is DagsterRunStatus.SUCCESS
        assert found.job_name == "by_hand_job"
        assert found.tags["dataflow/workflow"] == "by_hand"
        assert found.tags[".dagster/repository"] == "__repository__@dataflow"


@pytest.mark.slow
def test_a_cancellation_whose_signal_is_lost_ends_the_run(project: Project) -> None:
    """Python drops what a signal raises in a finaliser, as where dbt lets go of its connection."""
    body = """
    import os, signal
    from dagster import OpExecutionContext

    class Connection:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    context = OpExecutionContext.get()
    context.instance.report_run_canceling(context.instance.get_run_by_id(context.run_id))
    Connection()
    """
    write_job(project, body.strip())
    outcome = run(project)
    assert not outcome["success"]
    with history(project) as instance:
        found = instance.get_run_by_id(str(outcome["run_id"]))
        assert found is not None
        assert found.status is DagsterRunStatus.CANCELED


@pytest.mark.slow
def test_log_lines_are_in_the_log_of_the_run(project: Project) -> None:
    """What get_logger writes is what the Dagster UI shows for the run, with its fields."""
    outcome = run(project)
    with history(project) as instance:
        lines = [record.user_message for record in instance.all_logs(str(outcome["run_id"]))]
    assert any("extracting" in line and "rows.csv" in line for line in lines)
    assert any("loaded" in line and "rows=2" in line for line in lines)


@pytest.mark.slow
def test_a_failing_step_is_named_with_its_place_and_recorded(project: Project) -> None:
    """The outcome has the author's exception with file and line, and the history has a failure."""
    write_job(project, "raise ValueError('no such column: price')")
    outcome = run(project)
    assert not outcome["success"]
    steps = outcome["steps"]
    assert isinstance(steps, list)
    assert [(step["name"], step["status"]) for step in steps][:2] == [
        ("extract_op", "succeeded"),
        ("transform_op", "failed"),
    ]
    assert "ValueError: no such column: price" in steps[1]["error"]
    assert "src/dataflow/workflows/by_hand/dagster_job.py:23" in steps[1]["error"]
    with history(project) as instance:
        found = instance.get_run_by_id(str(outcome["run_id"]))
        assert found is not None
        assert found.status is DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_a_run_whose_process_was_killed_is_closed_by_the_next(project: Project) -> None:
    """After kill -9 the history does not show a run that goes on for ever."""
    write_job(project, "print('here', flush=True); import sys; sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=project.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
    write_job(project, "pass")
    assert run(project)["success"]
    with history(project) as instance:
        statuses = [found.status for found in instance.get_runs()]
    assert statuses == [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]


@pytest.mark.slow
def test_what_died_is_looked_for_among_what_is_under_way_however_long_the_history(
    project: Project,
) -> None:
    """By counting SQLite's instructions: twice as many runs that have ended are none the more."""
    tags = {WORKFLOW_TAG: "by_hand", HOST_TAG: socket.gethostname()}

    @job
    def by_hand_job() -> None:
        """A job without steps."""

    with open_instance(project) as instance:
        taken = []
        for _ in range(2):
            for _ in range(20):
                instance.create_run_for_job(by_hand_job, status=DagsterRunStatus.SUCCESS, tags=tags)
            dead = instance.create_run_for_job(
                by_hand_job, status=DagsterRunStatus.STARTED, tags=tags
            )
            storage: Any = instance.run_storage
            with storage.connect() as connection:
                sqlite = connection.connection.driver_connection
            counts: list[None] = []
            sqlite.set_progress_handler(lambda counts=counts: counts.append(None), 1)
            _close_dead_runs(project, instance, "by_hand")
            sqlite.set_progress_handler(None, 1)
            taken.append(len(counts))
            closed = instance.get_run_by_id(dead.run_id)
            assert closed is not None
            assert closed.status == DagsterRunStatus.FAILURE
    assert 0 < taken[1] < taken[0] * 1.2


@pytest.mark.slow
def test_a_second_run_at_once_is_refused_with_the_name_of_the_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot wait is told which process holds the workflow."""
    monkeypatch.setenv("DATAFLOW_LOCK_TIMEOUT_SECONDS", "0")
    with workflow_lock(project, "by_hand"):
        code = RUN.replace("print(", "run = (")
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True
        )
    assert WorkflowBusyError.__name__ in done.stderr
    assert f"process {os.getpid()} on {socket.gethostname()}" in done.stderr


@pytest.mark.slow
def test_a_fresh_history_can_be_opened_by_several_at_once(project: Project) -> None:
    """Processes that meet a project without state do not break it for one another."""
    code = (
        "from dataflow.runs.instance import open_instance\n"
        "from dataflow.shared.project import find_project\n"
        "with open_instance(find_project()) as instance: print(instance.get_runs_count())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=project.root, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate()[0] for process in started] == ["0\n"] * 4


def test_settings_of_dagster_come_from_the_projects_root(project: Project) -> None:
    """The tracked dagster.yaml is the one that the instance reads, also after state was deleted."""
    with open_instance(project) as instance:
        assert instance.managed_python_loggers == ["dataflow"]


def test_runs_whose_process_is_gone_are_closed_each_by_who_can_know(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this host, by whoever holds the workflow; with a shared history also those of others."""

    @job
    def by_hand_job() -> None:
        """A job without steps."""

    here, gone = socket.gethostname(), "process 7 on afar"
    begun = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    with open_instance(project) as instance:

        def made(workflow_id: str, host: str, status: DagsterRunStatus = begun[2]) -> str:
            tags = {WORKFLOW_TAG: workflow_id, HOST_TAG: host, PROCESS_TAG: "9"}
            return instance.create_run_for_job(by_hand_job, status=status, tags=tags).run_id

        def open_runs() -> set[str]:
            return {run.run_id for run in instance.get_runs() if not run.is_finished}

        mine = [made("by_hand", here, status) for status in begun]
        kept = {made("other", here), made("by_hand", "afar")}
        assert open_runs() == {*mine, *kept}
        _close_dead_runs(project, instance, "by_hand")
        assert open_runs() == kept
        said = [str(event.message) for event in instance.all_logs(mine[0])]
        assert "The process 9 that executed this run is gone." in said[-1]
        lost, alive = made("by_hand", "afar"), made("by_hand", here)
        monkeypatch.setattr(
            run_module, "lost_process", lambda _, run_id: gone if run_id == lost else ""
        )
        monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://nowhere/history")
        _close_dead_runs(Project(project.root), instance, "by_hand")
        assert open_runs() == {*kept, alive}
        said = [str(event.message) for event in instance.all_logs(lost)]
        assert f"The {gone} that executed this run is gone." in said[-1]
