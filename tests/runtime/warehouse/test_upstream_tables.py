"""The tables of other workflows: which there are, how a run holds them, what changed of them."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from dataflow.shared.project import Project
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.held_file import HeldFile
from dataflow.warehouse.kind import HeldTables
from dataflow.warehouse.upstream_tables import (
    UpstreamTable,
    attach_upstream_tables,
    changed_columns,
    hold_upstream_tables,
    note_columns,
    noted_columns,
    read_tables,
    release_upstream_tables,
    tables_for_others,
    upstream_tables,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    (tmp_path / "data").mkdir()
    return Project(tmp_path)


def write(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def file_of(tables: HeldTables) -> Path:
    assert isinstance(tables, HeldFile)
    return tables.path


def held(project: Project) -> list[int]:
    with duckdb.connect() as connection:
        attach_upstream_tables(connection, upstream_tables(project, "report", ["till"]))
        return [n for (n,) in connection.execute("SELECT n FROM till.main.t").fetchall()]


def test_holding_takes_no_second_copy_and_is_let_go(project: Project) -> None:
    """A second name of the file; one that has no file yet is not in the way."""
    live = project.warehouse_file("till")
    write(live, "CREATE TABLE t AS SELECT 1 AS n")
    files = upstream_tables(project, "report", ["none_yet", "till"])
    hold_upstream_tables(project, "report", files)
    assert file_of(files["till"]).samefile(live)
    assert not files["none_yet"].exists()
    assert held(project) == [1]
    write(project.root / "next.duckdb", "CREATE TABLE t AS SELECT 2 AS n")
    (project.root / "next.duckdb").replace(live)
    assert held(project) == [1]
    hold_upstream_tables(project, "report", files)
    assert held(project) == [2]
    for _ in range(2):
        release_upstream_tables(files)
        assert not file_of(files["till"]).parent.exists()
    assert live.exists()


@pytest.mark.parametrize("in_the_way", ["data/.runs", "data/.runs/report/upstream/till.duckdb/x"])
def test_where_nothing_can_be_held_the_file_is_named(project: Project, in_the_way: str) -> None:
    """A file where the folder should be, and a folder where the file should be."""
    write(project.warehouse_file("till"), "CREATE TABLE t AS SELECT 1 AS n")
    path = project.root / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(WarehouseError, match=r"till\.duckdb"):
        hold_upstream_tables(project, "report", ["till"])


def test_where_files_are_not_replaced_whole_a_copy_is_held(project: Project) -> None:
    """A file that the other workflow's runs write into would change under its readers."""
    (project.root / "pyproject.toml").write_text("[tool.dataflow]\nall_or_nothing = false\n")
    project = Project(project.root)
    live = project.warehouse_file("till")
    write(live, "CREATE TABLE t AS SELECT 1 AS n")
    hold_upstream_tables(project, "report", ["till"])
    write(live, "INSERT INTO t VALUES (2)")
    assert held(project) == [1]


def test_without_hard_links_a_copy_is_held(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system that has none."""

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    live = project.warehouse_file("till")
    write(live, "CREATE TABLE t AS SELECT 1 AS n")
    hold_upstream_tables(project, "report", ["till"])
    assert held(project) == [1]
    assert not file_of(upstream_tables(project, "report", ["till"])["till"]).samefile(live)


def test_what_a_killed_writer_has_left_is_seen(project: Project, tmp_path: Path) -> None:
    """It lies in a file of its own beside the database, which the held file would lack."""
    live, source = project.warehouse_file("till"), tmp_path / "till.duckdb"
    with duckdb.connect(str(source)) as connection:
        connection.execute("SET wal_autocheckpoint = '1GB'; CREATE TABLE t AS SELECT 1 AS n")
        connection.execute("CHECKPOINT; INSERT INTO t VALUES (2)")
        live.write_bytes(source.read_bytes())
        log = live.with_name("till.duckdb.wal")
        log.write_bytes(source.with_name(log.name).read_bytes())
    hold_upstream_tables(project, "report", ["till"])
    assert held(project) == [1, 2]


def test_others_read_the_marts_first(project: Project) -> None:
    """What lies in between is a workflow's own, unless it has nothing but its raw tables."""
    live = project.warehouse_file("till")
    write(live, "CREATE SCHEMA raw; CREATE TABLE raw.r AS SELECT 1 AS n")
    write(live, "CREATE SCHEMA rejected; CREATE TABLE rejected.j AS SELECT 1 AS n")
    assert [str(table) for table in tables_for_others("till", HeldFile(live))] == ["till.raw.r"]
    write(live, "CREATE SCHEMA a; CREATE TABLE a.t AS SELECT 1 AS n; CREATE VIEW a.b AS FROM a.t")
    write(live, "CREATE SCHEMA marts; CREATE TABLE marts.T AS SELECT 1::BIGINT AS x, '' AS b")
    write(live, "CREATE SCHEMA dataflow; CREATE TABLE dataflow.state AS SELECT 1 AS n")
    tables = tables_for_others("till", HeldFile(live))
    assert [str(table) for table in tables] == ["till.marts.T", "till.a.b"]
    assert list(tables[0].columns.items()) == [("x", "BIGINT"), ("b", "VARCHAR")]


def test_columns_are_noted_and_what_changed_of_them_is_told(tmp_path: Path) -> None:
    """A column that is gone or has another type; new columns and tables harm nobody."""
    before = UpstreamTable("till", "marts", "t", {"b": "INTEGER", "a": "VARCHAR", "c": "DATE"})
    gone = UpstreamTable("till", "marts", "gone", {"a": "VARCHAR"})
    now = UpstreamTable("till", "marts", "t", {"b": "BIGINT", "a": "VARCHAR", "d": "DATE"})
    with DuckDBFile(tmp_path / "report.duckdb").connect() as connection:
        assert noted_columns(connection) == []
        note_columns(connection, [])
        assert noted_columns(connection) == []
        note_columns(connection, [before, gone])
        noted = noted_columns(connection)
        assert read_tables(connection, "report") == []
    assert noted == [gone, before]
    assert list(noted[1].columns) == ["b", "a", "c"]
    assert [str(change) for change in changed_columns(noted, [now])] == [
        "'b' of till.marts.t is BIGINT now; it was INTEGER when it was last read.",
        "'c' of till.marts.t is gone; it was DATE when it was last read.",
    ]
