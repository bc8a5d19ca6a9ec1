"""Runs of `dataflow up` that are forked from a process with the libraries loaded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.conftest import BIN
from tests.service_fixtures import (
    UNTIL_GO,
    Service,
    command_line,
    running,
    until,
    write_project,
    write_workflow,
)

from dataflow.service.warm_terminal import TERMINAL_RUN

TELL = """
    import sys
    others = [name for name in sys.modules if name.startswith("dataflow.workflows.ot")]
    note(f"{os.getppid()} {others} EDITION", context.run_id)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = write_project(tmp_path_factory.mktemp("warm") / "shop")
    write_workflow(root, "telling", TELL.strip())
    write_workflow(root, "waiting", UNTIL_GO)
    write_workflow(root, "endless", "time.sleep(600)")
    write_workflow(root, "other")
    # The path of a socket has to be short.
    runtime = tempfile.mkdtemp(prefix="df")
    with running(root, "dagster", "api", env={"XDG_RUNTIME_DIR": runtime}) as up:
        until(lambda: (worker(up), True)[1], "the warm process")
        until(lambda: run(up, "other")["tags"].get("dataflow/run_process"), "a run from it")
        yield up
    shutil.rmtree(runtime)


def worker(service: Service) -> psutil.Process:
    # Its children have its command line.
    keeper = service.find("worker_keeper")
    found: psutil.Process = until(
        lambda: [p for p in keeper.children() if "warm_worker" in command_line(p)],
        "the warm process",
    )[0]
    return found


def run(service: Service, workflow: str, wait: int = 60) -> dict[str, Any]:
    url = f"/api/v1/workflows/{workflow}/run?wait={wait}"
    return dict(service.api.post(url, json={}).json())


def look(service: Service, run_id: str) -> dict[str, Any]:
    return dict(service.api.get(f"/api/v1/runs/{run_id}").json())


def process_of(service: Service, run_id: str) -> psutil.Process:
    """The process that executes a run, once a step of it has begun."""
    journal = service.root / "journal"
    until(lambda: f"begins {run_id}" in journal.read_text(), "a first step")
    return psutil.Process(int(look(service, run_id)["tags"]["dataflow/run_process"].split("@")[0]))


def ended(service: Service, run_id: str) -> dict[str, Any]:
    return dict(
        until(lambda: (r := look(service, run_id))["status"] not in LIVE and r, "the run's end")
    )


LIVE = ("queued", "running", "canceling")


@pytest.mark.slow
def test_a_run_is_a_child_of_the_warm_process_and_has_only_its_own_code(service: Service) -> None:
    """No other workflow is imported in it, and an edit is seen by the next run."""
    pid = worker(service).pid
    assert run(service, "telling")["status"] == "succeeded"
    assert f"telling {pid} [] EDITION" in (service.root / "journal").read_text()
    write_workflow(service.root, "telling", TELL.strip().replace("EDITION", "second edition"))
    assert run(service, "telling")["status"] == "succeeded"
    assert f"telling {pid} [] second edition" in (service.root / "journal").read_text()


@pytest.mark.slow
def test_a_workflow_that_runs_is_not_started_beside_itself(service: Service) -> None:
    """The second run stands in Dagster's queue, and starts when the first has ended."""
    first = run(service, "waiting", 0)
    process_of(service, first["run_id"])
    second = run(service, "waiting", 0)
    assert second["status"] == "queued"
    (service.root / "go").touch()
    assert ended(service, second["run_id"])["status"] == "succeeded"
    assert ended(service, first["run_id"])["status"] == "succeeded"
    (service.root / "go").unlink()


@pytest.mark.slow
def test_a_run_can_be_cancelled(service: Service) -> None:
    """The interrupt reaches its process, which writes it down."""
    run_id = run(service, "endless", 0)["run_id"]
    process = process_of(service, run_id)
    assert service.api.post(f"/api/v1/runs/{run_id}/cancel").status_code == 202
    assert ended(service, run_id)["status"] == "canceled"
    until(lambda: not process.is_running(), "the end of its process")


@pytest.mark.slow
def test_a_killed_run_says_so(service: Service) -> None:
    """It does not stay under way for ever."""
    run_id = run(service, "endless", 0)["run_id"]
    process_of(service, run_id).kill()
    found = ended(service, run_id)
    assert found["status"] == "failed"
    assert "killed by SIGKILL" in service.api.get(f"/api/v1/runs/{run_id}/logs").text


@pytest.mark.slow
def test_a_killed_warm_process_takes_no_run_along_and_comes_back(service: Service) -> None:
    """The run under way goes on; the next is started by Dagster, or by the next such process."""
    run_id = run(service, "waiting", 0)["run_id"]
    process = process_of(service, run_id)
    before = worker(service)
    before.kill()
    assert run(service, "telling")["status"] == "succeeded"
    (service.root / "go").touch()
    assert ended(service, run_id)["status"] == "succeeded"
    until(lambda: not process.is_running(), "the end of its process")
    assert worker(service).pid != before.pid
    until(lambda: run(service, "other")["tags"].get("dataflow/run_process"), "a run from it")
    (service.root / "go").unlink()


@pytest.mark.slow
def test_a_warm_process_that_does_not_answer_holds_up_no_run(service: Service) -> None:
    """Dagster's own launcher starts it."""
    stopped = worker(service)
    stopped.suspend()
    try:
        found = run(service, "telling")
    finally:
        os.kill(stopped.pid, signal.SIGCONT)
    assert found["status"] == "succeeded"
    assert "dataflow/run_process" not in found["tags"]


def at_terminal(service: Service, workflow: str) -> subprocess.Popen[str]:
    """A run that a person starts, with the variables that the service was started with."""
    return subprocess.Popen(
        [BIN / "dataflow", "--debug", "workflow", "run", workflow],
        env={**service.env, "DATAFLOW_DAEMON": "1"},
        cwd=service.root,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_terminal_has_its_runs_from_the_same_process(service: Service) -> None:
    """No second one is started beside it."""
    pid = worker(service).pid
    folder = Path(service.env["XDG_RUNTIME_DIR"])
    until(lambda: [*folder.rglob("*.sock")], f"its second socket in {folder}\n{service.output}\n")
    with at_terminal(service, "telling") as process:
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert f"telling {pid} " in (service.root / "journal").read_text().splitlines()[-2]


def runs_of_terminals(service: Service) -> list[psutil.Process]:
    return [process for process in worker(service).children() if process.name() == TERMINAL_RUN]


@pytest.mark.slow
def test_nothing_is_left_when_the_service_ends(service: Service) -> None:
    """Also not a run of a warm process that was killed; it writes down that it was interrupted.

    A run of a terminal is not the service's, and goes on.
    """
    (service.root / "go").unlink(missing_ok=True)
    count = (service.root / "journal").read_text().count("waiting begins")
    theirs = at_terminal(service, "waiting")
    until(
        lambda: (service.root / "journal").read_text().count("waiting begins") > count, "its start"
    )
    run_of_theirs = runs_of_terminals(service)
    assert run_of_theirs
    run_id = run(service, "endless", 0)["run_id"]
    process = process_of(service, run_id)
    worker(service).kill()
    everything = [one for one in [*service.descendants(), process] if one not in run_of_theirs]
    service.stop()
    (service.root / "go").touch()
    _, errors = theirs.communicate(timeout=60)
    assert (theirs.returncode, errors) == (0, "")
    _, alive = psutil.wait_procs(everything, timeout=10)
    assert not alive, alive
