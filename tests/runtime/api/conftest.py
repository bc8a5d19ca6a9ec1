"""What the API's tests stand on: a project of many workflows and the service running on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus, job
from tests.service_fixtures import (
    JOB,
    UNTIL_GO,
    Service,
    free_ports,
    running,
    write_project,
    write_workflow,
)

from dataflow.runs.instance import open_instance
from dataflow.shared.project import Project

HOOK_SECRET = "known-to-both"  # noqa: S105
# Whose code can be loaded by the service, and not by the process of its runs.
DYING = """
import os
if "DAGSTER_RUN_JOB_NAME" in os.environ:
    raise OSError("the shop has burnt down")
"""

_SWITCH_ON = """
mutation On($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) { __typename }
}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the workflow `one`, open to this machine, whose Dagster does not run."""
    root = write_project(tmp_path / "shop")
    write_workflow(root, "one")
    monkeypatch.setenv("DATAFLOW_DAGSTER_PORT", str(free_ports(1)[0]))
    monkeypatch.delenv("DATAFLOW_API_TOKEN", raising=False)
    return Project(root)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, _rendered: Path) -> Iterator[Service]:
    """Dagster and the REST API of one project, for all tests of this folder."""
    root = write_project(tmp_path_factory.mktemp("service") / "shop")
    for number in range(10):
        write_workflow(root, f"brief_{number}")
    write_workflow(root, "waiting", UNTIL_GO)
    write_workflow(root, "endless", "time.sleep(600)")
    write_workflow(root, "failing", "raise ValueError('the shop is closed')")
    write_workflow(root, "dying", job=DYING + JOB)
    hook = 'null, trigger: {webhook: {secret: "${HOOK_SECRET}"}}'
    write_workflow(root, "hooked", schedule=hook)
    shutil.copytree(_rendered / "sales", root / "src" / "dataflow" / "workflows" / "sales")
    write_workflow(root, "picky", config="config_schema={'day': str}")
    write_workflow(root, "ticking", schedule='"* * * * *"')
    by_region = "null, partition: {by: [eu, us, asia]}"
    write_workflow(root, "parted", "note(context.partition_key, '')", schedule=by_region)
    write_workflow(root, "stuck", "time.sleep(600)", schedule=by_region)
    write_workflow(root, "broken", job="import nothing_of_that_name")
    _age_one_run(root)
    variables = {"HOOK_SECRET": HOOK_SECRET, "DATAFLOW_HISTORY_DAYS": "1000"}
    with running(root, "dagster", "api", env=variables) as up:
        selector = {
            "scheduleName": "ticking_schedule",
            "repositoryName": "__repository__",
            "repositoryLocationName": "dataflow",
        }
        answer = up.graphql(_SWITCH_ON, selector=selector)
        assert answer["startSchedule"]["__typename"] == "ScheduleStateResult"
        yield up


@job
def forgotten_job() -> None:
    """A job without steps, whose run is older than the setting history_days keeps."""


def _age_one_run(root: Path) -> None:
    with open_instance(Project(root)) as instance:
        run_id = instance.create_run_for_job(forgotten_job, status=DagsterRunStatus.FAILURE).run_id
        with instance.run_storage.connect() as history:  # type: ignore[attr-defined]
            aged = "update runs set create_timestamp = '2001-01-01' where run_id = ?"
            history.exec_driver_sql(aged, (run_id,))
