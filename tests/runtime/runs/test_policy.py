"""Retries, time-outs and notifications from the section `run` of config.yaml."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.asset_fixtures import write_till
from tests.conftest import Dataflow
from tests.service_fixtures import running, until, write_project, write_workflow

from dataflow.runs.policy import RunTimedOutError, ends_in_time, time_limit

# Fails until it has been tried as often as the file has lines.
FLAKY = """
    tries = find_project().root / 'tries'
    done = len(tries.read_text()) if tries.exists() else 0
    tries.write_text('x' * (done + 1))
    if done < 2: raise ValueError('not yet')
"""


class Receiver:
    """An HTTP server that keeps what it is sent, as a chat or a pager does."""

    def __init__(self) -> None:
        received = self.received = []  # type: list[dict[str, str]]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/of-the-room"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


def configure(folder: Path, run: str) -> None:
    config = folder / "config.yaml"
    config.write_text(f"{config.read_text()}run: {run}\n")


@pytest.mark.slow
def test_a_step_that_fails_is_tried_again(root: Path, dataflow: Dataflow) -> None:
    """With two retries the third try counts, and the run has succeeded."""
    folder = write_workflow(root, "flaky", FLAKY.strip())
    configure(folder, "{retries: 2, retry_delay_seconds: 0}")
    done = dataflow("workflow", "run", "flaky", cwd=root)
    assert done.returncode == 0, done.stderr
    assert (root / "tries").read_text() == "xxx"


@pytest.mark.slow
def test_without_retries_the_first_failure_counts(root: Path, dataflow: Dataflow) -> None:
    """The default is that nothing is tried twice."""
    write_workflow(root, "flaky", FLAKY.strip())
    assert dataflow("workflow", "run", "flaky", cwd=root).returncode == 1
    assert (root / "tries").read_text() == "x"


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_ended(root: Path, dataflow: Dataflow) -> None:
    """It fails with what it exceeded; exit code 1, as it was not the user who stopped it."""
    configure(write_workflow(root, "endless", "time.sleep(600)"), "{timeout_seconds: 1}")
    done = dataflow("workflow", "run", "endless", "--json", cwd=root)
    assert done.returncode == 1
    assert "longer than 1 seconds" in json.loads(done.stdout)["error"]


@pytest.mark.slow
def test_a_failure_is_told_to_those_whom_the_config_names(
    root: Path, dataflow: Dataflow, receiver: Receiver
) -> None:
    """Over real HTTP: which workflow, what went wrong and where, and the run; never the address."""
    folder = write_workflow(root, "failing", "raise ValueError('the shop is closed')")
    configure(folder, '{on_failure: ["${ALARM}"]}')
    done = dataflow("workflow", "run", "failing", cwd=root, env={"ALARM": receiver.url})
    assert done.returncode == 1
    (message,) = receiver.received
    assert message["title"] == "failing failed"
    assert "the shop is closed" in message["message"]
    assert "dagster_job.py" in message["message"]
    assert "of-the-room" not in done.stdout + done.stderr


@pytest.mark.slow
def test_that_nobody_could_be_told_hides_nothing(root: Path, dataflow: Dataflow) -> None:
    """The run's own error is still there, with a warning; the address is not shown."""
    folder = write_workflow(root, "failing", "raise ValueError('the shop is closed')")
    configure(folder, '{on_failure: ["${ALARM}"]}')
    env = {"ALARM": "json://127.0.0.1:1/of-the-room"}
    done = dataflow("workflow", "run", "failing", cwd=root, env=env)
    assert done.returncode == 1
    assert "the shop is closed" in done.stderr
    assert "not everybody could be told" in done.stderr
    assert "of-the-room" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_run_asks_for_no_address_and_says_early_that_one_is_missing(
    root: Path, dataflow: Dataflow, receiver: Receiver
) -> None:
    """A good run is none the worse for it; of a failed one the others are told."""
    folder = write_workflow(root, "one")
    configure(folder, '{on_failure: ["${ALARM}", "${NOBODY}"]}')
    done = dataflow("workflow", "run", "one", cwd=root, env={"ALARM": receiver.url})
    assert done.returncode == 0, done.stderr
    assert "If this run fails, not everybody can be told: NOBODY is not set." in done.stderr
    job = folder / "dagster_job.py"
    job.write_text(job.read_text().replace("pass", "raise ValueError('closed')"))
    done = dataflow("workflow", "run", "one", cwd=root, env={"ALARM": receiver.url})
    assert done.returncode == 1
    assert len(receiver.received) == 1


@pytest.mark.slow
def test_an_address_in_the_file_is_refused_without_being_shown(
    root: Path, dataflow: Dataflow
) -> None:
    """Such addresses are secrets as a whole: they come from the environment."""
    configure(write_workflow(root, "one"), '{on_failure: ["slack://of-the-room"]}')
    refused = dataflow("workflow", "run", "one", cwd=root)
    assert refused.returncode == 2
    assert "run.on_failure" in refused.stderr
    assert "of-the-room" not in refused.stderr


@pytest.mark.slow
def test_on_the_service_it_is_the_same(root: Path, receiver: Receiver) -> None:
    """Dagster retries, ends what takes too long, and its sensor tells of both failures."""
    alarm = 'on_failure: ["${ALARM}"]'
    configure(
        write_workflow(root, "flaky", FLAKY.strip()),
        f"{{retries: 2, retry_delay_seconds: 0, {alarm}}}",
    )
    configure(
        write_workflow(root, "endless", "time.sleep(600)"), f"{{timeout_seconds: 5, {alarm}}}"
    )
    configure(write_workflow(root, "failing", "raise ValueError('closed')"), f"{{{alarm}}}")
    env = {"ALARM": receiver.url, **{k: v for k, v in os.environ.items() if k == "PATH"}}
    with running(root, "dagster", "api", env=env) as service:
        ids = {}
        for name in ("flaky", "endless", "failing"):
            launched = service.api.post(f"/api/v1/workflows/{name}/run")
            assert launched.status_code == 202, f"{launched.text}\n{service.output}"
            ids[name] = launched.json()["run_id"]
        ended = {
            name: service.api.get(f"/api/v1/runs/{run_id}", params={"wait": 90}).json()
            for name, run_id in ids.items()
        }
        assert ended["flaky"]["status"] == "succeeded"
        assert ended["failing"]["status"] == "failed"
        assert ended["endless"]["status"] == "failed"
        assert "took longer than 5 seconds" in ended["endless"]["error"]
        until(lambda: len(receiver.received) >= 2, "two alarms")
        titles = {message["title"] for message in receiver.received}
        assert titles == {"failing failed", "endless failed"}


@pytest.mark.slow
def test_an_asset_that_takes_too_long_is_ended_too(tmp_path: Path) -> None:
    """Made from Dagster's UI, in one process, it obeys run.timeout_seconds and says so."""
    till = write_till(tmp_path / "shop")
    configure(till.folder, "{timeout_seconds: 2}")
    job = till.folder / "dagster_job.py"
    slow = job.read_text().replace(
        "    return steps.extract", "    time.sleep(60)\n    return steps.extract"
    )
    job.write_text(f"import time\n{slow}")
    made = till.materialize("till/raw/sales")
    assert made["success"] is False
    assert "longer than 2 seconds" in made["fault"]
    assert made["by"] == "in_process"


def too_long(error: type[BaseException] = KeyboardInterrupt) -> None:
    """A block that its limit has to end."""
    with ends_in_time(0.02):
        try:
            threading.Event().wait(30)
        except KeyboardInterrupt as interrupt:
            raise error from interrupt


def test_a_block_that_takes_too_long_is_interrupted_and_says_so() -> None:
    """Whatever became of the interrupt on the way; what fails in time is what it is."""
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(RunTimedOutError, match=r"longer than 0\.02 seconds"):
            too_long(error)
    for limit in (None, 60.0):
        with pytest.raises(ValueError, match="of its own"), ends_in_time(limit):
            raise ValueError("of its own")


def test_a_limit_that_was_kept_interrupts_nobody_later() -> None:
    """Its timer ends with the block, and keeps no process alive."""
    with time_limit(60.0) as time_is_up:
        [timer] = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
        assert timer.daemon
    timer.join(30)
    assert not timer.is_alive()
    assert not time_is_up.is_set()
    with time_limit(None) as never:
        assert not never.is_set()
