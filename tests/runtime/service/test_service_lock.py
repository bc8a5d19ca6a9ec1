"""One `up` of a service of a project at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.conftest import Dataflow
from tests.service_fixtures import Service as Running
from tests.service_fixtures import free_ports, running, until, write_project

from dataflow.service.ports import Address
from dataflow.service.service_lock import AlreadyUpError, hold_services
from dataflow.service.services import Service
from dataflow.shared.project import Project

HOLD = """
import sys, time
from pathlib import Path
from dataflow.service.ports import Address
from dataflow.service.service_lock import hold_services
from dataflow.service.services import Service
from dataflow.shared.project import Project
services = [Service(n, Address(n, "127.0.0.1", 4711, "X"), "/", []) for n in sys.argv[2:]]
with hold_services(Project(Path(sys.argv[1])), services):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(write_project(tmp_path / "shop"))


def service(name: str) -> Service:
    return Service(name, Address(name, "127.0.0.1", 4712, "X"), "/", [])


@contextmanager
def holder(project: Project, *names: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds services."""
    command = [sys.executable, "-c", HOLD, str(project.root), *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_is_refused_with_who_has_it(project: Project) -> None:
    """Its process, its port and how to stop it; services that nobody has can be had."""
    with holder(project, "dagster", "api") as other:
        with pytest.raises(AlreadyUpError) as refused, hold_services(project, [service("api")]):
            pass
        assert f"api of this project is up already: process {other.pid}," in refused.value.reason
        assert "http://127.0.0.1:4711 (port 4711)" in refused.value.reason
        assert f"kill {other.pid}" in refused.value.instruction
        wanted = [service("evidence"), service("dagster")]
        with pytest.raises(AlreadyUpError, match="dagster of this"), hold_services(project, wanted):
            pass
        # What a refused one had taken before is given back.
        with hold_services(project, [service("evidence")]):
            pass


def test_a_killed_one_gives_back_what_it_held(project: Project) -> None:
    """SIGKILL, and what it wrote down of itself stops nobody."""
    with holder(project, "dagster") as other:
        other.send_signal(signal.SIGKILL)
        other.wait(10)
        with hold_services(project, [service("dagster")]):
            pass
    assert not list((project.state_dir / "locks").glob("*.json"))


def test_another_machine_is_named_with_its_own(project: Project) -> None:
    """A container's process has a number that means nothing here: none is named to be killed."""
    with holder(project, "dagster") as other:
        path = project.state_dir / "locks" / "up.dagster.json"
        path.write_text(path.read_text().replace(os.uname().nodename, "container-7"))
        with pytest.raises(AlreadyUpError) as refused, hold_services(project, [service("dagster")]):
            pass
    assert f"process {other.pid} on container-7" in refused.value.reason
    assert "kill" not in refused.value.instruction


@pytest.mark.slow
def test_up_runs_once_and_ends_with_its_supervisor(project: Project, dataflow: Dataflow) -> None:
    """A second `up` is refused on any ports; after a kill -9 the next one starts, and alone."""
    with running(project.root, "dagster") as first:
        others = dict(zip(("DAGSTER", "API"), map(str, free_ports(2)), strict=True))
        env = {f"DATAFLOW_{name}_PORT": port for name, port in others.items()}
        refused = dataflow("up", cwd=project.root, env=env)
        assert refused.returncode == 2
        assert f"dagster of this project is up already: process {first.process.pid}," in (
            refused.stderr
        )
        assert f"(port {first.env['DATAFLOW_DAGSTER_PORT']})" in refused.stderr
        before = first.descendants()
        first.process.send_signal(signal.SIGKILL)
        env = {name: value for name, value in first.env.items() if name.startswith("DATAFLOW_")}
        second = Running(project.root, "dagster", env=env)
        try:
            until(lambda: "daemon started" in second.output, "the second start")
            assert [
                p for p in before if p.is_running() and p.status() != psutil.STATUS_ZOMBIE
            ] == []
            second.until_ready()
        finally:
            assert second.stop() == 0
