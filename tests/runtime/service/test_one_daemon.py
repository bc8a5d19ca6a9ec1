"""One `dataflow up dagster` for all hosts that share a history."""

import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from tests.database_fixtures import postgres
from tests.service_fixtures import write_project

from dataflow.service.ports import Address
from dataflow.service.service_lock import AlreadyUpError, hold_services
from dataflow.service.services import Service
from dataflow.shared.project import Project

__all__ = ["postgres"]

# Holds the service of the project in the current folder, until it is ended.
HOLD = """
import sys, time
from dataflow.service.ports import Address
from dataflow.service.service_lock import hold_services
from dataflow.service.services import Service
from dataflow.shared.project import find_project
service = Service("dagster", Address("dagster", "127.0.0.1", 1, "X"), "/", [])
with hold_services(find_project(), [service]):
    print("held", flush=True)
    time.sleep(600)
"""


def service(name: str) -> Service:
    return Service(name, Address(name, "127.0.0.1", 1, "X"), "/", [])


@pytest.mark.slow
def test_a_second_daemon_elsewhere_is_refused(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Naming process and host; REST may be served there, and a killed one is no obstacle."""
    monkeypatch.setenv("DATAFLOW_HISTORY", postgres)
    here, there = (write_project(tmp_path / host / tmp_path.name) for host in ("a", "b"))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=there, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(AlreadyUpError, match=f"is up already: process {other.pid} on"),
            hold_services(Project(here), [service("dagster"), service("api")]),
        ):
            pass
        with hold_services(Project(here), [service("api")]):
            pass
        other.kill()
        other.wait()
        with hold_services(Project(here), [service("dagster")]):
            pass
    connection = psycopg2.connect(postgres)
    connection.autocommit = True
    connection.cursor().execute("DROP TABLE IF EXISTS dataflow_locks")
    connection.close()
