"""The guide's own words about a history in Postgres, in containers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from tests.conftest import REPOSITORY
from tests.containers.conftest import OVERRIDE, built_images
from tests.containers.engine import Engine, ensure_postgres

pytestmark = pytest.mark.slow


def _written(kind: str) -> str:
    """A block of code of the guide's section."""
    guide = (REPOSITORY / "docs" / "containers.md").read_text()
    section = guide.partition("## A history in Postgres")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    return str(found)


def test_runs_are_kept_in_postgres(engine: Engine, shop: Path, tmp_path: Path) -> None:
    """With their rows in REST's list, also once the server is another container."""
    root = tmp_path / "kept"
    shutil.copytree(shop, root)
    with (root / "pyproject.toml").open("a") as file:
        file.write("\n" + _written("toml"))
    override = yaml.safe_load(OVERRIDE)
    for name, said in yaml.safe_load(_written("yaml"))["services"].items():
        network = override["services"][name]["build"]
        override["services"][name] = {**said, "build": {**said["build"], **network}}
    (root / "compose.override.yaml").write_text(yaml.safe_dump(override))
    ensure_postgres(engine)
    with built_images(engine, root) as composed:
        up = ("--profile", "postgres", "up", "-d")
        composed.compose(*up, seconds=600)
        for name in ("postgres", "dagster", "api"):
            composed.until_healthy(name)
        run = composed.run("sales")
        assert run["status"] == "succeeded", run
        composed.compose("--profile", "postgres", "rm", "--force", "--stop", "postgres")
        composed.compose(*up)
        composed.until_healthy("postgres")
        with composed.api() as api:
            (listed,) = api.get("/api/v1/runs").json()["runs"]
        assert (listed["run_id"], listed["rows"]) == (run["run_id"], 3)
        ask = ("psql", "--username", "dataflow", "--tuples-only", "--command")
        postgres = ("--profile", "postgres", "exec", "-T", "postgres")
        count = composed.compose(*postgres, *ask, "SELECT count(*) FROM runs")
        assert count.strip() == "1"
