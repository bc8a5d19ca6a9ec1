"""A workflow's schemas in Postgres get another name in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.database_fixtures import postgres
from tests.runtime.warehouse.test_conformance import clear

from dataflow.shared.errors import BadInputError
from dataflow.testing.loaded_warehouse import WORKFLOW, Loaded, open_in
from dataflow.warehouse.kind import KeepPolicy, visible_warehouse
from dataflow.warehouse.postgres import PostgresWarehouse
from dataflow_tools.lifecycle.tables import plan_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["postgres"]
KEEP = KeepPolicy(1, 10.0)

pytestmark = pytest.mark.slow


@pytest.fixture
def w(tmp_path: Path, postgres: str) -> Iterator[Loaded]:
    """A workflow that ran twice, and failed once since."""
    w = open_in(tmp_path / "project", {"type": "postgres", "url": postgres})
    assert isinstance(w.warehouse, PostgresWarehouse)
    for number in (1, 2):
        w.load([{"id": number}], w.warehouse.begin(f"run-{number}"), watermark=number)
        w.warehouse.promote(f"run-{number}", KEEP)
    w.load([{"id": 3}], w.warehouse.begin("run-3"))
    yield w
    clear(postgres)


def test_all_states_go_along(w: Loaded) -> None:
    """Tables, watermark and kept states are the new workflow's; nothing of the old one is left."""
    told = plan_tables(w.project, WORKFLOW, "sales").told
    assert [what for what, _ in told] == ["tables"]
    assert isinstance(w.warehouse, PostgresWarehouse)
    w.warehouse.rename("sales")
    # Once more, as after a process that was killed.
    w.warehouse.rename("sales")
    sales = visible_warehouse(w.project, "sales")
    assert isinstance(sales, PostgresWarehouse)
    assert not w.warehouse.exists()
    assert (w.rows(of=sales), sales.read_watermark("t")) == ([(2,)], 2)
    assert [state.run_id for state in sales.kept()] == ["run-1"]
    with sales.compare("run-1", "") as connection:
        assert connection.execute("FROM before.raw.t").fetchall() == [(1,)]
    assert not sales.unfinished("run-3")
    w.load([{"id": 4}], sales.begin("run-4"), write_disposition="append")
    sales.promote("run-4", KEEP)
    assert w.rows(of=sales) == [(2,), (4,)]


def test_nothing_is_half_renamed(w: Loaded, postgres: str) -> None:
    """A name that is taken, and a statement that fails on the way, leave all as it was."""
    import psycopg

    assert isinstance(w.warehouse, PostgresWarehouse)
    taken = visible_warehouse(w.project, "taken")
    w.load([{"id": 9}], taken)
    with pytest.raises(BadInputError, match="tables of taken"):
        w.warehouse.rename("taken")
    with psycopg.connect(postgres) as connection:
        # The name that a kept state would get.
        kept = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'orders+old+%raw'"
        ).fetchone()
        assert kept is not None
        name = kept[0].replace("orders", "sales", 1)
        connection.execute(f'CREATE SCHEMA "{name}"'.encode())
    with pytest.raises(Exception, match="failed|exists"):
        w.warehouse.rename("sales")
    assert w.rows() == [(2,)]
    assert [state.run_id for state in w.warehouse.kept()] == ["run-1"]
    assert not visible_warehouse(w.project, "sales").exists()
