"""`dataflow env check`, and the other commands about environments."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import BIN
from tests.database_fixtures import PASSWORD, free_port, postgres
from tests.service_fixtures import write_project, write_workflow

__all__ = ["postgres"]

Command = Callable[..., subprocess.CompletedProcess[str]]

SETTINGS = """
[tool.dataflow.environments.prod]
history = "HISTORY"
state_store = "shared/state"
publish_target = "shared/site"
warehouse = {type = "duckdb", shared = true}
variables = {REGION = "${LAND:-emea}", LOGIN = "${SHOP_LOGIN}"}

[tool.dataflow.environments.empty]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


@pytest.fixture
def run(root: Path) -> Command:
    """Run the command line in the project."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "dataflow", *arguments],
            cwd=root,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def checked(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What `env check --json` says of each part, by its name."""
    return {part["part"]: part for part in json.loads(done.stdout)["parts"]}


@pytest.mark.slow
def test_an_environment_that_is_ready_is_tried_in_each_part(
    root: Path, run: Command, postgres: str
) -> None:
    """And nothing is left of the trial; values are told by where they come from."""
    address = postgres.replace(PASSWORD, "${DB_PASSWORD}")
    with (root / "pyproject.toml").open("a") as file:
        file.write(SETTINGS.replace("HISTORY", address))
    for name in ("state", "site"):
        (root / "shared" / name).mkdir(parents=True)
    env = {"DB_PASSWORD": PASSWORD, "SHOP_LOGIN": "me"}
    done = run("env", "check", "prod", "--json", **env)
    assert done.returncode == 0, done.stdout
    parts = checked(done)
    assert all(part["ok"] for part in parts.values())
    assert "Postgres" in parts["history"]["said"]
    assert "LOGIN (setting variables)" in parts["variables"]["said"]
    assert "conditional writes" in parts["state_store"]["said"]
    assert parts["hosts"]["said"] == "runs may be on any host"
    assert PASSWORD not in done.stdout
    assert not list(root.rglob("*env_check*"))


@pytest.mark.slow
def test_each_part_that_fails_says_what_to_do(root: Path, run: Command) -> None:
    """All of them at once, with exit code 1, without the password."""
    write_workflow(root, "sales")
    config = root / "src/dataflow/workflows/sales/config.yaml"
    config.write_text(config.read_text().replace("rows.csv", "${ROWS_FOLDER}/rows.csv"))
    address = f"postgresql://me:hidden-word@127.0.0.1:{free_port()}/x"
    (root / "taken").write_text("a file")
    env = {
        "DATAFLOW_HISTORY": address,
        "DATAFLOW_STATE_STORE": "taken/below",
        "DATAFLOW_DATA_DIR": "taken/data",
    }
    done = run("env", "check", "--json", **env)
    assert done.returncode == 1
    parts = checked(done)
    failed = {name for name, part in parts.items() if not part["ok"]}
    assert failed == {"variables", "warehouse", "history", "locks", "state_store", "hosts"}
    assert all(parts[name]["instruction"] for name in failed)
    assert (
        "sales: ingestion.source.url: the environment variable ROWS_FOLDER is not set"
        in (parts["variables"]["said"])
    )
    assert "Connection refused" in parts["history"]["said"]
    assert "hidden-word" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_broker_that_is_down_is_told(root: Path, run: Command) -> None:
    """Soon, with what is local beside it."""
    with (root / "pyproject.toml").open("a") as file:
        file.write(
            f'launcher = {{type = "celery", broker = "redis://127.0.0.1:{free_port()}/0"}}\n'
        )
    parts = checked(run("env", "check", "--json"))
    assert "broker at redis://127.0.0.1:" in parts["launcher"]["said"]
    assert not parts["hosts"]["ok"]
    refused = run("worker", "celery")
    assert refused.returncode == 2
    assert "on one only" in refused.stderr


@pytest.mark.slow
def test_environments_are_listed_and_shown(root: Path, run: Command) -> None:
    """As they are written; the chosen one is marked, a value is told by where it comes from."""
    with (root / "pyproject.toml").open("a") as file:
        file.write(SETTINGS.replace("HISTORY", "postgresql://me:${DB_PASSWORD}@db/x"))
    listed = run("env", "list", DATAFLOW_ENV="prod").stdout.splitlines()
    assert [line[:9].strip("* ") for line in listed] == ["default", "prod", "empty"]
    assert listed[1].startswith("* prod")
    said = run("env", "show", "prod", "--json", SHOP_LOGIN="a-login-of-somebody").stdout
    shown = json.loads(said)
    assert shown["settings"]["state_store"]["value"] == "shared/state"
    assert shown["settings"]["state_store"]["from"].endswith("[tool.dataflow.environments.prod]")
    assert shown["variables"] == {"LOGIN": "setting variables", "REGION": "setting variables"}
    assert "a-login-of-somebody" not in said
    refused = run("env", "check", "pord")
    assert refused.returncode == 2
    assert "prod" in refused.stderr


@pytest.mark.slow
def test_a_worker_without_celery_is_refused(run: Command) -> None:
    """It would wait for runs that never come."""
    refused = run("worker", "celery")
    assert refused.returncode == 2
    assert "launcher is 'local' here" in refused.stderr
