"""A lake gets another name with all its states: in files, and in Postgres and a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.database_fixtures import postgres
from tests.lake_fixtures import catalog, lake_of
from tests.object_store_fixtures import s3_bucket, s3_server

from dataflow.shared.errors import BadInputError
from dataflow.warehouse import lake_files
from dataflow.warehouse.capabilities import RenamesTables
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.ducklake import AtomicDuckLake
from dataflow.warehouse.kind import KeepPolicy, LoadRequest

__all__ = ["catalog", "postgres", "s3_bucket", "s3_server"]

pytestmark = pytest.mark.slow

KEEP = KeepPolicy(2, 10.0)


@pytest.fixture(params=["file", "postgres", "store"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "file":
        return {}
    settings = {"catalog": request.getfixturevalue("catalog")}
    if request.param == "store":
        settings["data"] = f"{request.getfixturevalue('s3_bucket')}/lake"
    return settings


@pytest.fixture
def lake(settings: dict[str, str], tmp_path: Path) -> AtomicDuckLake:
    """The lake of `sales`, which ran twice, and failed once since."""
    lake = lake_of(tmp_path, **settings)
    with lake.begin("run-1").connect() as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA raw; CREATE TABLE raw.t (id TEXT)")
        connection.execute("CREATE VIEW marts.v AS SELECT id FROM sales.raw.t")
    for number in (1, 2):
        run(lake, f"run-{number}", tmp_path, watermark=number)
    load(lake.begin("run-3"), "run-3", tmp_path)
    return lake


def load(lake: Any, row: str, tmp: Path, **options: Any) -> None:
    pq.write_table(pa.table({"id": [row]}), tmp / "rows.parquet")
    lake.load(tmp / "rows.parquet", LoadRequest("t", write_disposition="append", **options))


def run(lake: AtomicDuckLake, run_id: str, tmp: Path, **options: Any) -> None:
    """A run that adds one row, its own id."""
    load(lake.begin(run_id), run_id, tmp, **options)
    assert lake.promote(run_id, KEEP)


def ids(lake: AtomicDuckLake, table: str = "marts.v") -> list[str]:
    with lake.connect(read_only=True) as connection:
        return [each for (each,) in connection.execute(f"FROM {table} ORDER BY ALL").fetchall()]


def test_all_states_go_along_and_the_old_name_is_free(
    lake: AtomicDuckLake,
    settings: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows, views, watermark and kept states; a workflow that takes the old name has own files."""
    monkeypatch.setattr(lake_files, "GRACE_SECONDS", -2.0)
    assert isinstance(lake, RenamesTables)
    lake.rename("trade")
    # Once more, as after a process that was killed.
    lake.rename("trade")
    trade = lake_of(tmp_path, "trade", **settings)
    assert not lake.exists()
    assert (ids(trade), trade.read_watermark("t")) == (["run-1", "run-2"], 2)
    assert [state.run_id for state in trade.kept()] == ["run-1"]
    assert not trade.unfinished("run-3")
    run(lake, "other", tmp_path)
    run(lake, "other-2", tmp_path)
    run(trade, "run-4", tmp_path)
    assert (ids(lake, "raw.t"), ids(trade)) == (["other", "other-2"], ["run-1", "run-2", "run-4"])
    with trade.compare("run-1", "") as connection:
        assert connection.execute("FROM before.marts.v").fetchall() == [("run-1",)]
    with pytest.raises(BadInputError, match="tables of trade"):
        lake.rename("trade")
    trade.rename("back")
    assert ids(lake_of(tmp_path, "back", **settings)) == ["run-1", "run-2", "run-4"]


def test_what_a_reader_holds_stays_until_it_holds_the_new_name(
    catalog: str, tmp_path: Path
) -> None:
    """A run of another workflow that is at work goes on; afterwards nothing pins the old state."""
    lake = lake_of(tmp_path, catalog=catalog)
    run(lake, "run-1", tmp_path)
    lake.states.hold("reader")
    late = lake.begin("run-2")
    lake.rename("trade")
    held = lake.states.held_place("reader")
    assert held is not None
    assert lake.states.is_made(held)
    # A run that another host had begun under the old name does not end well.
    with pytest.raises(WarehouseError, match="is gone"):
        lake.promote("run-2", KEEP)
    assert late.place.schema != held.schema
    trade = lake_of(tmp_path, "trade", catalog=catalog)
    trade.states.hold("reader")
    assert lake.states.held_place("reader") is None


def test_a_catalog_of_an_earlier_version_is_renamed(catalog: str, tmp_path: Path) -> None:
    """It has no column for the folder; runs do without, and a rename adds it."""
    lake = lake_of(tmp_path, catalog=catalog)
    with lake.states.database.open() as database:
        database.execute("ALTER TABLE dataflow_lake.states DROP COLUMN folder")
    run(lake, "run-1", tmp_path)
    lake.rename("trade")
    assert ids(lake_of(tmp_path, "trade", catalog=catalog), "raw.t") == ["run-1"]


def test_a_rename_in_files_that_was_cut_short_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move that fails is taken back; one that was killed is finished by the next command."""
    lake = lake_of(tmp_path)
    run(lake, "run-1", tmp_path)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", fail)
        with pytest.raises(WarehouseError, match="No space left"):
            lake.rename("trade")
    assert ids(lake, "raw.t") == ["run-1"]
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda _: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            lake.rename("trade")
    assert lake.exists()
    lake.rename("trade")
    assert not lake.exists()
    assert ids(lake_of(tmp_path, "trade"), "raw.t") == ["run-1"]


def test_what_stands_under_the_new_name_since_a_kill_is_nobodys_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename that was killed, run again after a workflow of the new name ran, is refused."""
    lake = lake_of(tmp_path)
    run(lake, "run-1", tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            lake.rename("trade")
    other = lake_of(tmp_path, "trade")
    run(other, "run-2", tmp_path)
    with pytest.raises(BadInputError, match="trade"):
        lake.rename("trade")
    assert ids(other, "raw.t") == ["run-2"]
    assert ids(lake, "raw.t") == ["run-1"]
    lake.rename("shop")
    assert ids(lake_of(tmp_path, "shop"), "raw.t") == ["run-1"]


def test_files_in_a_store_of_which_a_file_knows_are_refused(s3_bucket: str, tmp_path: Path) -> None:
    """Nothing there gets another name; all is as it was."""
    lake = lake_of(tmp_path, data=f"{s3_bucket}/lake")
    run(lake, "run-1", tmp_path)
    with pytest.raises(BadInputError, match="catalog"):
        lake.rename("trade")
    assert ids(lake, "raw.t") == ["run-1"]
