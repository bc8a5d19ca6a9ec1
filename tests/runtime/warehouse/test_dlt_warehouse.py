"""A warehouse in a destination of dlt's: what its loads ask of it, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.progress_recorder import Recorder

from dataflow.modelling.build import build_models
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.step_progress import hold_progress
from dataflow.testing.loaded_warehouse import WORKFLOW, Loaded, open_in, write_models
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dlt_destination import DltDestination
from dataflow.warehouse.dlt_known import DltKnown
from dataflow.warehouse.dlt_warehouse import KIND, DltSettings, DltWarehouse
from dataflow.warehouse.kind import KeepPolicy
from dataflow.warehouse.motherduck import MotherDuckSettings, open_motherduck

if TYPE_CHECKING:
    from pathlib import Path

KEEP = KeepPolicy(1, 10.0)


@pytest.fixture
def w(tmp_path: Path) -> Loaded:
    """Datasets in a DuckDB file, which takes dlt's loader and SQL like any other destination."""
    return in_file(tmp_path)


def in_file(tmp_path: Path, name: str = "project") -> Loaded:
    path = str(tmp_path / "analytics.duckdb")
    return open_in(tmp_path / name, {"type": "dlt", "destination": "duckdb", "credentials": path})


@pytest.mark.slow
def test_rows_of_before_do_not_travel(w: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """An append and a merge leave earlier rows where they are; those that travel are counted."""
    from dataflow.warehouse.dlt_destination import DltClient

    key: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["id", "k"]}
    progress = Recorder()
    with hold_progress(progress):
        w.load([{"id": n, "k": "x", "v": n} for n in range(1, 4)], write_disposition="append")
    told = list(progress.told("what", "rows", "total_rows"))
    assert told[told.index(("for duckdb", 3, 3)) :] == [
        ("for duckdb", 3, 3),
        ("into duckdb", None, None),
    ]
    fetched: list[str] = []
    fetch = DltClient.fetch

    def noted(self: DltClient, relation: str, schema: Any) -> Any:
        fetched.append(relation)
        return fetch(self, relation, schema)

    monkeypatch.setattr(DltClient, "fetch", noted)
    w.load([{"id": 4, "k": "x", "v": 4}], write_disposition="append")
    result = w.load([{"id": 4, "k": "x", "v": 5}, {"id": 4, "k": "X", "v": 6}], **key)
    assert (result.rows_loaded, result.rows_in_table) == (2, 5)
    assert fetched == []
    # Another type: now the values have to be looked at.
    w.load([{"id": 9, "k": "y", "v": 0.5}], **key)
    assert len(fetched) == 1
    assert w.rows("id, k, v")[3:] == [(4, "X", 6.0), (4, "x", 5.0), (9, "y", 0.5)]


@pytest.mark.slow
def test_what_no_state_has_is_dropped_one_promotion_later(w: Loaded) -> None:
    """Tables of earlier states go when nobody can be reading them any more; shared ones stay."""
    visible = w.warehouse
    assert isinstance(visible, DltWarehouse)
    for number in range(1, 5):
        own = visible.begin(f"run-{number}")
        w.load([{"id": number}], own)
        if number == 1:
            w.load([{"id": 1}], own, table="once")
        visible.promote(f"run-{number}", KeepPolicy(0, 0.0))
    with visible.states.open() as client:
        known = visible.states.known.read(client)
        # The first run's, for `once`; the third one's, which is passing; and the present one.
        assert len(known["made"]) == len(known["datasets"]) == 3
        assert all(client.has(name) for names in known["datasets"].values() for name in names)
        shown = client.execute(f"SELECT id FROM {client.relation('orders__raw', 't')}")
        assert [tuple(row) for row in shown] == [(4,)]
        assert set(client.relations("orders__raw")) == {"t", "once"}
    assert w.ask("FROM raw.once") == [(1,)]


@pytest.mark.slow
def test_models_go_on_with_what_the_last_run_built(w: Loaded) -> None:
    """An incremental model keeps its rows, also where a run builds no other."""
    write_models(w.project)
    model = w.project.workflow_dir(WORKFLOW) / "dbt" / "models" / "marts" / "t.sql"
    model.write_text(
        "{{ config(materialized='incremental') }} select id, amount from {{ ref('stg_t') }}"
    )
    visible = w.warehouse
    assert isinstance(visible, DltWarehouse)
    for number, only in ((1, ()), (2, ()), (3, ("t",))):
        own = visible.begin(f"run-{number}")
        w.load([{"id": number, "amount": 1.5}], own)
        build_models(w.project, WORKFLOW, own, only=only)
        visible.promote(f"run-{number}", KEEP)
    assert w.ask("SELECT id FROM marts.t ORDER BY id") == [(1,), (2,), (3,)]
    assert w.ask("SELECT id FROM staging.stg_t") == [(3,)]


@pytest.mark.slow
def test_of_two_that_write_at_once_at_least_one_is_refused(tmp_path: Path) -> None:
    """What is known changes by one row, and nobody's change is lost without a word."""
    destination = DltDestination("duckdb", str(tmp_path / "a.duckdb"))
    one, other = DltKnown(destination, "orders"), DltKnown(destination, "orders")
    with destination.open(one.dataset) as client:
        one.change(client, lambda known: known.update(n=1))

        def meanwhile(known: dict[str, Any]) -> None:
            other.change(client, lambda known: known.update(n=2))
            known.update(n=3)

        with pytest.raises(WarehouseError, match="at the same moment"):
            one.change(client, meanwhile)
        assert one.read(client) == {"n": 2}
        long = "x" * 200_000
        one.change(client, lambda known: known.update(long=[long, str(range(9))]))
        assert one.read(client)["long"][0] == long


@pytest.mark.slow
def test_a_rename_takes_all_states_along(tmp_path: Path) -> None:
    """Tables, watermark and kept states are the new workflow's, and its runs go on with them."""
    w = in_file(tmp_path)
    visible = w.warehouse
    assert isinstance(visible, DltWarehouse)
    for number in (1, 2):
        w.load([{"id": number}], visible.begin(f"run-{number}"), watermark=number)
        visible.promote(f"run-{number}", KEEP)
    path = str(tmp_path / "analytics.duckdb")
    settings = DltSettings.model_validate(
        {"type": "dlt", "destination": "duckdb", "credentials": path}
    )
    visible.rename("sales")
    # Once more, as after a process that was killed.
    visible.rename("sales")
    renamed = KIND.open(settings, w.project, "sales")
    sales = Loaded(w.project, renamed)
    assert not visible.exists()
    assert (sales.rows(), renamed.read_watermark("t")) == ([(2,)], 2)
    assert isinstance(renamed, DltWarehouse)
    assert [state.run_id for state in renamed.kept()] == ["run-1"]
    sales.load([{"id": 3}], renamed.begin("run-3"), write_disposition="append")
    assert renamed.promote("run-3", KEEP)
    assert sales.rows() == [(2,), (3,)]
    w.load([{"id": 9}])
    with pytest.raises(BadInputError, match="tables of sales"):
        visible.rename("sales")


def test_no_secret_is_in_dbts_profile(tmp_path: Path) -> None:
    """Texts of the output are variables, and only these have their values."""
    said = {"type": "duckdb", "path": "a.duckdb", "settings": {"key": "hidden"}, "threads": 3}
    settings = DltSettings.model_validate(
        {"type": "dlt", "destination": "duckdb", "credentials": "a.duckdb", "dbt": said}
    )
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    warehouse = KIND.open(settings, Project(tmp_path), "orders")
    assert isinstance(warehouse, DltWarehouse)
    output = warehouse.dbt_output()
    assert output["settings"] == {"key": "{{ env_var('DATAFLOW_DBT_SETTINGS_KEY') }}"}
    assert output["threads"] == 3
    assert warehouse.dbt_variables()["DATAFLOW_DBT_SETTINGS_KEY"] == "hidden"
    assert "hidden" not in repr(warehouse) + str(output)


def test_dbts_way_to_other_destinations_has_to_be_said(tmp_path: Path) -> None:
    """It is not guessed."""
    settings = DltSettings.model_validate({"type": "dlt", "destination": "snowflake"})
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    warehouse = KIND.open(settings, Project(tmp_path), "orders")
    assert isinstance(warehouse, DltWarehouse)
    with pytest.raises(BadInputError, match="dbt has to be told how it reaches snowflake"):
        warehouse.dbt_output()


@pytest.mark.slow
def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    """By its address, without its password."""
    from tests.database_fixtures import free_port

    url = f"postgresql://etl:hidden@127.0.0.1:{free_port()}/analytics"
    setting = {"type": "dlt", "destination": "postgres", "credentials": url}
    w = open_in(tmp_path / "project", setting)
    with pytest.raises(WarehouseError, match="postgres://127.0.0.1") as told:
        w.load([{"id": 1}])
    assert "hidden" not in f"{told.value}"


def test_motherduck_asks_for_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken from its usual variable, and is in no profile and no text."""
    monkeypatch.delenv("MOTHERDUCK_TOKEN", raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    settings = MotherDuckSettings.model_validate({"type": "motherduck", "database": "analytics"})
    with pytest.raises(BadInputError, match="no token"):
        open_motherduck(settings, Project(tmp_path), "orders")
    monkeypatch.setenv("MOTHERDUCK_TOKEN", "hidden")
    warehouse = open_motherduck(settings, Project(tmp_path), "orders")
    assert warehouse.dbt_output()["path"] == "{{ env_var('DATAFLOW_DBT_PATH') }}"
    found = warehouse.dbt_variables()["DATAFLOW_DBT_PATH"]
    assert found == "md:analytics?motherduck_token=hidden"
    assert warehouse.dbt.database == "analytics"
    assert "hidden" not in repr(warehouse) + warehouse.location


@pytest.mark.slow
def test_a_destination_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    """`dataflow env check` loads, copies, reads and drops a table."""
    path = str(tmp_path / "a.duckdb")
    settings = DltSettings.model_validate(
        {"type": "dlt", "destination": "duckdb", "credentials": path}
    )
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    assert KIND.check is not None
    assert "loaded, copied, read" in KIND.check(settings, Project(tmp_path))
    import duckdb

    with duckdb.connect(path) as connection:
        left = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
    assert left == (0,)
