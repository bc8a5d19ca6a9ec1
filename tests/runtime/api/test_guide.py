"""A workflow as the authoring guide writes it, and others like it, through every door."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY, Dataflow
from tests.service_fixtures import Service, running, until, write_project

pytestmark = pytest.mark.slow

GUIDE = REPOSITORY / "tests" / "cases" / "guide"
API = "/api/v1"

# Other names, a job that returns a value, rows that come from a generator, a partition.
LIKE_IT = """
import pandas as pd
from dagster import DailyPartitionsDefinition, OpExecutionContext, graph, job, op
from dataflow.workflows.registry import register_workflow


@op
def get_them(context: OpExecutionContext):
    key = context.partition_key
    return {"data": ({"day": key, "id": n} for n in range(5)), "metadata": {"source": "here"}}


@op
def change_them(found):
    frame = pd.DataFrame(found["data"])
    return {"data": frame[frame["id"] > 1].to_dict("records"), "metadata": found["metadata"]}


@op
def count_them(found, changed):
    with open("counted", "a") as file:
        file.write(f"{len(found['data'])} {len(changed['data'])} {changed['data'][0]['day']}\\n")
    return len(changed["data"])


@graph
def whole(found):
    return count_them(found, change_them(found))


@job(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def like_it():
    whole(get_them())


register_workflow("like_it", like_it)
"""

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""
START = """
mutation On($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) { __typename }
}
"""
REPO = {"repositoryName": "__repository__", "repositoryLocationName": "dataflow"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_project(tmp_path_factory.mktemp("guide") / "shop")
    workflows = root / "src" / "dataflow" / "workflows"
    shutil.copytree(GUIDE, workflows / "guide")
    config = workflows / "guide" / "config.yaml"
    config.write_text(config.read_text().replace('"0 0 * * *"', '"* * * * *"'))
    (workflows / "like_it").mkdir()
    (workflows / "like_it" / "dagster_job.py").write_text(LIKE_IT)
    return root


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[Service]:
    with running(root, "dagster", "api") as up:
        yield up


def test_the_guide_lists_is_valid_and_runs_from_the_command_line(
    root: Path, dataflow: Dataflow
) -> None:
    """With no login set: nothing that the code itself does not read is asked for."""
    listed = dataflow("workflow", "list", "--check", cwd=root)
    assert (listed.returncode, listed.stdout.splitlines()[0].split()[:2]) == (0, ["guide", "ok"])
    checked = dataflow("workflow", "check", "guide", "--json", "--no-tests", cwd=root)
    report = json.loads(checked.stdout)["workflows"][0]
    points = {point["point"]: point["status"] for point in report["points"]}
    assert (checked.returncode, report["passed"]) == (0, True), points
    needed = ("source", "config", "extract", "transform", "job", "secrets")
    assert {points[name] for name in needed} == {"met"}
    assert points["readme"] == "advised"
    ran = dataflow("workflow", "run", "guide", cwd=root)
    assert ran.returncode == 0, ran.stderr
    assert "'transformation_stages': ['cleaning', 'enrichment']} 2" in ran.stdout


def test_one_without_config_yaml_runs_for_a_partition(root: Path, dataflow: Dataflow) -> None:
    """Rows of a generator are there for every step that takes them."""
    refused = dataflow("workflow", "run", "like_it", cwd=root)
    assert refused.returncode == 2
    assert "from 2024-01-01 to" in refused.stderr
    ran = dataflow("workflow", "run", "like_it", "--partition", "2024-02-29", cwd=root)
    assert ran.returncode == 0, ran.stderr
    assert (root / "counted").read_text() == "5 3 2024-02-29\n"


def test_the_guide_runs_over_the_api_from_the_ui_and_by_its_schedule(service: Service) -> None:
    """The same run, whoever starts it."""
    shown = service.api.get(f"{API}/workflows/guide").json()
    assert (shown["status"], shown["schedule"]["cron"]) == ("ok", "* * * * *")
    asked = service.api.post(f"{API}/workflows/guide/run", params={"wait": 60}).json()
    assert asked["status"] == "succeeded", asked
    params = {"selector": {**REPO, "jobName": "my_workflow_job"}, "runConfigData": {}}
    launched = service.graphql(LAUNCH, params=params)["launchRun"]["run"]["runId"]
    ended = service.api.get(f"{API}/runs/{launched}", params={"wait": 60}).json()
    assert (ended["status"], ended["workflow_id"]) == ("succeeded", "guide")
    service.graphql(START, selector={**REPO, "scheduleName": "guide_schedule"})

    def by_schedule() -> bool:
        listed = service.api.get(f"{API}/runs", params={"workflow_id": "guide"}).json()["runs"]
        return len([run for run in listed if run["status"] == "succeeded"]) >= 3

    until(by_schedule, "a run by the schedule")


def test_a_partitioned_job_runs_over_the_api(service: Service, dataflow: Dataflow) -> None:
    """Without a partition, or with one that it does not have, it is told which there are."""
    run = f"{API}/workflows/like_it/run"
    missing = service.api.post(run)
    assert missing.status_code == 422, missing.text
    assert "from 2024-01-01 to" in missing.text
    wrong = service.api.post(run, json={"partition": "2024-02-30"})
    assert wrong.status_code == 422
    assert "2024-02-30" in wrong.text
    of_another = service.api.post(f"{API}/workflows/guide/run", json={"partition": "2024-02-29"})
    assert of_another.status_code == 422
    config = {"config": {"ops": {"nothing": {}}}, "partition": "2024-02-29"}
    assert "nothing" in service.api.post(run, json=config).text
    done = service.api.post(run, json={"partition": "2024-03-01"}, params={"wait": 60}).json()
    assert done["status"] == "succeeded", done
    remote = ("workflow", "run", "like_it", "--remote", "--partition", "2024-03-02")
    ran = dataflow(*remote, cwd=service.root, env=service.env)
    assert ran.returncode == 0, ran.stderr
    counted = (service.root / "counted").read_text().splitlines()
    assert counted[-2:] == ["5 3 2024-03-01", "5 3 2024-03-02"]
