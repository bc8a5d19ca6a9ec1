"""Runs on a DuckLake that are killed, whose store goes away, and that two machines make in turn."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.database_fixtures import PASSWORD, free_port, postgres
from tests.faults.conftest import Shop
from tests.lake_fixtures import catalog
from tests.object_store_fixtures import SECRET, s3_bucket, s3_server

from dataflow.shared.project import Project
from dataflow.warehouse.kind import visible_warehouse

__all__ = ["catalog", "postgres", "s3_bucket", "s3_server"]

pytestmark = pytest.mark.slow

STATES = "dataflow.warehouse.lake_states"
LAKE = "dataflow.warehouse.ducklake"
SQL = "dbt.adapters.sql.connections:SQLConnectionManager.add_query"
BEFORE = [(1, 1.0), (2, 1.0), (3, 1.0)]
AFTER = [(number, 1.0) for number in range(1, 7)]


def at(target: str, when: str = "before", call: int = 1, matching: str = "") -> dict[str, Any]:
    """What kills a run at a call of a function."""
    return {"target": target, "call": call, "when": when, "action": "kill", "matching": matching}


# Where the run dies before anything of it can be seen.
UNSEEN = {
    "while the catalog is copied": at(f"{STATES}:copy_catalog", "after"),
    "before the load commits": at("dataflow.warehouse.load:count_rows", "after"),
    "when the load has committed": at("dataflow.runs.steps:tell_of_loaded_tables"),
    "while dbt makes the mart": at(SQL, "after", matching="sales__dbt_tmp", call=4),
    "before the catalog is sealed": at(f"{LAKE}:seal"),
    "when the catalog is sealed": at(f"{LAKE}:seal", "after"),
    "in the transaction that shows it": at(f"{STATES}:PostgresStates._prune"),
}
# Tables are new, and the dashboards, old and whole, follow.
BETWEEN = at(f"{STATES}:PostgresStates.drop_leftovers", "after")


class LakeShop(Shop):
    """A shop whose tables are in a lake."""

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the lake, as any reader would."""
        with visible_warehouse(Project(self.root), "sales").connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def seen(self) -> dict[str, Any]:
        """All that anybody sees: rows, watermark, what is published."""
        tables = ("raw.sales", "staging.stg_sales", "marts.sales")
        published = {name: path.read_bytes() for name, path in self.published_files().items()}
        return {
            "rows": {name: sorted(map(str, self.ask(f"FROM {name}"))) for name in tables},
            "published": published,
        }


@pytest.fixture
def move(catalog: str, s3_bucket: str) -> Callable[[Path, Shop], LakeShop]:
    """Have a copy of a shop keep its tables in one lake, in a database and a bucket."""
    setting = {"type": "ducklake", "catalog": catalog, "data": f"{s3_bucket}/lake"}

    def moved(root: Path, shop: Shop) -> LakeShop:
        shutil.copytree(shop.root, root, symlinks=True)
        file = root / "pyproject.toml"
        table = ", ".join(f"{key} = {json.dumps(value)}" for key, value in setting.items())
        text = file.read_text()
        assert "[tool.dataflow]\n" in text
        file.write_text(
            text.replace("[tool.dataflow]\n", f"[tool.dataflow]\nwarehouse = {{{table}}}\n")
        )
        for leftover in (root / "data").glob("*"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        found = LakeShop(root, shop.server)
        found.configure("write_disposition: replace", "write_disposition: append")
        return found

    return moved


@pytest.fixture
def lake_shop(shop: Shop, move: Callable[..., LakeShop], tmp_path: Path) -> LakeShop:
    """A shop that has ids 1, 2, 3 in its lake."""
    found = move(tmp_path / "lake-shop", shop)
    found.run_well(env=variables())
    return found


def variables() -> dict[str, str]:
    """What the commands need to find the store."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def test_a_killed_run_changes_nothing_wherever_it_dies(lake_shop: LakeShop) -> None:
    """One after another, of the same new rows; the next whole run adds each of them once."""
    lake_shop.write_rows(4, 5, 6)
    before = lake_shop.seen()
    for place, hook in UNSEEN.items():
        assert lake_shop.run(hooks=[hook], env=variables()).code == -9, place
        assert lake_shop.seen() == before, place
    lake_shop.run_well(env=variables())
    assert lake_shop.raw() == lake_shop.mart() == lake_shop.published() == AFTER


def test_a_run_killed_when_it_is_shown_is_whole(lake_shop: LakeShop) -> None:
    """Its tables count; the next run does not add its rows again, and the dashboards follow."""
    lake_shop.write_rows(4, 5, 6)
    assert lake_shop.run(hooks=[BETWEEN], env=variables()).code == -9
    assert lake_shop.raw() == lake_shop.mart() == AFTER
    assert lake_shop.published() == BEFORE
    lake_shop.run_well(env=variables())
    assert lake_shop.raw() == lake_shop.mart() == lake_shop.published() == AFTER


def test_store_and_catalog_that_go_away_are_one_message(
    lake_shop: LakeShop, catalog: str, tmp_path: Path
) -> None:
    """At a run's start and between its steps; nothing of it is seen, no secret is shown."""
    before = lake_shop.seen()
    lake_shop.write_rows(4)
    gone = {**variables(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    told = [lake_shop.run(env=gone)]
    told[0].is_told("Working with the lake at postgresql://", "last good run")
    name = catalog.rpartition("/")[2]
    stop = {**at("dataflow.modelling.build:install_packages"), "action": "stop"}
    with psycopg.connect(f"{catalog.rpartition('/')[0]}/postgres", autocommit=True) as admin:
        run = lake_shop.start(env=variables(), hooks=[stop])
        run.wait_until_stopped()
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        admin.execute(end, [name])
        run.go_on()
        told.append(run.wait())
        told[1].is_told("lake at postgresql://", "last good run")
        assert "dbt model" not in told[1].stderr
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    for each in told:
        assert PASSWORD not in each.stderr + each.stdout
        assert SECRET not in each.stderr + each.stdout
    assert lake_shop.seen() == before
    lake_shop.run_well(env=variables())
    assert lake_shop.raw() == [*BEFORE, (4, 1.0)]
    # Nor did they get into a file: dbt's profile and log, the history, the run's folder.
    known = [p for p in lake_shop.root.rglob("*") if p.is_file() and p.name != "pyproject.toml"]
    leaked = [p for p in known if {PASSWORD, SECRET} & _words(p)]
    assert leaked == []


def _words(path: Path) -> set[str]:
    content = path.read_bytes()
    return {secret for secret in (PASSWORD, SECRET) if secret.encode() in content}


def test_two_machines_in_turn_lose_and_double_nothing(
    lake_shop: LakeShop, move: Callable[..., LakeShop], shop: Shop, tmp_path: Path
) -> None:
    """Each sees what the other one added, and adds its own rows once."""
    other = move(tmp_path / "other", shop)
    expected = list(BEFORE)
    for number, machine in enumerate([other, lake_shop], start=4):
        machine.write_rows(number)
        machine.run_well(env=variables())
        expected.append((number, 1.0))
        assert lake_shop.raw() == other.raw() == other.mart() == expected
    assert other.published() == expected[:-1]
    assert lake_shop.published() == expected
