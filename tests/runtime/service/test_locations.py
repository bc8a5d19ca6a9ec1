"""Groups of workflows in code locations of their own, as on a cluster, asked by one REST API."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import yaml
from tests.conftest import BIN
from tests.service_fixtures import free_ports, until, write_project, write_workflow

from dataflow.runs.instance import prepare_dagster_home
from dataflow.runs.run_request import RunRequest
from dataflow.service.dagster_client import Dagster
from dataflow.service.dagster_errors import DagsterUnavailableError
from dataflow.shared.errors import DataflowError
from dataflow.shared.project import Project

GROUPS = {"finance": ["ledger"], "rest": ["orders", "sales"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("locations") / "shop")
    for name in ("ledger", "orders", "sales"):
        write_workflow(folder, name)
    return folder


@pytest.fixture(scope="module")
def servers(root: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A code server of each group, a webserver and a daemon, as Dagster's chart starts them."""
    home = prepare_dagster_home(Project(root))
    web, *ports = free_ports(3)
    located = [
        {"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": name}}
        for name, port in zip(GROUPS, ports, strict=True)
    ]
    workspace = root / "groups.yaml"
    workspace.write_text(yaml.safe_dump({"load_from": located}))
    env = {**os.environ, "DAGSTER_HOME": str(home), "DATAFLOW_PROJECT": str(root)}
    serve: list[str | Path] = [BIN / "dagster", "api", "grpc", "-h", "127.0.0.1"]
    module = ["--module-name", "dataflow.runs.code_location"]
    with ExitStack() as stack:

        def start(command: list[str | Path], **more: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, cwd=root, env={**env, **more})
            stack.callback(process.wait, 30)
            stack.callback(process.send_signal, signal.SIGTERM)
            return process

        found = {
            name: start(
                [*serve, "-p", str(port), *module],
                DATAFLOW_LOCATION_WORKFLOWS=",".join(GROUPS[name]),
            )
            for name, port in zip(GROUPS, ports, strict=True)
        }
        # A webserver that starts earlier looks again only when it is told to.
        for port in ports:
            until(partial(_listens, port), "a code server", 180)
        own: list[str | Path] = ["-w", workspace]
        found["web"] = start([BIN / "dagster-webserver", "-h", "127.0.0.1", "-p", str(web), *own])
        found["daemon"] = start([BIN / "dagster-daemon", "run", *own])
        (root / "url").write_text(f"http://127.0.0.1:{web}")
        yield found


@pytest.fixture
def dagster(
    root: Path, servers: dict[str, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> Dagster:
    """The client of the REST API, which is told both names."""
    monkeypatch.setenv("DATAFLOW_LOCATIONS", ",".join(GROUPS))
    client = Dagster(Project(root), (root / "url").read_text())

    def all_there() -> bool:
        try:
            return len(client.reload()) == 3
        except DagsterUnavailableError:
            return False

    if servers["finance"].poll() is None:
        until(all_there, "three workflows", 180)
    return client


@pytest.mark.slow
def test_workflows_of_all_locations_are_listed_and_run(dagster: Dagster) -> None:
    """Each in its own location and in no other; the run is launched there, and succeeds."""
    jobs = dagster.jobs()
    assert {name: job.location for name, job in jobs.items()} == {
        "ledger": "finance",
        "orders": "rest",
        "sales": "rest",
    }
    for name in ("ledger", "sales"):
        run = dagster.launch(name, RunRequest(), {})
        ended = until(partial(_ended, dagster, run.run_id), f"the end of {name}")
        assert ended == "succeeded"


@pytest.mark.slow
def test_a_location_that_is_gone_leaves_the_others(
    dagster: Dagster, servers: dict[str, subprocess.Popen[bytes]]
) -> None:
    """Its workflows are missing or refused with a reason; the others run."""
    servers["finance"].kill()
    servers["finance"].wait(30)

    run = dagster.launch("sales", RunRequest(), {})

    assert until(lambda: _ended(dagster, run.run_id), "the end of sales") == "succeeded"
    with pytest.raises(DataflowError):
        dagster.launch("ledger", RunRequest(), {})


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ended(dagster: Dagster, run_id: str) -> str:
    status = dagster.run(run_id).status
    return status if status in ("succeeded", "failed", "canceled") else ""
