"""Names of columns, tables and files are names in every statement that they get into."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dataflow.publish.folders import SiteFolders
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.tables import write_parquet
from dataflow.sources.errors import SourceError, SourceSettingError
from dataflow.sources.read import read_source
from dataflow.warehouse.kind import LoadRequest
from dataflow.warehouse.load import load_table

pytestmark = pytest.mark.slow

PARAMETERS = {"batch_size": 100, "max_retries": 0, "timeout_seconds": 5}
PARTS = st.sampled_from(
    [
        *('"', '""', "'", "''", "`", ";", "--", "/*", "*/", "(", ")", ",", ".", "\\", "\n", "\r"),
        *("$1", "?", ":x", "%s", "%(x)s", "{{ 7 }}", "{% x %}", "{", "}", "[", "]", "#", "&", "\t"),
        *("drop table keep", "or 1=1", "select", "table", "from", "null", "old", "new", "rowid"),
        *("ü", "\U0001d41a", "\u202e", "\u200b", "🎉", "a" * 60, " ", "A", "b"),
    ]
)
signs = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
texts = st.lists(PARTS | signs, min_size=1).map("".join)
names = texts.map(lambda text: text.strip()[:300].strip()).filter(bool)
# Each example has many names, since files cost more than names.
batches = st.lists(
    names.filter(lambda name: "\0" not in name), min_size=25, max_size=25, unique_by=str.lower
)
few = settings(max_examples=8, suppress_health_check=list(HealthCheck))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def load(folder: Path, rows: list[dict[str, Any]], **options: Any) -> duckdb.DuckDBPyConnection:
    """Load rows twice beside a table `keep`; the database, open."""
    database, parquet = folder / "names.duckdb", folder / "rows.parquet"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.keep AS SELECT 1 AS a")
    write_parquet(rows, parquet)
    for _ in range(2):
        load_table(database, parquet, LoadRequest("t", **options))
    return duckdb.connect(str(database))


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    return [name for (name,) in found]


@few
@given(columns=batches, disposition=st.sampled_from(["replace", "append", "merge"]))
@example(columns=["x" * 300, 'a"; drop table raw.keep; --'], disposition="merge")
def test_columns_and_keys_of_any_name_are_loaded(
    tmp_path: Path, columns: list[str], disposition: str
) -> None:
    """Replace, append and merge by such keys: the rows are there once or twice, nothing else is."""
    assume("file_row_number" not in map(str.lower, columns))
    rows = [{name: number + row for number, name in enumerate(columns)} for row in range(2)]
    keys = columns if disposition == "merge" else []
    with load(tmp_path, rows, write_disposition=disposition, primary_key=keys) as connection:
        selected = ", ".join(map(quoted, columns))
        found = connection.execute(f"SELECT {selected} FROM raw.t ORDER BY ALL").fetchall()
        times = 2 if disposition == "append" else 1
        assert found == [tuple(row.values()) for row in rows for _ in range(times)]
        assert tables(connection) == ["keep", "t"]


@pytest.mark.parametrize("disposition", ["replace", "append", "merge"])
@pytest.mark.parametrize("name", ["a\0b", "\0", "file_row_number", "File_Row_Number"])
def test_a_name_that_cannot_be_is_refused_and_nothing_loaded(
    tmp_path: Path, name: str, disposition: str
) -> None:
    """A NUL, or a name that a merge needs: the error says which, and no table is made."""
    if "\0" not in name and disposition != "merge":
        pytest.skip("only a merge needs the name")
    with pytest.raises(BadInputError) as caught:
        load(tmp_path, [{name: 1}], write_disposition=disposition, primary_key=[name])
    assert repr(name.lower()) in caught.value.reason.lower()
    with duckdb.connect(str(tmp_path / "names.duckdb")) as connection:
        assert tables(connection) == ["keep"]


@few
@given(keys=batches)
def test_a_key_that_no_row_has_is_only_named(tmp_path: Path, keys: list[str]) -> None:
    """`load.primary_key` of any text is looked up, never run."""
    assume("a" not in map(str.lower, keys))
    with pytest.raises(BadInputError, match="primary key"):
        load(tmp_path, [{"a": 1}], write_disposition="merge", primary_key=keys)
    with duckdb.connect(str(tmp_path / "names.duckdb")) as connection:
        assert tables(connection) == ["keep"]


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(called=batches, kind=st.sampled_from(["sqlite", "duckdb"]))
def test_tables_and_columns_of_databases_may_be_called_anything(
    project: Project, called: list[str], kind: str
) -> None:
    """Tables of such names are read, from such texts on, by columns of such names."""
    assume(not any(name.lower().startswith("sqlite_") for name in called))
    path = project.root / f"names.{kind}"
    path.unlink(missing_ok=True)
    connect: Any = sqlite3.connect if kind == "sqlite" else duckdb.connect
    connection = connect(str(path))
    connection.execute("BEGIN")
    for name in called:
        connection.execute(f"CREATE TABLE {quoted(name)} ({quoted(name)} VARCHAR)")
        connection.execute(f"INSERT INTO {quoted(name)} VALUES (?)", [name])
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for name in called:
        source = {"type": "database", "url": str(path), "table": name}
        since = {"incremental": {"column": name, "initial_value": name}}
        for more in ({}, since):
            read = read_source({**source, **more}, PARAMETERS)
            assert [str(value) for value in read["data"].column(0).to_pylist()] == [name]
    assert path.read_bytes() == before


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(wanted=names, query=st.booleans(), kind=st.sampled_from(["sqlite", "duckdb"]))
@example("select 1) ; copy (select 1) to 'evil.csv'; from (select 2", True, "duckdb")
@example("select 1 as a) as q; create table evil (a int); --", True, "duckdb")
@example("select 1 as a) as q; create table evil (a int); --", True, "sqlite")
@example("select 1; attach 'evil.db'", True, "sqlite")
def test_what_is_no_table_and_no_query_changes_nothing(
    project: Project, wanted: str, query: bool, kind: str
) -> None:
    """Any text as table or query: rows or an error of ours, the file as it was, no file beside."""
    path = project.root / f"source.{kind}"
    if not path.exists():
        connect: Any = sqlite3.connect if kind == "sqlite" else duckdb.connect
        with connect(str(path)) as connection:
            connection.execute("CREATE TABLE keep (a INTEGER)")
    before, files = path.read_bytes(), sorted(os.listdir(project.root))  # noqa: PTH208
    source = {"type": "database", "url": str(path), "query" if query else "table": wanted}
    with contextlib.suppress(SourceError, SourceSettingError):
        read_source(source, PARAMETERS)
    assert path.read_bytes() == before
    assert sorted(os.listdir(project.root)) == files  # noqa: PTH208


FILES = [
    *("a b", "q?mode=rwc&x=", "h#x", "p%41", "%00", "it's", 'say "x"', "semi;colon", "new\nline"),
    *(
        "x*",
        "[ab]",
        "{a,b}",
        "-x",
        "~x",
        "~",
        "$HOME",
        "`id`",
        "\u202e",
        "ü",
        "a\\b",
        "' OR 1=1 --",
    ),
    *("read_csv('x')", "{{ 7 * 7 }}", "x" * 200, "' OR 1=1 --"),
]


@pytest.mark.parametrize("stem", FILES)
@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".sqlite", ".duckdb"])
def test_files_may_be_called_anything(project: Project, stem: str, suffix: str) -> None:
    """A file is that file, whatever its name means to SQL, to globs, to URLs or to a shell."""
    path = project.root / f"{stem}{suffix}"
    beside = project.root / f"x{suffix}"
    for place, value in ((beside, 2), (path, 1)):
        write_file(place, value)
    files = sorted(os.listdir(project.root))  # noqa: PTH208
    kind = "database" if suffix in (".sqlite", ".duckdb") else "file"
    source = {"type": kind, "url": path.name, **({"table": "t"} if kind == "database" else {})}

    read = read_source(source, PARAMETERS)

    assert read["data"].to_pylist() == [{"a": 1}]
    assert sorted(os.listdir(project.root)) == files  # noqa: PTH208


def write_file(path: Path, value: int) -> None:
    if path.suffix == ".csv":
        path.write_text(f"a\n{value}\n")
    elif path.suffix == ".json":
        path.write_text(f'[{{"a": {value}}}]')
    elif path.suffix == ".parquet":
        write_parquet([{"a": value}], path)
    else:
        connect: Any = sqlite3.connect if path.suffix == ".sqlite" else duckdb.connect
        with connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE t AS SELECT {value} AS a")
        connection.close()


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "a/../../b.csv", "C:\\x.csv", ""])
def test_what_a_zip_says_of_paths_is_not_believed(project: Project, name: str) -> None:
    """A member is unpacked into a folder of the run's own, wherever it claims to lie."""
    import zipfile

    with zipfile.ZipFile(project.root / "rows.csv.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name or "x"), "a\n1\n")
    before = sorted(project.root.parent.rglob("*"))
    source = {"type": "file", "url": "rows.csv.zip", "format": "csv"}
    assert read_source(source, PARAMETERS)["data"].to_pylist() == [{"a": 1}]
    assert sorted(project.root.parent.rglob("*")) == before


@pytest.fixture
def published(project: Project) -> Project:
    folder = project.workflow_dir("sales") / "evidence" / "sources"
    folder.mkdir(parents=True)
    (folder / "rows.sql").write_text("select * from marts.rows\n")
    project.data_dir.mkdir()
    return project


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(columns=batches)
def test_published_tables_have_the_very_columns(published: Project, columns: list[str]) -> None:
    """What dashboards read has the names that the mart has, and only these tables."""
    path = published.warehouse_file("sales")
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        selected = ", ".join(f"{i} AS {quoted(name)}" for i, name in enumerate(columns))
        connection.execute(f"CREATE SCHEMA marts; CREATE TABLE marts.rows AS SELECT {selected}")
    assert publish_workflow(published, "sales", stale_after=0) == {"rows": 1}
    [file] = (SiteFolders.of(published).data / "sales").glob("rows/*/rows.parquet")
    read = duckdb.sql(f"FROM read_parquet('{file}')")
    assert read.columns == columns
    assert read.fetchone() == tuple(map(float, range(len(columns))))
