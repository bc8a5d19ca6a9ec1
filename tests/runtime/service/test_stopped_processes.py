"""A process of a service that is stopped is named, since nobody starts it again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.service_fixtures import until, write_project

from dataflow.service.dagster_errors import DagsterUnavailableError, ServiceStoppedError
from dataflow.service.patience import with_patience
from dataflow.service.stopped_processes import stopped_processes
from dataflow.shared.project import Project


def unanswered() -> None:
    raise DagsterUnavailableError("Dagster does not answer: timed out.", "Start it.")


def test_a_stopped_process_is_named_until_it_goes_on(tmp_path: Path) -> None:
    """Which one it is, and how it is let go on; services of other machines are not looked at.

    Nobody who asks Dagster for something waits in vain for that.
    """
    project = Project(write_project(tmp_path / "shop"))
    locks = project.state_dir / "locks"
    locks.mkdir(parents=True)
    me = {"pid": os.getpid(), "host": socket.gethostname()}
    (locks / "up.dagster.json").write_text(json.dumps(me))
    (locks / "up.api.json").write_text(json.dumps({**me, "host": "elsewhere"}))
    code = "import time; time.sleep(600)"
    daemon = subprocess.Popen([sys.executable, "-c", code, "dataflow.service.dagster_daemon"])
    try:
        assert stopped_processes(project) == []
        daemon.send_signal(signal.SIGSTOP)
        [said] = until(lambda: stopped_processes(project), "the stop")
        assert "Dagster's daemon" in said
        assert f"kill -CONT {daemon.pid}" in said
        with pytest.raises(ServiceStoppedError, match=f"kill -CONT {daemon.pid}"):
            with_patience(project, unanswered)
        daemon.send_signal(signal.SIGCONT)
        until(lambda: not stopped_processes(project), "going on")
    finally:
        daemon.kill()
        daemon.wait()
