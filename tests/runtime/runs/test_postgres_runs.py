"""Whole runs whose tables are in a Postgres database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.asset_fixtures import Till, write_report, write_till
from tests.database_fixtures import postgres, proxy
from tests.runtime.warehouse.test_conformance import clear

from dataflow.shared.project import Project
from dataflow.warehouse.kind import visible_warehouse

__all__ = ["postgres"]
pytestmark = pytest.mark.slow

DATAFLOW = Path(sys.executable).with_name("dataflow")


@pytest.fixture
def till(tmp_path: Path, postgres: str) -> Iterator[Till]:
    """The project of the tests of assets, with an environment whose tables are in Postgres."""
    till = write_till(tmp_path / "shop")
    settings = till.root / "pyproject.toml"
    settings.write_text(
        f"{settings.read_text()}\n[tool.dataflow.environments.pg]\n"
        'warehouse = {type = "postgres", url = "${PG_URL}"}\n'
    )
    yield till
    clear(postgres)


def command(till: Till, url: str, *arguments: str) -> subprocess.Popen[str]:
    """The command line in the project's environment."""
    environment = {**os.environ, "PG_URL": url, "DATAFLOW_DAEMON": "false"}
    return subprocess.Popen(
        [str(DATAFLOW), "--env", "pg", "workflow", *arguments],
        cwd=till.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(till: Till, url: str, name: str = "till") -> str:
    """A run that goes well."""
    process = command(till, url, "run", name)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told
    return told


def disturbed(till: Till, url: str, disturb: Callable[[int], None]) -> tuple[int, str]:
    """A run that something happens to when its rows are loaded; its exit code and its words."""
    process = command(till, url, "run", "till")
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if "✓ load" in line:
            disturb(process.pid)
    return process.wait(timeout=120), "".join(told)


def ask(
    till: Till, url: str, sql: str, monkeypatch: pytest.MonkeyPatch, name: str = "till"
) -> list[Any]:
    """What a query of a workflow's tables gives."""
    monkeypatch.setenv("DATAFLOW_ENV", "pg")
    monkeypatch.setenv("PG_URL", url)
    with visible_warehouse(Project(till.root), name).connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_two_workflows_of_which_one_reads_the_other(
    till: Till, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded, modelled, tested and published; what others read is held, and let go at the end."""
    folder = write_report(till)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "2 models" in run(till, postgres)
    run(till, postgres, "report")
    bought = ask(till, postgres, "FROM marts.bought ORDER BY ALL", monkeypatch, "report")
    assert [(name, str(amount)) for name, amount in bought] == [("Ann", "1.50"), ("Bob", "2.50")]
    noted = ask(till, postgres, "FROM dataflow.upstream_columns", monkeypatch, "report")
    assert ("till", "marts", "sales", "amount", "DECIMAL(12,2)") in noted
    held = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%+for+%'"
    assert _schemas(postgres, held) == []
    assert {path: path.read_bytes() for path in before} == before
    assert not (till.root / "data" / "till.duckdb").exists()


def test_a_run_that_is_killed_and_one_after_it(
    till: Till, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers have the last good tables; the next run has all rows once, and can be undone."""
    run(till, postgres)
    till.rows("1,1.50", "2,2.50", "3,3.50", "4,4.50")
    code, _ = disturbed(till, postgres, lambda pid: os.killpg(pid, signal.SIGKILL))
    assert code == -signal.SIGKILL
    till.rows("1,1.50", "2,2.50", "3,3.50", "4,")
    count = "SELECT count(*), count(DISTINCT id) FROM marts.sales"
    assert ask(till, postgres, count, monkeypatch) == [(3, 3)]
    assert "amount of stg_sales has no value in 1 row (not_null)" in run(till, postgres)
    assert ask(till, postgres, count, monkeypatch) == [(4, 4)]
    process = command(till, postgres, "diff", "till")
    told, _ = process.communicate(timeout=60)
    assert "marts.sales" in told, told
    assert "1 added" in told, told


def test_a_server_that_goes_away_in_a_run(
    till: Till, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message says so, the tables are as they were, and the next run is as any other."""
    run(till, postgres)
    till.rows("1,1.50", "2,2.50", "3,3.50", "4,4.50")
    with proxy(postgres) as (url, cut):
        code, told = disturbed(till, url, lambda _: cut())
    assert code == 1
    assert "cannot be reached" in told
    assert "Traceback" not in told
    count = "SELECT count(*), count(DISTINCT id) FROM marts.sales"
    assert ask(till, postgres, count, monkeypatch) == [(3, 3)]
    run(till, postgres)
    assert ask(till, postgres, count, monkeypatch) == [(4, 4)]


def test_two_hosts_that_run_one_workflow_at_once(
    till: Till, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two checkouts share no lock file: the second one is refused, and nothing is doubled."""
    other = write_till(tmp_path / "elsewhere")
    (other.root / "pyproject.toml").write_text((till.root / "pyproject.toml").read_text())
    told = []

    def run_other(_: int) -> None:
        process = command(other, postgres, "run", "till")
        told.append(process.communicate(timeout=120)[0])
        assert process.returncode == 1, told

    code, own = disturbed(till, postgres, run_other)
    assert code == 0, own
    assert "Another run of till is working on its tables" in told[0]
    count = "SELECT count(*), count(DISTINCT id) FROM marts.sales"
    assert ask(till, postgres, count, monkeypatch) == [(3, 3)]


def _schemas(url: str, query: str) -> list[Any]:
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
