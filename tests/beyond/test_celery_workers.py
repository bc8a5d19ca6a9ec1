"""An unchanged project on two Celery workers that share no disk.

What they share is Postgres, with the history, the locks and the catalog of a DuckLake; Redis; and a
server that speaks S3, with the lake's files, what steps hand over and what is published.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.beyond.hosts import Host, database, redis, require_namespaces
from tests.conftest import BIN, Dataflow
from tests.database_fixtures import PASSWORD, postgres
from tests.object_store_fixtures import S3Server, s3_server
from tests.service_fixtures import Service, until, write_workflow

__all__ = ["postgres", "s3_server"]

pytestmark = pytest.mark.slow

# Writes down where it begins and ends, for the test alone, and runs until `go` is there.
BODY = """
    shared = __import__("pathlib").Path("SHARED")
    host = __import__("socket").gethostname()
    print("printed on", host)
    with (shared / "journal").open("a") as journal:
        journal.write(f"begins {context.run_id} {host}\\n")
    while not (shared / "go").exists():
        time.sleep(0.05)
    with (shared / "journal").open("a") as journal:
        journal.write(f"ends {context.run_id}\\n")
"""
SETTINGS = """
[tool.dataflow.environments.prod]
history = "postgresql://tester:${DB_PASSWORD}@HISTORY"
state_store = "s3://BUCKET/state"
publish_target = "s3://BUCKET/site"
warehouse = {type = "ducklake", catalog = "postgresql://tester:${DB_PASSWORD}@HISTORY", data = "s3://BUCKET/lake"}
launcher = {type = "celery", broker = "REDIS"}
secrets_dir = "SHARED/secrets"
"""

PRINTED = """
query ($run: ID!) { logsForRun(runId: $run) { ... on EventConnection {
    events { ... on LogsCapturedEvent { fileKey } }
} } }
"""
LOG = "query ($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"


@dataclass
class Cluster:
    """A service, and the hosts that execute its runs."""

    root: Path
    shared: Path
    service: Service
    hosts: dict[str, Host]
    env: dict[str, str]
    bucket: str
    store: S3Server

    def launch(self, workflow_id: str) -> str:
        """Start a run over REST; its id."""
        answer = self.service.api.post(f"/api/v1/workflows/{workflow_id}/run", json={})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """What REST says of a run."""
        found: dict[str, Any] = self.service.api.get(f"/api/v1/runs/{run_id}").json()
        return found

    def runs(self, workflow_id: str) -> list[dict[str, Any]]:
        """What REST lists of the runs of a workflow."""
        answer = self.service.api.get("/api/v1/runs", params={"workflow_id": workflow_id})
        found: list[dict[str, Any]] = answer.json()["runs"]
        return found

    def ended(self, run_id: str, seconds: float = 90) -> dict[str, Any]:
        """The run, once it has ended."""
        until(lambda: self.run(run_id)["ended_at"], f"the end of {run_id}", seconds)
        return self.run(run_id)

    def host_of(self, run_id: str) -> str:
        """The host on which a run of the workflow that waits has begun."""
        until(lambda: f"begins {run_id}" in self.journal, f"the begin of {run_id}")
        return self.journal.partition(f"begins {run_id} ")[2].split()[0]

    def printed(self, run_id: str) -> str:
        """What Dagster's UI shows of what a run printed."""
        events = self.service.graphql(PRINTED, run=run_id)["logsForRun"]["events"]
        files = [event["fileKey"] for event in events if event.get("fileKey")]
        keys = [[run_id, "compute_logs", file] for file in files]
        logs = [self.service.graphql(LOG, key=key)["capturedLogs"] for key in keys]
        return "\n".join(f"{log['stdout']}{log['stderr']}" for log in logs)

    def stored(self, prefix: str) -> list[str]:
        """The names of what lies in the bucket."""
        asked = {"list-type": "2", "prefix": prefix}
        answer = httpx.get(f"{self.store.url}/{self.bucket}", params=asked, trust_env=False)
        return re.findall(r"<Key>([^<]+)</Key>", answer.text)

    @property
    def journal(self) -> str:
        """What the runs have written down."""
        path = self.shared / "journal"
        return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def cluster(
    postgres: str,
    s3_server: S3Server,
    dataflow: Dataflow,
    template_repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    require_namespaces()
    folder = tmp_path_factory.mktemp("beyond")
    shared, root = folder / "shared", folder / "shop"
    (shared / "secrets").mkdir(parents=True)
    (shared / "secrets" / "DB_PASSWORD").write_text(PASSWORD + "\n")
    made = dataflow("init", "shop", "--template", template_repository, "--defaults", cwd=folder)
    assert made.returncode == 0, made.stderr
    made = dataflow("workflow", "new", "sales", "--defaults", cwd=root)
    assert made.returncode == 0, made.stderr
    write_workflow(root, "waits", BODY.strip().replace("SHARED", str(shared)))
    bucket = s3_server.new_bucket()
    with database(postgres, "beyond") as history, redis() as broker:
        text = SETTINGS.replace("HISTORY", history).replace("REDIS", broker)
        text = text.replace("BUCKET", bucket)
        with (root / "pyproject.toml").open("a") as file:
            file.write(text.replace("SHARED", str(shared)))
        env = {"DATAFLOW_ENV": "prod", **s3_server.environment()}
        names = ("worker-a", "worker-b")
        hosts = {name: Host(name, root, folder / name, env) for name in names}
        service = Service(root, "dagster", "api", env=env)
        try:
            service.until_ready()
            for host in hosts.values():
                until(host.is_ready, f"readiness of {host.name}")
            yield Cluster(root, shared, service, hosts, {**service.env}, bucket, s3_server)
        finally:
            service.stop()
            for host in hosts.values():
                host.kill()


def test_runs_are_executed_on_both_hosts(cluster: Cluster) -> None:
    """While one is busy the other takes the next run, of a rendered workflow, to its good end."""
    (cluster.shared / "go").unlink(missing_ok=True)
    first = cluster.launch("waits")
    busy = cluster.host_of(first)
    second = cluster.ended(cluster.launch("sales"))
    assert second["status"] == "succeeded", second
    assert {busy, second["tags"]["dataflow/run_host"]} == set(cluster.hosts)
    assert cluster.stored("lake/sales/")
    assert "site/data/manifest.json" in cluster.stored("site/")
    # The service's host is a third one.
    [listed] = [each for each in cluster.runs("sales") if each["run_id"] == second["run_id"]]
    assert [step["name"] for step in listed["steps"]][-1] == "publish"
    assert listed["rows"]
    copies = (cluster.root, *(host.log.with_suffix("") for host in cluster.hosts.values()))
    assert not [path for copy in copies for path in copy.glob("data/*.duckdb")]
    # A third host is told who has the workflow.
    refused = subprocess.run(
        [BIN / "dataflow", "workflow", "run", "waits"],
        cwd=cluster.root,
        env={**cluster.env, "DATAFLOW_LOCK_TIMEOUT_SECONDS": "0"},
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert f" on {busy} since " in refused.stderr
    # A second launch waits for the first.
    third = cluster.launch("waits")
    (cluster.shared / "go").touch()
    assert [cluster.ended(each)["status"] for each in (first, third)] == ["succeeded"] * 2
    assert f"printed on {busy}\n" in cluster.printed(first)
    words = [line.split()[:2] for line in cluster.journal.splitlines()]
    assert words == [["begins", first], ["ends", first], ["begins", third], ["ends", third]]


def test_a_cancelled_run_ends_on_its_host_and_frees_it(cluster: Cluster) -> None:
    """What it was doing is broken off there; the workflow's next run begins."""
    (cluster.shared / "go").unlink(missing_ok=True)
    cancelled = cluster.launch("waits")
    cluster.host_of(cancelled)
    answer = cluster.service.api.post(f"/api/v1/runs/{cancelled}/cancel")
    assert answer.status_code == 202, answer.text
    assert cluster.ended(cancelled)["status"] == "canceled"
    following = cluster.launch("waits")
    cluster.host_of(following)
    (cluster.shared / "go").touch()
    assert cluster.ended(following)["status"] == "succeeded"
    assert f"ends {cancelled}" not in cluster.journal


def test_a_host_that_is_lost_is_noticed_and_told(cluster: Cluster) -> None:
    """The run fails by the host's name, its workflow is free, and the other host goes on."""
    (cluster.shared / "go").unlink(missing_ok=True)
    lost = cluster.launch("waits")
    name = cluster.host_of(lost)
    cluster.hosts[name].kill()
    told = cluster.ended(lost)
    assert told["status"] == "failed"
    assert re.fullmatch(
        rf"The process \d+ on {name} that executed this run is gone\.", told["error"]
    )
    (cluster.shared / "go").touch()
    again = cluster.launch("waits")
    assert cluster.host_of(again) != name
    assert cluster.ended(again)["status"] == "succeeded"
    # It has what the lost one made.
    more = cluster.ended(cluster.launch("sales"))
    assert (more["status"], more["tags"]["dataflow/run_host"] != name) == ("succeeded", True), more


def test_no_secret_lies_beside_the_hosts(cluster: Cluster) -> None:
    """The password is in the folder of secrets, and in no log and no file of Dagster's."""
    logs = [host.log for host in cluster.hosts.values()]
    folders = [cluster.root / ".dagster", *(log.with_suffix("") / ".dagster" for log in logs)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in (*logs, *files):
        assert PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in cluster.service.output
    shutil.rmtree(cluster.shared / "secrets")
