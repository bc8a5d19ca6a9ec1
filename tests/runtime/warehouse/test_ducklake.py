"""A workflow's tables in a DuckLake: real catalogs in Postgres and in files, a real store."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.database_fixtures import PASSWORD, free_port, postgres
from tests.lake_fixtures import catalog, lake_of
from tests.object_store_fixtures import SECRET, s3_bucket, s3_server

from dataflow.shared import duckdb_extensions
from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.shared.project import Project
from dataflow.warehouse import lake_engines, lake_files
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.difference import compare_states
from dataflow.warehouse.ducklake import (
    KIND,
    AtomicDuckLake,
    DuckLake,
    DuckLakeSettings,
    check_ducklake,
)
from dataflow.warehouse.kind import KeepPolicy, LoadRequest

__all__ = ["catalog", "postgres", "s3_bucket", "s3_server"]

pytestmark = pytest.mark.slow

KEEP = KeepPolicy(2, 10.0)


@pytest.fixture(params=["file", "store"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> AtomicDuckLake:
    """An empty lake: in files, and with a catalog in Postgres and its files in a store."""
    if request.param == "file":
        return lake_of(tmp_path)
    bucket = request.getfixturevalue("s3_bucket")
    return lake_of(tmp_path, catalog=request.getfixturevalue("catalog"), data=f"{bucket}/lake")


@pytest.fixture
def shared(catalog: str, tmp_path: Path) -> AtomicDuckLake:
    """An empty lake with a catalog in Postgres and its files in a folder."""
    return lake_of(tmp_path, catalog=catalog)


def load(lake: Any, rows: list[dict[str, Any]], tmp: Path, **options: Any) -> None:
    pq.write_table(pa.Table.from_pylist(rows), tmp / "rows.parquet")
    lake.load(tmp / "rows.parquet", LoadRequest("t", **{"write_disposition": "append", **options}))


def run(lake: AtomicDuckLake, run_id: str, tmp: Path, keep: KeepPolicy = KEEP) -> None:
    """A run that adds one row, its own id."""
    load(lake.begin(run_id), [{"id": run_id}], tmp)
    assert lake.promote(run_id, keep)


def write_while(lake: DuckLake, what: Callable[[], None]) -> None:
    """Have something happen in the middle of a transaction."""
    with lake.connect() as connection:
        connection.begin()
        connection.execute("INSERT INTO raw.t VALUES ('run-2')")
        what()
        connection.commit()


def ids(lake: AtomicDuckLake | DuckLake) -> list[str]:
    with lake.connect(read_only=True) as connection:
        return [each for (each,) in connection.execute("FROM raw.t ORDER BY ALL").fetchall()]


def test_a_run_is_seen_at_its_end_and_readers_keep_what_they_have_open(
    lake: AtomicDuckLake, tmp_path: Path
) -> None:
    """Before it ends nobody sees its rows; who reads meanwhile goes on with the state before."""
    assert not lake.exists()
    run(lake, "run-1", tmp_path)
    own = lake.begin("run-2")
    load(own, [{"id": "run-2"}], tmp_path, watermark=7)
    assert (ids(lake), ids(own)) == (["run-1"], ["run-1", "run-2"])
    assert lake.unfinished("run-2")
    with lake.connect(read_only=True) as reader:
        assert reader.execute("FROM raw.t").fetchall() == [("run-1",)]
        assert lake.promote("run-2", KEEP)
        assert reader.execute("FROM raw.t").fetchall() == [("run-1",)]
    assert ids(lake) == ["run-1", "run-2"]
    assert lake.read_watermark("t") == 7
    assert lake.is_promoted("run-2")
    assert not lake.is_promoted("run-1")
    assert lake.unfinished("run-2") == ""
    assert lake.promote("run-3", KEEP) is False


def test_kept_states_can_be_compared_and_brought_back(lake: AtomicDuckLake, tmp_path: Path) -> None:
    """What a run had left is there as it was, and so is what came after it."""
    with lake.begin("run-0").connect() as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA raw; CREATE TABLE raw.t (id TEXT)")
        connection.execute("CREATE VIEW marts.v AS SELECT id FROM sales.raw.t")
    for number in range(4):
        run(lake, f"run-{number}", tmp_path)
    assert [state.run_id for state in lake.kept()] == ["run-2", "run-1"]
    present = lake.present()
    assert present is not None
    assert present.run_id == "run-3"
    with lake.compare("run-2", "") as connection:
        found = compare_states(connection, lambda _: [])
    # A view that asks the same is no difference.
    assert [each.table for each in found if each.status != "same"] == ["raw.t"]
    with lake.compare("run-1", "") as connection:
        rows = "SELECT count(*) FROM {}.raw.t"
        before, after = (connection.execute(rows.format(n)).fetchall() for n in ("before", "after"))
    assert (before, after) == ([(2,)], [(4,)])
    lake.begin("restore-1", state="run-1")
    assert lake.promote("restore-1", KEEP)
    assert ids(lake) == ["run-0", "run-1"]
    present = lake.present()
    assert present is not None
    assert present.run_id == "run-1"
    assert [state.run_id for state in lake.kept()] == ["run-3", "run-2"]
    with pytest.raises(BadInputError, match="is not kept"):
        lake.begin("restore-2", state="run-0")


def test_only_files_that_no_state_names_are_removed(
    lake: AtomicDuckLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States stay whole for as long as they are kept; afterwards their files are gone."""
    # A store tells whole seconds.
    monkeypatch.setattr(lake_files, "GRACE_SECONDS", -2.0)
    for number in range(5):
        own = lake.begin(f"run-{number}")
        load(own, [{"id": f"run-{number}"}], tmp_path, write_disposition="replace")
        assert lake.promote(f"run-{number}", KEEP)
    place = lake.states.present_place()
    named = lake.states.named_files()
    kept = [DuckLake("sales", lake.states.kept_place(s.run_id), lake.states) for s in lake.kept()]
    assert ids(lake) == ["run-4"]
    assert [ids(state) for state in kept] == [["run-3"], ["run-2"]]
    assert len(named) == 3
    assert lake_files.remove_unnamed(place, named) == 0
    # Those of a run that is under way are named by its own catalog.
    own = lake.begin("run-5")
    load(own, [{"id": "run-5"}], tmp_path)
    assert lake_files.remove_unnamed(place, lake.states.named_files()) == 0
    assert lake_files.remove_unnamed(place, set()) == 4


def test_a_table_that_another_program_changed_is_not_replaced(
    lake: AtomicDuckLake, tmp_path: Path
) -> None:
    """The run is refused, and what the other one wrote stays."""
    run(lake, "run-1", tmp_path)
    load(lake.begin("run-2"), [{"id": "run-2"}], tmp_path)
    load(lake, [{"id": "other"}], tmp_path)
    with pytest.raises(WarehouseError, match="changed by another program"):
        lake.promote("run-2", KEEP)
    assert ids(lake) == ["other", "run-1"]
    # A run that began after it has it.
    run(lake, "run-3", tmp_path)
    assert ids(lake) == ["other", "run-1", "run-3"]


def test_a_run_whose_work_another_one_cleared_away_is_told(
    shared: AtomicDuckLake, tmp_path: Path
) -> None:
    """Two machines that share no lock: one of them wins, the other one says so, none is mixed."""
    run(shared, "run-1", tmp_path)
    slow = shared.begin("run-2")
    load(slow, [{"id": "run-2"}], tmp_path)
    run(shared, "run-3", tmp_path)
    with pytest.raises(WarehouseError, match="another run of sales has begun meanwhile"):
        shared.promote("run-2", KEEP)
    # Nor does it begin anew in the middle, in another process of it.
    with pytest.raises(WarehouseError, match="another run of sales has begun meanwhile"):
        shared.begin("run-2")
    with pytest.raises(WarehouseError, match="is gone"):
        shared.begin("run-4", resumes="run-2")
    assert ids(shared) == ["run-1", "run-3"]


def test_two_that_begin_at_once_do_not_get_in_each_others_way(
    shared: AtomicDuckLake, tmp_path: Path
) -> None:
    """Each run of many, from threads that share no lock, is there whole or was refused."""
    run(shared, "run-0", tmp_path)
    done: list[str] = []
    said: list[str] = []

    def work(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        try:
            run(shared, name, folder)
        except WarehouseError as error:
            said.append(str(error))
        else:
            done.append(name)

    threads = [threading.Thread(target=work, args=(f"run-{n}",)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(shared) == sorted(["run-0", *done])
    assert len(done) + len(said) == 4, said


def test_a_run_goes_on_from_a_failed_one(lake: AtomicDuckLake, tmp_path: Path) -> None:
    """It has what that one had loaded, from whichever process it asks."""
    run(lake, "run-1", tmp_path)
    load(lake.begin("run-2"), [{"id": "run-2"}], tmp_path)
    own = lake.begin("run-3", resumes="run-2")
    assert ids(own) == ["run-1", "run-2"]
    assert lake.begin("run-3").place == own.place
    assert lake.promote("run-3", KEEP)
    assert ids(lake) == ["run-1", "run-2"]


def test_runs_of_others_read_the_state_that_they_hold(
    lake: AtomicDuckLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first step to its last a run sees the same tables of another workflow."""
    monkeypatch.setattr(lake_files, "GRACE_SECONDS", -2.0)
    run(lake, "run-1", tmp_path)
    held = lake.held_for(Project(tmp_path), "sales", "report")
    assert not held.exists()
    held.hold()
    for number in range(2, 6):
        load(
            lake.begin(f"run-{number}"),
            [{"id": f"run-{number}"}],
            tmp_path,
            write_disposition="replace",
        )
        assert lake.promote(f"run-{number}", KeepPolicy(0, 0.0))
    with held.connect() as connection:
        assert connection.execute("FROM raw.t").fetchall() == [("run-1",)]
        held.attach(connection, "again")
        assert connection.execute("FROM again.raw.t").fetchall() == [("run-1",)]
    held.hold()
    with held.connect() as connection:
        assert connection.execute("FROM raw.t").fetchall() == [("run-5",)]
    held.release()
    assert not held.exists()


def test_numbers_that_files_would_round_are_refused(shared: AtomicDuckLake, tmp_path: Path) -> None:
    """A sum of more than 53 bits is a HUGEINT, which Parquet holds as a floating number."""
    run(shared, "run-1", tmp_path)
    own = shared.begin("run-2")
    with own.connect() as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute(
            f"CREATE TABLE marts.t AS SELECT sum(n) AS n FROM (VALUES ({2**53})) v(n)"
        )
    with pytest.raises(BadInputError, match=r"column 'n' of marts\.t .*round"):
        shared.promote("run-2", KEEP)
    assert ids(shared) == ["run-1"]
    with own.connect() as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE marts.t AS SELECT sum(n) AS n FROM range(9) v(n)"
        )
    assert shared.promote("run-2", KEEP)


@pytest.mark.parametrize("where", ["file", "store"])
def test_a_check_leaves_nothing_behind(
    where: str, catalog: str, s3_bucket: str, tmp_path: Path
) -> None:
    """It makes a table and reads it; afterwards database, store and folder are as before."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    more = {"catalog": catalog, "data": f"{s3_bucket}/lake"} if where == "store" else {}
    asked = DuckLakeSettings.model_validate({"type": "ducklake", **more})
    assert "made, read and removed" in check_ducklake(asked, Project(tmp_path))
    with psycopg.connect(catalog) as connection:
        found = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'dataflow_check%'"
        ).fetchall()
    assert found == []
    assert [each for each in tmp_path.rglob("*") if "dataflow_check" in each.name] == []
    assert callable(KIND.is_shared)
    assert KIND.is_shared(asked) is (where == "store")


def test_a_server_that_does_not_answer_is_one_message_without_secrets(tmp_path: Path) -> None:
    """Neither the password nor a traceback: where it is, and what to do."""
    address = f"postgresql://tester:{PASSWORD}@127.0.0.1:{free_port()}/lake"
    lake = lake_of(tmp_path, catalog=address)
    with pytest.raises(WarehouseError) as told:
        lake.exists()
    assert PASSWORD not in str(told.value)
    assert "127.0.0.1" in told.value.reason
    assert "can be reached" in told.value.instruction


def test_a_store_that_does_not_answer_leaves_the_last_good_tables(
    catalog: str, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load fails with one message; when the store is back the tables are as they were."""
    lake = lake_of(tmp_path, catalog=catalog, data=f"{s3_bucket}/lake")
    run(lake, "run-1", tmp_path)
    own, endpoint = lake.begin("run-2"), os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(WarehouseError, match="Working with the lake at postgresql:") as told:
        load(own, [{"id": "run-2"}], tmp_path)
    assert SECRET not in str(told.value)
    assert "last good run" in told.value.instruction
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert ids(lake) == ["run-1"]


def test_a_catalog_that_goes_away_leaves_the_last_good_tables(
    shared: AtomicDuckLake, catalog: str, tmp_path: Path
) -> None:
    """The server ends the connections in the middle of a load, and takes none for a while."""
    run(shared, "run-1", tmp_path)
    own = shared.begin("run-2")
    name = catalog.rpartition("/")[2]
    with psycopg.connect(f"{catalog.rpartition('/')[0]}/postgres", autocommit=True) as admin:

        def go_away() -> None:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

        with pytest.raises(WarehouseError, match="Working with the lake") as told:
            write_while(own, go_away)
        with pytest.raises(WarehouseError, match="cannot be used"):
            shared.promote("run-2", KEEP)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    assert PASSWORD not in str(told.value)
    assert ids(shared) == ["run-1"]
    run(shared, "run-3", tmp_path)
    assert ids(shared) == ["run-1", "run-3"]


def test_an_extension_that_cannot_be_loaded_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither package nor download: one message."""
    broken = tmp_path / "ducklake.duckdb_extension"
    broken.write_bytes(b"of another version")
    monkeypatch.setattr(lake_engines, "_idle", {})
    monkeypatch.setattr(duckdb_extensions, "packaged_extension", lambda *_: broken)
    lake = lake_of(tmp_path / "project")
    with pytest.raises(MissingDependencyError, match="cannot load its extension ducklake") as told:
        load(lake.begin("run-1"), [{"id": "x"}], tmp_path)
    assert "dataflow-runtime[ducklake]" in told.value.instruction


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"catalog": "mysql://host/lake"}, "Postgres"),
        ({"data": "gs://bucket/lake"}, "neither a folder nor"),
        ({"data": "lake/*"}, "several files"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    """Before anything is connected to."""
    with pytest.raises(ValueError, match=said):
        lake_of(tmp_path, **settings)
