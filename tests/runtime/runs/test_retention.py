"""Old runs go as the settings say, with all that lies on disk of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job
from tests.service_fixtures import write_project

from dataflow.runs.instance import open_instance
from dataflow.runs.model import Step
from dataflow.runs.retention import forget_old_runs
from dataflow.runs.run_ledger import RunLedger, RunNote
from dataflow.shared.project import Project

GOOD, BAD = DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE


@job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(write_project(tmp_path / "shop"))


@pytest.fixture
def instance(project: Project) -> Iterator[DagsterInstance]:
    with open_instance(project) as instance:
        yield instance


def ran(instance: DagsterInstance, status: DagsterRunStatus, **tags: str) -> str:
    names = {"workflow": "dataflow/workflow", "partition": "dagster/partition"}
    known = {names[key]: value for key, value in tags.items()}
    return instance.create_run_for_job(nothing, status=status, tags=known).run_id


def test_so_many_runs_of_each_workflow_are_kept(
    project: Project, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs under way stay, and the last good one of a workflow or partition, however old."""
    last_good = ran(instance, GOOD, workflow="shop")
    of_monday = ran(instance, GOOD, workflow="parted", partition="monday")
    runs = [ran(instance, BAD, workflow="shop") for _ in range(5)]
    of_tuesday = [ran(instance, GOOD, workflow="parted", partition="tuesday") for _ in range(3)]
    running = ran(instance, DagsterRunStatus.STARTED, workflow="shop")
    instance.report_engine_event("so it went", instance.get_run_by_id(runs[0]))
    shard = project.dagster_home / "history" / "runs" / f"{runs[0]}.db"
    folder = project.state_dir / "runs" / "shop" / runs[0]
    folder.mkdir(parents=True)
    ledger = RunLedger(project)
    ledger.note(runs[0], "shop", RunNote([Step("load", "succeeded", 1.0, rows=3)], 2))
    assert ledger.notes([runs[0]])[runs[0]].rejected_rows == 2
    assert shard.exists()
    assert forget_old_runs(project, instance) == []
    monkeypatch.setenv("DATAFLOW_HISTORY_RUNS", "2")
    gone = forget_old_runs(Project(project.root), instance)
    assert sorted(gone) == sorted([*runs[:3], of_tuesday[0]])
    kept = {run.run_id for run in instance.get_runs()}
    assert kept == {last_good, of_monday, *runs[3:], *of_tuesday[1:], running}
    assert not shard.exists()
    assert not folder.exists()
    assert ledger.notes([runs[0]]) == {}


@pytest.mark.slow
def test_runs_are_kept_for_so_many_days(
    project: Project, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By when they were asked for; a fraction of a day will do."""
    bad = ran(instance, BAD, workflow="shop")
    good = ran(instance, GOOD, workflow="shop")
    monkeypatch.setenv("DATAFLOW_HISTORY_DAYS", "1")
    assert forget_old_runs(Project(project.root), instance) == []
    monkeypatch.setenv("DATAFLOW_HISTORY_DAYS", "0.000000001")
    assert forget_old_runs(Project(project.root), instance) == [bad]
    assert [run.run_id for run in instance.get_runs()] == [good]


@pytest.mark.slow
def test_the_folder_of_all_runs_is_not_listed_for_each_that_goes(
    project: Project, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a file for every run, so that a long history would be forgotten in its square."""
    for _ in range(8):
        run_id = ran(instance, BAD, workflow="shop")
        instance.report_engine_event("so it went", instance.get_run_by_id(run_id))
    monkeypatch.setenv("DATAFLOW_HISTORY_RUNS", "1")
    listed: list[object] = []

    def note(event: str, about: tuple[object, ...]) -> None:
        if event == "os.scandir":
            listed.append(about[0])

    sys.addaudithook(note)
    gone = forget_old_runs(Project(project.root), instance)
    of_events = project.dagster_home / "history" / "runs"
    assert len(gone) == 7
    assert [each for each in listed if Path(str(each)) == of_events] == []
    assert list(of_events.glob(f"{gone[0]}*")) == []
