"""`dataflow workflow run --remote`, on a real service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import BIN, Dataflow
from tests.service_fixtures import (
    UNTIL_GO,
    Service,
    free_ports,
    running,
    until,
    write_project,
    write_workflow,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = write_project(tmp_path_factory.mktemp("remote") / "shop")
    write_workflow(root, "brief")
    write_workflow(root, "failing", "raise ValueError('the shop is closed')")
    write_workflow(root, "waiting", UNTIL_GO)
    until_told = UNTIL_GO.replace("'go'", "'go_parted'")
    write_workflow(root, "parted", until_told, schedule="null, partition: {by: [eu, us]}")
    with running(root, "dagster", env={"DATAFLOW_PUBLIC_URL": "https://runs.example.org"}) as up:
        yield up


def run(service: Service, dataflow: Dataflow, *options: str) -> subprocess.CompletedProcess[str]:
    return dataflow("workflow", "run", *options, cwd=service.root, env=service.env)


def test_here_and_there_tell_the_same(service: Service, dataflow: Dataflow) -> None:
    """The same keys, steps and status; both runs are in one history, under one job."""
    here = json.loads(run(service, dataflow, "brief", "--json").stdout)
    there = json.loads(run(service, dataflow, "brief", "--json", "--remote").stdout)
    assert here.keys() == there.keys()
    assert here["success"] is there["success"] is True
    assert [(step["name"], step["status"]) for step in here["steps"]] == [
        (step["name"], step["status"]) for step in there["steps"]
    ]
    query = "query R($id: ID!) { runOrError(runId: $id) { ... on Run { jobName status } } }"
    for outcome in (here, there):
        seen = service.graphql(query, id=outcome["run_id"])["runOrError"]
        assert seen == {"jobName": "brief_job", "status": "SUCCESS"}


def test_its_log_is_printed_when_asked_for(service: Service, dataflow: Dataflow) -> None:
    """-v shows the lines that the workflow logs on the service."""
    done = run(service, dataflow, "brief", "--remote", "-v")
    assert done.returncode == 0
    assert "extracting" in done.stderr
    assert "extract_op" in done.stdout


def test_a_failed_run_is_exit_code_1_with_its_reason(service: Service, dataflow: Dataflow) -> None:
    """The error and its place, as when it runs here."""
    done = run(service, dataflow, "failing", "--remote")
    assert done.returncode == 1
    assert "the shop is closed" in done.stderr
    assert "workflows/failing/dagster_job.py" in done.stderr


def test_ctrl_c_ends_the_following_and_not_the_run(service: Service) -> None:
    """Exit code 130 and where to see the run, which then succeeds."""
    follower = subprocess.Popen(
        [BIN / "dataflow", "workflow", "run", "waiting", "--remote"],
        cwd=service.root,
        env=service.env,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: service.journal("waiting"), "the start")
    follower.send_signal(signal.SIGINT)
    said = follower.communicate(timeout=30)[1]
    assert follower.returncode == 130
    run_id = service.journal("waiting")[0][2]
    assert f"https://runs.example.org/runs/{run_id}" in said
    (service.root / "go").touch()
    until(lambda: ["waiting", "ends", run_id] in service.journal(), "the end")


def test_partitions_are_filled_in_on_the_service(service: Service, dataflow: Dataflow) -> None:
    """Each told of when its run is over, with a link; asked for twice once; the rest is missing."""
    options = ("workflow", "backfill", "parted", "--remote")
    asked = [str(BIN / "dataflow"), *options, "--partition", "us"]
    pipe = subprocess.PIPE
    first, second = [
        subprocess.Popen(asked, cwd=service.root, env=service.env, stdout=pipe, text=True)
        for _ in range(2)
    ]
    until(lambda: service.journal("parted"), "the start")
    # What it will make is not missing; that is followed, and the rest begins.
    left = dataflow(*options, "--missing", "--dry-run", cwd=service.root, env=service.env)
    assert left.stdout == "eu\n"
    rest = subprocess.Popen(
        [str(BIN / "dataflow"), *options, "--missing", "--json"],
        cwd=service.root,
        env=service.env,
        stdout=pipe,
        text=True,
    )
    until(lambda: len(backfills(service)) == 2, "the rest")
    left = dataflow(*options, "--missing", "--dry-run", cwd=service.root, env=service.env)
    assert left.stdout.startswith("Left to backfill ")
    (service.root / "go_parted").touch()
    said = [each.communicate(timeout=60)[0] for each in (first, second, rest)]
    assert (first.returncode, second.returncode, rest.returncode) == (0, 0, 0), said
    assert all("https://runs.example.org/runs/b/" in each for each in said[:2])
    assert sum("under way already" in each for each in said) == 1, said
    assert [json.loads(line)["partition"] for line in said[2].splitlines()] == ["us", "eu"]
    assert len(service.journal("parted")) == 4


def backfills(service: Service) -> list[dict[str, str]]:
    """Those that Dagster knows."""
    query = "query B { partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }"
    found: list[dict[str, str]] = service.graphql(query)["partitionBackfillsOrError"]["results"]
    return found


def test_without_a_service_it_says_how_to_start_one(tmp_path: Path, dataflow: Dataflow) -> None:
    """One line with the address that was tried and what to do; exit code 1."""
    root = write_project(tmp_path / "shop")
    write_workflow(root, "brief")
    env = {"DATAFLOW_DAGSTER_PORT": str(free_ports(1)[0]), "PATH": os.environ["PATH"]}
    refused = dataflow("workflow", "run", "brief", "--remote", cwd=root, env=env)
    assert refused.returncode == 1
    assert "Start it with `dataflow up dagster`" in refused.stderr
