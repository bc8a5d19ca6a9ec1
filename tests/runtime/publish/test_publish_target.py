"""Published tables in a shared place: what several machines publish is all there, whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from tests.dashboard_fixtures import new_project, write_workflow
from tests.object_store_fixtures import (
    Faults,
    forget_stores,
    s3_bucket,
    s3_faults,
    s3_server,
    shared_place,
)

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import forget_workflows, note_run, read_manifest, rename_workflow
from dataflow.publish.manifest_content import Manifest
from dataflow.publish.parquet import publish_workflow, release_workflow, stage_workflow
from dataflow.publish.publish_target import PublishTarget
from dataflow.publish.published_files import TABLE_FILE, copy_published, published_file
from dataflow.shared.file_store import FileStore, StoreError
from dataflow.shared.project import Project

__all__ = ["forget_stores", "s3_bucket", "s3_faults", "s3_server", "shared_place"]

# One machine of two: publishes some workflows in a project of its own, one after the other.
PUBLISH_ALL = """
import sys
from pathlib import Path
import duckdb
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
project = Project(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
with duckdb.connect() as connection:
    for name in sys.argv[2:]:
        publish_workflow(project, name, connection)
"""


def machine(folder: Path, shared_place: str, **tables: int) -> Project:
    """A copy of the project on one machine: workflows with a table of one number each."""
    project = new_project(folder)
    (folder / "pyproject.toml").write_text(f'[tool.dataflow]\npublish_target = "{shared_place}"\n')
    for name, value in tables.items():
        set_number(project, name, value)
    return Project(folder)


def set_number(project: Project, name: str, value: int) -> None:
    """What a workflow publishes."""
    write_workflow(project, name, sources={"t": f"SELECT {value} AS n"})


def publish(project: Project, name: str, stale_after: float = 3600) -> None:
    """Publish, as a run does."""
    with duckdb.connect() as connection:
        publish_workflow(project, name, connection, stale_after=stale_after)


def shown(project: Project, name: str) -> int:
    """The number that a machine's dashboards show."""
    folders = SiteFolders.of(project)
    files = {Path(each).stem: each for each in read_manifest(folders).tables[name]}
    found = duckdb.read_parquet(str(published_file(folders, files["t"]))).fetchone()
    assert found is not None
    return int(found[0])


def store_of(project: Project) -> FileStore:
    """The shared place itself."""
    target = SiteFolders.of(project).target
    assert target is not None
    return target


def test_one_machine_shows_what_another_one_published(shared_place: str, tmp_path: Path) -> None:
    """Tables, notes of runs and later versions; nothing is left in the public folder."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    two = machine(tmp_path / "two", shared_place, sales=2, stock=7)
    publish(one, "sales")
    publish(two, "stock")
    assert (shown(one, "sales"), shown(two, "sales"), shown(one, "stock")) == (1, 1, 7)
    publish(two, "sales")
    assert (shown(one, "sales"), shown(two, "sales")) == (2, 2)
    note_run(one, "sales", {"status": "success"}, 60)
    notes = read_manifest(SiteFolders.of(two)).workflows["sales"]
    assert (notes["run"], notes["rows"]) == ({"status": "success"}, {"t": 1})
    assert not SiteFolders.of(one).data.exists()


@pytest.mark.slow
def test_two_machines_that_publish_at_once_lose_nothing(shared_place: str, tmp_path: Path) -> None:
    """Twenty workflows each, at the same time: all forty are there, and whole."""
    processes = []
    for side in ("a", "b"):
        tables = {f"{side}{number}": number for number in range(20)}
        project = machine(tmp_path / side, shared_place, **tables)
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", PUBLISH_ALL, str(project.root), *tables],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=120)[1] == b""
        assert process.returncode == 0
    reader = machine(tmp_path / "reader", shared_place)
    assert {name: shown(reader, name) for name in read_manifest(SiteFolders.of(reader)).tables} == {
        f"{side}{number}": number for side in ("a", "b") for number in range(20)
    }


def test_versions_that_were_replaced_stay_for_a_while(shared_place: str, tmp_path: Path) -> None:
    """A page that is open reads on; later the file goes, and what another run staged does not."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    publish(one, "sales")
    first = next(
        each for each in read_manifest(SiteFolders.of(one)).tables["sales"] if "/t/" in each
    )
    other = machine(tmp_path / "two", shared_place, sales=5)
    with duckdb.connect() as connection:
        staged = stage_workflow(other, "sales", connection)
    set_number(one, "sales", 2)
    publish(one, "sales")
    assert store_of(one).size(first) is not None
    set_number(one, "sales", 3)
    # As if the version had been replaced long ago.
    store = store_of(one)
    read = store.read("data/manifest.json")
    assert read.data is not None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H")
    assert now.encode() in read.data.partition(b'"replaced"')[2]
    publish(one, "sales", stale_after=-60)
    assert store.size(first) is None
    with release_workflow(other, "sales", staged.folder):
        pass
    assert (shown(one, "sales"), shown(other, "sales")) == (5, 5)


def test_a_publish_that_does_not_end_leaves_the_last_one(shared_place: str, tmp_path: Path) -> None:
    """What is staged, or released in a block that fails, is seen by nobody."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    publish(one, "sales")
    set_number(one, "sales", 2)
    with duckdb.connect() as connection:
        staged = stage_workflow(one, "sales", connection)
    assert shown(one, "sales") == 1
    with (
        pytest.raises(RuntimeError),
        release_workflow(one, "sales", staged.folder),
    ):
        raise RuntimeError
    assert shown(one, "sales") == 1
    with release_workflow(one, "sales", staged.folder):
        pass
    assert shown(one, "sales") == 2


def test_workflows_are_renamed_and_forgotten_for_all(shared_place: str, tmp_path: Path) -> None:
    """With their files; twice is as good as once; a first run of another one is left alone."""
    one = machine(tmp_path / "one", shared_place, sales=1, stock=7, new=9)
    two = machine(tmp_path / "two", shared_place)
    publish(one, "sales")
    publish(one, "stock")
    with duckdb.connect() as connection:
        stage_workflow(one, "new", connection)
    for _ in range(2):
        rename_workflow(SiteFolders.of(one), "sales", "orders")
    assert shown(two, "orders") == 1
    assert forget_workflows(SiteFolders.of(two), {"orders"}) == ["stock"]
    assert forget_workflows(SiteFolders.of(two), {"orders"}) == []
    assert set(read_manifest(SiteFolders.of(one)).tables) == {"orders"}
    folders = {each.name.split("/")[1] for each in store_of(one).list("data")}
    assert folders == {"orders", "new", "manifest.json"}


def test_tools_that_serve_a_folder_get_a_copy(shared_place: str, tmp_path: Path) -> None:
    """The public folder then has the tables and their manifest, as one machine alone has them."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    publish(one, "sales")
    two = machine(tmp_path / "two", shared_place)
    copy_published(SiteFolders.of(two))
    copied = SiteFolders(SiteFolders.of(two).base)
    names = read_manifest(copied).tables["sales"]
    assert names == read_manifest(SiteFolders.of(one)).tables["sales"]
    assert all((copied.public / name).exists() for name in names)


def test_earlier_copies_on_this_machine_go_in_time(shared_place: str, tmp_path: Path) -> None:
    """An open page may want a version for six hours; what is there is not fetched again."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    copies = []
    for value in (1, 2, 3):
        set_number(one, "sales", value)
        publish(one, "sales")
        assert shown(one, "sales") == value
        copies.append(next(SiteFolders.of(one).copies.glob("data/sales/t/*/t.parquet")))
        if value < 3:
            age = time.time() - (5.9 if value == 1 else 6.1) * 3600
            for folder in SiteFolders.of(one).copies.glob("data/sales/t/*"):
                os.utime(folder, (age, age))
    assert len(list(SiteFolders.of(one).copies.glob("data/sales/t/*/t.parquet"))) == 1
    store_of(one).delete(read_manifest(SiteFolders.of(one)).tables["sales"])
    assert shown(one, "sales") == 3


def test_a_tool_gets_what_is_published_and_no_more(shared_place: str, tmp_path: Path) -> None:
    """Nothing from a place that has nothing, or where there is none; what is there stays."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    folders = SiteFolders.of(one)
    copy_published(folders)
    assert not folders.public.exists()
    copy_published(SiteFolders(folders.base))
    assert not folders.public.exists()
    publish(one, "sales")
    copy_published(folders)
    files = [folders.public / name for name in read_manifest(folders).tables["sales"]]
    files[0].write_bytes(b"as it was")
    copy_published(folders)
    assert files[0].read_bytes() == b"as it was"
    own = SiteFolders(folders.base)
    assert published_file(own, "data/x") == own.public / "data/x"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("data/sales/t/1a2b3c4d/t.parquet", True),
        ("data/sales/t/" + "a" * 64 + "/t.parquet", True),
        ("data/sales/t/1a2b3c4/t.parquet", False),
        ("data/sales/t/" + "a" * 65 + "/t.parquet", False),
        ("data/sales/../1a2b3c4d/t.parquet", False),
        ("data/manifest.json", False),
    ],
)
def test_what_may_be_asked_of_a_shared_place(name: str, *, is_one: bool) -> None:
    """Tables, and nothing else that lies there."""
    assert (TABLE_FILE.fullmatch(name) is not None) is is_one


def test_a_change_is_made_anew_where_another_was_faster(shared_place: str, tmp_path: Path) -> None:
    """Neither of the two is lost; one that changes nothing writes nothing."""
    one = machine(tmp_path / "one", shared_place)
    store = store_of(one)
    calls: list[int] = []
    target = PublishTarget(store)

    def apply(manifest: Manifest) -> None:
        if not calls:
            PublishTarget(store).change(lambda other: other.tables.update(stock=["b"]))
        calls.append(1)
        manifest.tables["sales"] = ["a"]

    assert target.change(apply).tables == {"stock": ["b"], "sales": ["a"]}
    assert len(calls) == 2
    before = store.read("data/manifest.json").version
    target.change(apply)
    assert store.read("data/manifest.json").version == before
    assert target.read_manifest().tables == {"stock": ["b"], "sales": ["a"]}


def test_what_is_gone_before_it_is_shown_is_told(shared_place: str, tmp_path: Path) -> None:
    """Of what was staged, a file that is neither there nor here; with it here it comes again."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    with duckdb.connect() as connection:
        staged = stage_workflow(one, "sales", connection)
    store = store_of(one)
    names = [file.name for file in store.list("data/sales")]
    assert len(names) == 3
    store.delete(names)
    with release_workflow(one, "sales", staged.folder):
        assert {file.name for file in store.list("data/sales")} == set(names)
    with duckdb.connect() as connection:
        staged = stage_workflow(one, "sales", connection)
    for path in staged.folder.rglob("*.parquet"):
        path.unlink()
    store.delete(file.name for file in store.list("data/sales"))
    with (
        pytest.raises(StoreError, match="is gone"),
        release_workflow(one, "sales", staged.folder),
    ):
        pytest.fail("It is not shown.")


def test_a_file_that_is_no_manifest_is_not_replaced(shared_place: str, tmp_path: Path) -> None:
    """To begin anew would drop what all other workflows have published."""
    one = machine(tmp_path / "one", shared_place, sales=1)
    store_of(one).write("data/manifest.json", b"<html>")
    with pytest.raises(StoreError, match="not a manifest"):
        publish(one, "sales")
    assert store_of(one).read("data/manifest.json").data == b"<html>"


@pytest.mark.slow
def test_a_store_that_goes_away_is_one_message(
    s3_faults: Faults, s3_bucket: str, tmp_path: Path
) -> None:
    """Before the tables are there, and between tables and manifest; the last good ones stay."""
    one = machine(tmp_path / "one", s3_bucket, sales=1)
    publish(one, "sales")
    set_number(one, "sales", 2)
    s3_faults.stop()
    with pytest.raises(StoreError, match="cannot be reached"):
        publish(one, "sales")
    s3_faults.start()
    assert shown(one, "sales") == 1
    with duckdb.connect() as connection:
        staged = stage_workflow(one, "sales", connection)
    with (
        pytest.raises(StoreError, match="cannot be reached"),
        release_workflow(one, "sales", staged.folder),
    ):
        s3_faults.stop()
    s3_faults.start()
    assert shown(one, "sales") == 1
    # What was staged is still there, for whoever tries again.
    with release_workflow(one, "sales", staged.folder):
        pass
    assert shown(one, "sales") == 2
