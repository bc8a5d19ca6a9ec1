"""The services of compose.yaml as containers: built, started, used over the network, killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import httpx
import pytest
from tests.browser_fixtures import WatchedPage
from tests.containers.composed import Composed
from tests.service_fixtures import until

pytestmark = pytest.mark.slow

NAMES = ("dagster", "api", "evidence")
# The most that an image adds to python:3.11-slim, in millions of bytes.
SIZES = {"dagster": 650, "api": 60, "evidence": 120}


def test_images_are_small_not_root_and_without_the_tools(built: Composed) -> None:
    """Each has a user of its own, the runtime, and no more than its service needs."""
    base = int(built.engine.docker("inspect", "--format", "{{.Size}}", "python:3.11-slim"))
    sizes = {}
    for name in NAMES:
        image = f"shop_{name}"
        size, user = json.loads(
            built.engine.docker("inspect", "--format", '[{{.Size}},"{{.Config.User}}"]', image)
        )
        sizes[name] = (size - base) // 1_000_000
        assert user == "10001:10001"
    assert {name: size for name, size in sizes.items() if size > SIZES[name]} == {}
    has_tools = "import importlib.util as u; print(bool(u.find_spec('dataflow_tools')))"
    for name in NAMES:
        said = built.compose("run", "--rm", "-T", "--no-deps", name, "python", "-c", has_tools)
        assert said.strip() == "False", name


def test_all_become_healthy(started: Composed) -> None:
    """By their own checks, and none writes a traceback."""
    assert {n: started.container(n)["State"]["Health"]["Status"] for n in NAMES} == dict.fromkeys(
        NAMES, "healthy"
    )
    assert "Traceback" not in (said := started.compose("logs", "--no-color")), said


def test_a_run_over_rest_is_on_the_dashboard(
    started: Composed, open_page: Callable[..., WatchedPage]
) -> None:
    """The run needs the token, ends well, and the page shows its number."""
    with started.api() as api:
        api.headers.pop("Authorization")
        assert api.post("/api/v1/workflows/sales/run").status_code == 401

    run = started.run("sales")

    assert run["status"] == "succeeded", run
    page = open_page()
    page.visit(f"{started.url('evidence')}/sales/")
    # The last day that is over, as the mart has it.
    assert page.figure("Total amount") == "4.25"


def test_a_killed_container_comes_back(started: Composed) -> None:
    """`kill -9` of its first process; the engine starts it again, and the next run succeeds."""
    for name in NAMES:
        before = started.container(name)
        os.kill(before["State"]["Pid"], signal.SIGKILL)

        def again(name: str = name, before: int = before["RestartCount"]) -> bool:
            found = started.container(name)
            return bool(found["RestartCount"] > before and found["State"]["Running"])

        until(again, f"restart of {name}", 30)
    for name in NAMES:
        started.until_healthy(name)

    assert started.run("sales")["status"] == "succeeded"


def test_volumes_survive_down_and_up(started: Composed) -> None:
    """History, tables, the token and the published data are there in new containers."""
    with started.api() as api:
        token = api.headers["Authorization"]
        before = _run_ids(api)
    tables = ("exec", "-T", "dagster", "sha256sum", "data/sales.duckdb")
    digest = started.compose(*tables)

    started.compose("down")
    started.compose("up", "-d")
    for name in NAMES:
        started.until_healthy(name)

    with started.api() as api:
        assert api.headers["Authorization"] == token
        assert before == _run_ids(api) != set()
    assert started.compose(*tables) == digest
    assert started.run("sales")["status"] == "succeeded"


def _run_ids(api: httpx.Client) -> set[str]:
    return {run["run_id"] for run in api.get("/api/v1/runs").json()["runs"]}
