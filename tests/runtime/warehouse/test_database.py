"""Opening a workflow's DuckDB file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from dataflow.shared.sql import quote_identifier
from dataflow.warehouse import database
from dataflow.warehouse.database import WarehouseError, open_database, warehouse_fault

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"


def test_the_file_and_its_folder_are_made(tmp_path: Path) -> None:
    """The first run needs no preparation; times are in UTC, and the file is closed after it."""
    path = tmp_path / "data" / "new" / "wf.duckdb"
    for _ in range(2):
        with open_database(path) as connection:
            zone = connection.execute("SELECT current_setting('TimeZone')").fetchone()
        assert zone == ("UTC",)
        with pytest.raises(duckdb.ConnectionException):
            connection.execute("SELECT 1")
    assert path.exists()


def test_a_reader_makes_nothing_and_changes_nothing(tmp_path: Path) -> None:
    """It says to run the workflow; it cannot write; and readers do not keep each other out."""
    path = tmp_path / "data" / "wf.duckdb"
    with (
        pytest.raises(WarehouseError, match="does not exist") as caught,
        open_database(path, read_only=True),
    ):
        pass
    assert "dataflow workflow run wf" in caught.value.instruction
    assert not path.parent.exists()
    with open_database(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    with open_database(path, read_only=True) as one, open_database(path, read_only=True) as two:
        assert one.execute("FROM t").fetchall() == two.execute("FROM t").fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException):
            one.execute("INSERT INTO t VALUES (2)")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Here because a file has its name."""
    (tmp_path / "data").touch()
    with (
        pytest.raises(WarehouseError, match="wf.duckdb failed"),
        open_database(tmp_path / "data" / "wf.duckdb"),
    ):
        pass


def test_a_fault_of_a_statement_is_its_own(tmp_path: Path) -> None:
    """What is wrong with SQL says nothing about the file; what is wrong with the file does."""
    with (
        pytest.raises(duckdb.CatalogException),
        open_database(tmp_path / "wf.duckdb") as connection,
    ):
        connection.execute("FROM nowhere")
    with (
        pytest.raises(WarehouseError, match="wf.duckdb failed: .*disk"),
        open_database(tmp_path / "wf.duckdb"),
    ):
        raise duckdb.IOException("the disk is gone")


def test_who_holds_the_file_for_long_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while of waiting, not at once and not for ever."""
    path = tmp_path / "wf.duckdb"
    pauses: list[float] = []
    clock = iter(range(100))
    quick = SimpleNamespace(monotonic=lambda: next(clock) * 4.0, sleep=pauses.append)
    monkeypatch.setattr(database, "time", quick)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(WarehouseError, match="open in another program"), open_database(path):
            pass
        holder.communicate()
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8]


@pytest.mark.parametrize(
    ("said", "instruction"),
    [
        ("Could not write: NO SPACE left on device", "disk"),
        ("Disk quota exceeded", "disk"),
        ("created with a newer version number", "Use the version of DuckDB"),
        ("who knows", "If it is damaged"),
    ],
)
def test_what_the_file_lacks_is_said_with_what_to_do(said: str, instruction: str) -> None:
    """In one line, whatever DuckDB's own lines are."""
    fault = warehouse_fault(Path("wf.duckdb"), f"{said}\n\n  really")
    assert fault.reason.endswith(f"{said} really")
    assert instruction in fault.instruction


def test_a_name_is_one_name_whatever_it_holds() -> None:
    """Quotes in it are doubled."""
    assert quote_identifier('a"b') == '"a""b"'
