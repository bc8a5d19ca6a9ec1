"""The copy that a run works on, its end, and the states that are kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dataflow.shared.errors import BadInputError
from dataflow.warehouse import database
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.duckdb_file import AtomicDuckDBFile, DuckDBFile
from dataflow.warehouse.kind import AtomicWarehouse, KeepPolicy, LoadRequest
from dataflow.warehouse.run_warehouse import RunWarehouse
from dataflow.warehouse.states import DuckDBStates

KEEP = KeepPolicy(states=2, gigabytes=1.0)


@pytest.fixture
def warehouse(tmp_path: Path) -> AtomicDuckDBFile:
    """A warehouse in which run `zero` has made a table with one row, and a view of it."""
    made = AtomicDuckDBFile(tmp_path / "data" / "wf.duckdb")
    with made.begin("zero").connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 0 AS n; CREATE VIEW v AS SELECT n FROM wf.t")
    assert made.promote("zero", KEEP)
    return made


def write(warehouse: AtomicDuckDBFile, run_id: str, number: int, resumes: str = "") -> None:
    with warehouse.begin(run_id, resumes).connect() as connection:
        connection.execute(f"INSERT INTO t VALUES ({number})")


def read(warehouse: DuckDBFile, relation: str = "t") -> list[int]:
    with warehouse.connect(read_only=True) as connection:
        return [n for (n,) in connection.execute(f"SELECT n FROM {relation} ORDER BY 1").fetchall()]


def test_what_a_run_writes_is_seen_at_its_end(warehouse: AtomicDuckDBFile) -> None:
    """Until then the file is the same byte for byte; views are found in the copy, too."""
    before = warehouse.path.read_bytes()
    write(warehouse, "one", 1)
    assert warehouse.path.read_bytes() == before
    assert read(warehouse.begin("one"), "v") == [0, 1]
    assert warehouse.promote("one", KEEP)
    assert read(warehouse, "v") == [0, 1]
    assert warehouse.is_promoted("one")
    assert not warehouse.unfinished("one")
    assert not warehouse.promote("one", KEEP)


@pytest.mark.slow
def test_a_reader_goes_on_with_what_it_had_opened(warehouse: AtomicDuckDBFile) -> None:
    """In another process: it stops no run, and its file does not change under it."""
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True);"
        "sys.stdin.readline(); print(c.execute('SELECT n FROM t').fetchall())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, warehouse.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        write(warehouse, "one", 1)
        assert warehouse.promote("one", KEEP)
        assert read(warehouse) == [0, 1]
        assert reader.communicate("\n")[0] == "[(0,)]\n"


@pytest.mark.slow
def test_the_work_of_a_failed_run_is_gone_with_the_next(warehouse: AtomicDuckDBFile) -> None:
    """It stays until then for who wants to look; who takes it up later is told that it is gone."""
    write(warehouse, "failed", 1)
    assert Path(warehouse.unfinished("failed")).is_file()
    write(warehouse, "next", 2)
    assert not warehouse.unfinished("failed")
    assert warehouse.promote("next", KEEP)
    assert read(warehouse) == [0, 2]
    with pytest.raises(WarehouseError, match="What run failed had loaded is gone"):
        warehouse.begin("again", resumes="failed")
    assert not list(warehouse.path.parent.rglob("work"))


def test_a_run_goes_on_from_a_failed_one(warehouse: AtomicDuckDBFile) -> None:
    """With all that it had written, also when that one went on from another one."""
    write(warehouse, "failed", 1)
    write(warehouse, "failed again", 2, resumes="failed")
    write(warehouse, "good", 3, resumes="failed")
    assert warehouse.promote("good", KEEP)
    assert read(warehouse) == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_run_goes_on_from_one_that_wrote_nothing(warehouse: AtomicDuckDBFile) -> None:
    """Then there is nothing that could be missing."""
    write(warehouse, "good", 3, resumes="failed early")
    assert warehouse.promote("good", KEEP)
    assert read(warehouse) == [0, 3]


@pytest.mark.parametrize("state", ["changed", "deleted", "made"])
def test_a_file_that_changed_meanwhile_is_not_replaced(
    warehouse: AtomicDuckDBFile, tmp_path: Path, state: str
) -> None:
    """Whoever did it does not lose it; the message says what to do."""
    if state == "made":
        warehouse = AtomicDuckDBFile(tmp_path / "new.duckdb")
        with warehouse.begin("one").connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    else:
        write(warehouse, "one", 1)
    if state == "deleted":
        warehouse.path.unlink()
    else:
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute("CREATE TABLE other AS SELECT 5 AS n")
    with pytest.raises(WarehouseError, match="was changed by another program") as caught:
        warehouse.promote("one", KEEP)
    assert "dataflow.authoring.open_warehouse" in caught.value.instruction
    if state != "deleted":
        assert read(warehouse, "other") == [5]
    assert Path(warehouse.unfinished("one")).is_file()


def test_a_connection_left_open_is_told(warehouse: AtomicDuckDBFile) -> None:
    """What it may still write would be lost, or change the file that others read."""
    own = warehouse.begin("one")
    with duckdb.connect(own.location) as left:
        left.begin()
        left.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(WarehouseError, match="different configuration") as caught:
            warehouse.promote("one", KEEP)
    assert "close every connection" in caught.value.instruction
    assert read(warehouse) == [0]


@pytest.mark.slow
def test_a_connection_that_an_earlier_run_left_open_is_not_met(
    warehouse: AtomicDuckDBFile,
) -> None:
    """DuckDB would answer with that run's file, though another one has its name by now."""
    left = duckdb.connect(warehouse.begin("one").location)
    left.execute("INSERT INTO t VALUES (1)")
    write(warehouse, "two", 2)
    copy = Path(warehouse.begin("two").location)
    assert copy.parent.name == "working-2"
    left.execute("INSERT INTO t VALUES (1)")
    assert warehouse.promote("two", KEEP)
    left.close()
    assert read(warehouse) == [0, 2]


def test_each_run_has_its_copy_under_the_same_path(warehouse: AtomicDuckDBFile) -> None:
    """Dbt parses all models anew when the path of the database changes."""
    for run_id in ("one", "two"):
        copy = Path(warehouse.begin(run_id).location)
        assert copy.relative_to(warehouse.path.parent) == Path(".runs/wf/working/wf.duckdb")


@pytest.mark.slow
def test_no_more_is_kept_than_the_settings_say(warehouse: AtomicDuckDBFile) -> None:
    """The newest ones: by number, and by what they take on the disk."""
    for number in range(1, 5):
        write(warehouse, f"run {number}", number)
        assert warehouse.promote(f"run {number}", KEEP)
    assert [state.run_id for state in warehouse.kept()] == ["run 3", "run 2"]
    assert [state.replaced_by for state in warehouse.kept()] == ["run 4", "run 3"]
    size = warehouse.path.stat().st_size
    write(warehouse, "run 5", 5)
    assert warehouse.promote("run 5", KeepPolicy(2, 1.5 * size / 1e9))
    assert [state.run_id for state in warehouse.kept()] == ["run 4"]
    write(warehouse, "run 6", 6)
    assert warehouse.promote("run 6", KeepPolicy(0, 1.0))
    assert warehouse.kept() == []
    present = warehouse.present()
    assert present is not None
    assert present.run_id == "run 6"


def test_keeping_a_state_takes_no_second_copy(warehouse: AtomicDuckDBFile) -> None:
    """The file that was seen is the one that is kept."""
    inode = warehouse.path.stat().st_ino
    write(warehouse, "one", 1)
    warehouse.promote("one", KEEP)
    (kept,) = warehouse.path.parent.rglob("kept/zero/wf.duckdb")
    assert kept.stat().st_ino == inode


@pytest.mark.slow
def test_a_state_is_brought_back_and_that_is_undone(warehouse: AtomicDuckDBFile) -> None:
    """Its run is named, not the restoring; what was there is kept."""
    write(warehouse, "one", 1)
    warehouse.promote("one", KEEP)
    warehouse.begin("restoring", state="zero")
    assert warehouse.promote("restoring", KEEP)
    present = warehouse.present()
    assert present is not None
    assert (present.run_id, read(warehouse)) == ("zero", [0])
    warehouse.begin("undoing", state="one")
    assert warehouse.promote("undoing", KEEP)
    assert read(warehouse) == [0, 1]
    with pytest.raises(BadInputError, match="run other is not kept"):
        warehouse.begin("restoring", state="other")


def test_a_state_takes_the_place_of_a_file_that_is_gone(warehouse: AtomicDuckDBFile) -> None:
    """As after it was damaged, and moved away."""
    write(warehouse, "one", 1)
    warehouse.promote("one", KEEP)
    warehouse.path.unlink()
    assert warehouse.present() is None
    warehouse.begin("restoring", state="zero")
    assert warehouse.promote("restoring", KEEP)
    assert read(warehouse) == [0]


def test_a_file_from_before_is_kept_under_a_name(tmp_path: Path) -> None:
    """One that no run of this version has made has no run's id."""
    warehouse = AtomicDuckDBFile(tmp_path / "wf.duckdb")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 0 AS n")
    present = warehouse.present()
    assert present is not None
    assert present.run_id == ""
    write(warehouse, "12345678-9", 1)
    warehouse.promote("12345678-9", KEEP)
    assert [state.run_id for state in warehouse.kept()] == ["before-12345678"]


def test_a_link_stays_a_link(warehouse: AtomicDuckDBFile, tmp_path: Path) -> None:
    """A file on a larger disk is copied and replaced there."""
    link = AtomicDuckDBFile(tmp_path / "elsewhere" / "wf.duckdb")
    link.path.parent.mkdir()
    link.path.symlink_to(warehouse.path)
    write(link, "one", 1)
    assert link.promote("one", KEEP)
    assert link.path.is_symlink()
    assert read(warehouse) == read(link) == [0, 1]
    assert [path.name for path in link.path.parent.iterdir()] == ["wf.duckdb"]


def test_no_room_for_a_copy_is_told_before_it_is_made(
    warehouse: AtomicDuckDBFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how much it takes."""
    monkeypatch.setattr(
        "dataflow.warehouse.states.shutil.disk_usage",
        lambda _: type("Usage", (), {"free": 5})(),
    )
    with pytest.raises(WarehouseError, match="no space for the copy"):
        warehouse.begin("one")


@pytest.mark.slow
def test_a_writer_is_waited_for_and_then_named(
    warehouse: AtomicDuckDBFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it may write next would be in no copy."""
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.1)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, warehouse.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(WarehouseError, match=str(writer.pid)):
            warehouse.begin("one")
        writer.communicate(b"\n")
    write(warehouse, "one", 1)


def test_a_fault_of_the_copy_names_the_file(warehouse: AtomicDuckDBFile) -> None:
    """That is the one that a person knows and can put right."""
    own = RunWarehouse(warehouse, "one")
    own.dbt_variables()
    fault = own.fault(f"Could not read {own.location}")
    assert str(warehouse.path) in fault.reason
    assert "work" not in fault.reason


def test_a_run_that_only_reads_has_no_copy(warehouse: AtomicDuckDBFile) -> None:
    """It reads what everybody sees until it writes, and from then on its own."""
    own = RunWarehouse(warehouse, "one")
    with own.connect(read_only=True) as connection:
        assert connection.sql("SELECT n FROM t").fetchall() == [(0,)]
    assert own.location == warehouse.location
    assert own.exists()
    assert own.read_watermark("t") is None
    assert not list(warehouse.path.parent.rglob("work"))
    with own.connect() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
    elsewhere = RunWarehouse(warehouse, "one")
    with elsewhere.connect(read_only=True) as connection:
        assert connection.sql("SELECT n FROM t ORDER BY 1").fetchall() == [(0,), (1,)]


def test_what_a_run_loads_is_in_its_copy_alone(warehouse: AtomicDuckDBFile, tmp_path: Path) -> None:
    """With how far it has read; dbt is told the copy, and a fault names the file people know."""
    own = RunWarehouse(warehouse, "one")
    duckdb.sql("SELECT 7 AS n").write_parquet(str(tmp_path / "rows.parquet"))
    loaded = own.load(tmp_path / "rows.parquet", LoadRequest("rows", watermark={"value": 7}))
    assert (loaded.table, loaded.rows_loaded) == ("raw.rows", 1)
    assert own.read_watermark("rows") == {"value": 7}
    assert warehouse.read_watermark("rows") is None
    assert own.location == warehouse.unfinished("one") != warehouse.location
    assert own.dbt_variables() == {"DATAFLOW_DATABASE": own.location}
    assert str(warehouse.path) in own.fault("No space left on device").reason


@pytest.mark.slow
def test_a_kind_need_not_be_atomic(warehouse: AtomicDuckDBFile, tmp_path: Path) -> None:
    """One that builds on the plain file goes on as it was."""
    assert isinstance(warehouse, AtomicWarehouse)
    assert not isinstance(DuckDBFile(tmp_path / "x.duckdb"), AtomicWarehouse)


@pytest.mark.slow
def test_what_is_damaged_in_what_is_noted_is_no_end(warehouse: AtomicDuckDBFile) -> None:
    """A power cut may leave half a note; the next run begins anew."""
    write(warehouse, "failed", 1)
    states = DuckDBStates(warehouse.path)
    for name in ("run.json", "given_up.json"):
        (warehouse.path.parent / ".runs" / "wf" / name).write_text("{")
    write(warehouse, "next", 2)
    assert warehouse.promote("next", KEEP)
    assert read(warehouse) == [0, 2]
    assert [state.run_id for state in states.kept()] == ["zero"]
