"""Code that changes on disk is told of, once, and nothing else is."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Dataflow
from tests.service_fixtures import Service, running, until, write_project, write_workflow

from dataflow.service.code_watch import CodeWatch

API = "/api/v1"


@pytest.mark.slow
def test_a_change_is_told_once_after_the_last_of_several(tmp_path: Path) -> None:
    """New folders are watched, too; caches and data are not code."""
    told: list[float] = []
    is_told = threading.Event()

    def reload() -> None:
        told.append(time.monotonic())
        is_told.set()

    watch = CodeWatch(reload, lambda: max(told, default=float("-inf")))
    with watch.watching(tmp_path):
        for name in ("a/__pycache__/x.py", "a/rows.csv", "a/target/compiled.sql"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("1")
        assert not is_told.wait(2)
        (tmp_path / "new").mkdir()
        for number in range(20):
            (tmp_path / "new" / f"{number}.py").write_text("1")
        assert is_told.wait(10)
        is_told.clear()
        (tmp_path / "new" / "1.py").unlink()
        assert is_told.wait(10)
    assert len(told) == 2


@pytest.mark.slow
def test_what_changed_before_somebody_reloaded_is_seen_already(tmp_path: Path) -> None:
    """Whoever asks for a reload after a change does not cause a second one."""
    is_told = threading.Event()
    watch = CodeWatch(is_told.set, lambda: time.monotonic())
    with watch.watching(tmp_path):
        (tmp_path / "a.py").write_text("1")
        assert not is_told.wait(2)


def switch_its_schedule(dataflow: Dataflow, service: Service) -> None:
    """The schedule of `new` is listed, switched on and off; a workflow without one is refused."""

    def ask(*arguments: str) -> list[dict[str, Any]]:
        command = ("workflow", "schedule", *arguments, "--json")
        done = dataflow(*command, cwd=service.root, env=service.env)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    [listed] = ask()
    assert (listed["workflow_id"], listed["cron"], listed["is_on"]) == ("new", "0 6 * * *", False)
    [switched] = ask("new", "on")
    assert switched["is_on"]
    assert switched["next_at"].endswith("06:00:00+00:00")
    assert not ask("new", "off")[0]["is_on"]
    refused = dataflow("workflow", "schedule", "old", "on", cwd=service.root, env=service.env)
    assert "The workflow old has no schedule" in refused.stderr


@pytest.mark.slow
def test_a_running_service_sees_new_broken_and_mended_workflows(
    tmp_path: Path, dataflow: Dataflow
) -> None:
    """Without a restart, within seconds or at `dataflow reload`; others run all the while."""
    root = write_project(tmp_path / "shop")
    write_workflow(root, "old")
    with running(root, "dagster", "api") as service:

        def state(workflow_id: str) -> str:
            return str(service.api.get(f"{API}/workflows/{workflow_id}").json().get("status"))

        before = {process.pid for process in service.descendants()}
        folder = write_workflow(root, "new", schedule='"0 6 * * *"')
        until(lambda: state("new") == "ok", "the new workflow", 20)
        switch_its_schedule(dataflow, service)
        code = (folder / "dagster_job.py").read_text()
        (folder / "dagster_job.py").write_text("raise RuntimeError('no such luck')\n")
        reloaded = dataflow("reload", "--json", cwd=root, env=service.env)
        assert reloaded.returncode == 1, reloaded.stderr
        told = json.loads(reloaded.stdout)
        assert told["loaded"] == ["old"]
        assert "no such luck" in told["broken"]["new"]
        assert state("new") == "broken"
        answer = service.api.post(f"{API}/workflows/old/run", params={"wait": 90})
        assert answer.json()["status"] == "succeeded"
        (folder / "dagster_job.py").write_text(code)
        until(lambda: state("new") == "ok", "the mended workflow", 20)
        assert len(before - {process.pid for process in service.descendants()}) <= 2
