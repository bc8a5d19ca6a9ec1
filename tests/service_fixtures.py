"""A project with workflows written by hand, and `dataflow up` running on it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from tests.conftest import BIN, REPOSITORY

__all__ = [
    "Service",
    "free_ports",
    "running",
    "until",
    "write_project",
    "write_site",
    "write_workflow",
]

TEMPLATE = REPOSITORY / "template" / "project"

# As the guide has it: every workflow calls its ops the same. Each run writes down what it does.
JOB = """
import os
import time
from pathlib import Path

from dagster import OpExecutionContext, job, op
from dataflow.shared.logging import get_logger
from dataflow.shared.project import find_project
from dataflow.workflows.registry import register_workflow

log = get_logger(__name__)


def note(word, run_id):
    with open(find_project().root / "journal", "a") as journal:
        journal.write(f"WORKFLOW {word} {run_id}\\n")


@op(CONFIG)
def extract_op(context: OpExecutionContext):
    note("begins", context.run_id)
    log.info("extracting", workflow="WORKFLOW")
    BODY
    return 1


@op
def transform_op(context: OpExecutionContext, rows):
    note("ends", context.run_id)
    return rows


@job
def WORKFLOW_job():
    transform_op(extract_op())


register_workflow(workflow_id="WORKFLOW", job=WORKFLOW_job, description="WORKFLOW by hand")
"""
YAML = """
workflow: {name: "WORKFLOW", schedule: SCHEDULE, timezone: "UTC"}
ingestion: {source: {type: file, url: "rows.csv"}}
load: {table: rows}
"""
# Runs until the file `go` is in the project's folder.
UNTIL_GO = "while not (find_project().root / 'go').exists(): time.sleep(0.05)"


def write_project(root: Path) -> Path:
    """A project with Dagster's settings as the template has them, and no workflow."""
    root.mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    for name in ("dagster.yaml", "workspace.yaml"):
        (root / name).write_text((TEMPLATE / name).read_text())
    (root / "journal").touch()
    return root


def write_workflow(
    root: Path,
    workflow_id: str,
    body: str = "pass",
    *,
    schedule: str = "null",
    config: str = "",
    job: str = JOB,
) -> Path:
    """A workflow written by hand whose first op runs some code."""
    folder = root / "src" / "dataflow" / "workflows" / workflow_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    code = job.replace("BODY", body).replace("CONFIG", config).replace("WORKFLOW", workflow_id)
    (folder / "dagster_job.py").write_text(code)
    text = YAML.replace("SCHEDULE", schedule).replace("WORKFLOW", workflow_id)
    (folder / "config.yaml").write_text(text)
    return folder


def write_site(root: Path) -> None:
    """Dashboards of one page, as if they had been built."""
    public = root / ".dataflow" / "site" / "public"
    public.mkdir(parents=True)
    (public / "index.html").write_text("<!doctype html>the dashboard")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def until(happens: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Wait for something to happen in another process, and return it."""
    deadline = time.monotonic() + seconds
    while not (result := happens()):
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.1)
    return result


def command_line(process: psutil.Process) -> str:
    """The words that a process was started with; none if it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class Service:
    """`dataflow up` in a process of its own."""

    def __init__(self, root: Path, *names: str, env: dict[str, str] | None = None) -> None:
        self.root = root
        dagster, api, evidence = free_ports(3)
        self.env = {
            **{k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"},
            "DATAFLOW_DAGSTER_PORT": str(dagster),
            "DATAFLOW_API_PORT": str(api),
            "DATAFLOW_EVIDENCE_PORT": str(evidence),
            **(env or {}),
        }
        self.dagster_url = f"http://127.0.0.1:{dagster}"
        self.api_url = f"http://127.0.0.1:{self.env['DATAFLOW_API_PORT']}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [BIN / "dataflow", "up", *names],
            cwd=root,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.api = httpx.Client(base_url=self.api_url, timeout=120, trust_env=False)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines += self.process.stdout.readline().splitlines()
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return "\n".join(self.lines)

    def until_ready(self) -> Service:
        """Wait until all its services answer."""

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return "all is ready" in self.output

        until(ready, f"readiness of\n{self.output}\n", 120)
        return self

    def descendants(self) -> list[psutil.Process]:
        """Every process that it has started, and these have."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def find(self, part: str) -> psutil.Process:
        """The process with some text in its command line."""
        return next(p for p in self.descendants() if part in command_line(p))

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        self._reader.join(10)
        return code

    def kill(self) -> None:
        """Kill every process at once, as a power cut does."""
        for process in [*self.descendants(), psutil.Process(self.process.pid)]:
            process.kill()
        self.process.wait(10)

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask Dagster itself."""
        answer = httpx.post(
            f"{self.dagster_url}/graphql",
            json={"query": query, "variables": variables},
            timeout=60,
            trust_env=False,
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def journal(self, workflow_id: str = "") -> list[list[str]]:
        """What the runs have written down: workflow, `begins` or `ends`, run id."""
        lines = (self.root / "journal").read_text().splitlines()
        return [
            words for words in map(str.split, lines) if words[0] == workflow_id or not workflow_id
        ]


@contextmanager
def running(root: Path, *names: str, env: dict[str, str] | None = None) -> Iterator[Service]:
    """`dataflow up`, from when all is ready until the end of the block."""
    service = Service(root, *names, env=env)
    try:
        yield service.until_ready()
    finally:
        if service.process.poll() is None:
            service.stop()
