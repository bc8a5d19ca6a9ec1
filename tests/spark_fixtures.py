"""A Spark cluster of the tests' own: a standalone master and two workers, on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.database_fixtures import free_port

_SHORT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# What an executor gets is small, so that two fit beside everything else.
OPTIONS = {
    "spark.executor.memory": "512m",
    "spark.driver.memory": "512m",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    # Short lives: compiled once, quickly, and collected by one thread.
    "spark.driver.extraJavaOptions": _SHORT,
    "spark.executor.extraJavaOptions": _SHORT,
}


@dataclass
class Cluster:
    """A master and its workers."""

    folder: Path
    port: int
    web_port: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def master(self) -> str:
        """Its address."""
        return f"spark://127.0.0.1:{self.port}"

    def setting(self, **more: Any) -> dict[str, Any]:
        """What ``warehouse`` is for it in ``[tool.dataflow]``."""
        options = {**OPTIONS, **more.pop("options", {})}
        return {"type": "spark", "master": self.master, "options": options, **more}

    def state(self) -> dict[str, Any]:
        """What the master says of itself."""
        with urlopen(f"http://127.0.0.1:{self.web_port}/json/", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker, with one core."""
        number = len(self.workers)
        worker = self._start(
            f"worker-{number}",
            "worker.Worker",
            *("--cores", "1", "--memory", "600m", "--webui-port", "0"),
            *("--work-dir", str(self.folder / f"work-{number}"), self.master),
        )
        self.workers.append(worker)
        return worker

    def start_master(self) -> None:
        """The master."""
        ports = ("--port", str(self.port), "--webui-port", str(self.web_port))
        self.others.append(self._start("master", "master.Master", *ports))

    def wait_for_workers(self, count: int) -> None:
        """Until so many are registered."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if self.state()["aliveworkers"] == count:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
        raise AssertionError(f"no {count} workers came:\n{logs}")

    def kill_worker(self, number: int) -> None:
        """A worker dies with its executors, as its machine would."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()

    def events(self) -> dict[str, str]:
        """Properties of Spark by which applications write down what their executors do."""
        (self.folder / "events").mkdir(exist_ok=True)
        return {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.dir": (self.folder / "events").as_uri(),
        }

    def rows_written(self, application: str) -> dict[str, int]:
        """How many rows each executor of an application has written, by its id.

        Args:
            application: Its name, as the master shows it; that of its last one, if it had several.
        """
        found: dict[str, int] = {}
        for path in sorted((self.folder / "events").rglob("events_*")):
            events = [json.loads(line) for line in path.read_text().splitlines()]
            if not any(event.get("App Name") == application for event in events):
                continue
            found = {}
            for event in events:
                if event["Event"] != "SparkListenerTaskEnd" or not event.get("Task Metrics"):
                    continue
                executor = event["Task Info"]["Executor ID"]
                rows = event["Task Metrics"]["Output Metrics"]["Records Written"]
                found[executor] = found.get(executor, 0) + rows
        return found

    def stop(self) -> None:
        """Stop all of it, the executors as well."""
        for process in (*self.workers, *self.others):
            if process.poll() is None:
                process.terminate()
        for process in (*self.workers, *self.others):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self, name: str, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            # Without it a worker looks for the version in folders that PyPI's package has not.
            "SPARK_SCALA_VERSION": "2.13",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        }
        command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{what}"]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )


def start_cluster(workers: int = 2) -> Cluster:
    """A cluster that is up."""
    if not shutil.which("java"):
        pytest.skip("no Java is installed (Debian's package is called openjdk-17-jre-headless)")
    folder = Path(tempfile.mkdtemp(prefix="dataflow-spark-"))
    cluster = Cluster(folder, free_port(), free_port())
    cluster.start_master()
    for _ in range(workers):
        cluster.start_worker()
    try:
        cluster.wait_for_workers(workers)
    except AssertionError:
        cluster.stop()
        raise
    return cluster


@pytest.fixture(scope="session")
def spark_cluster() -> Iterator[Cluster]:
    """A standalone master and two workers with a core each."""
    cluster = start_cluster()
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)
