from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import (
    RUNS_MARK,
    forget_workflows,
    note_run,
    read_manifest,
    rename_workflow,
    replace_tables,
    replacing_tables,
)
from dataflow.publish.manifest_content import RUN_SECONDS
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project


def test_nothing_published_is_an_empty_manifest(project: Project) -> None:
    """Before the first run there is nothing to read, and that is no error."""
    manifest = read_manifest(SiteFolders.of(project))

    assert (manifest.tables, manifest.workflows) == ({}, {})


def test_the_last_run_is_noted_beside_what_was_published(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A failed run shows on the index page, and the good data before it stays."""
    add_workflow("shop", sources={"t": "SELECT 1 AS a"}, warehouse="SELECT 1")
    publish_workflow(project, "shop")
    run = {"status": "failure", "ended_at": "2026-01-01T00:00:00+00:00"}

    note_run(project, "shop", run)

    manifest = read_manifest(SiteFolders.of(project))
    assert manifest.workflows["shop"]["run"] == run
    assert manifest.workflows["shop"]["rows"] == {"t": 1}
    assert len(manifest.tables["shop"]) == 3
    publish_workflow(project, "shop")
    assert read_manifest(SiteFolders.of(project)).workflows["shop"]["run"] == run


def test_runs_noted_at_once_are_all_kept(project: Project) -> None:
    """Many runs may end in one moment."""
    names = [f"w{number}" for number in range(20)]
    threads = [
        threading.Thread(target=note_run, args=(project, name, {"status": "success"}))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(read_manifest(SiteFolders.of(project)).workflows) == set(names)


def test_removed_workflows_are_forgotten_with_their_files(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Data of a deleted workflow does not stay on the site."""
    folders = SiteFolders.of(project)
    for name in ("stays", "goes"):
        add_workflow(name, sources={"t": "SELECT 1 AS a"}, warehouse="SELECT 1")
        publish_workflow(project, name)

    assert forget_workflows(folders, {"stays"}) == ["goes"]
    assert forget_workflows(folders, {"stays"}) == []

    assert set(read_manifest(folders).tables) == {"stays"}
    assert [path.name for path in folders.data.iterdir() if path.is_dir()] == ["stays"]


def test_a_workflow_of_which_only_a_run_or_only_files_are_left_is_forgotten(
    project: Project,
) -> None:
    """Whatever names it: the list of runs, or a folder that an interrupted publish left."""
    folders = SiteFolders.of(project)
    note_run(project, "stays", {"status": "success"})
    note_run(project, "noted", {"status": "failure"})
    (folders.data / "left" / "t").mkdir(parents=True)

    assert forget_workflows(folders, {"stays", "new"}) == ["left", "noted"]

    assert set(read_manifest(folders).workflows) == {"stays"}
    assert not (folders.data / "left").exists()


def test_where_nothing_is_to_forget_nothing_is_written(project: Project) -> None:
    """A reader's copy of the manifest stays good."""
    folders = SiteFolders.of(project)
    note_run(project, "stays", {"status": "success"})
    os.utime(folders.manifest, (1_000_000, 1_000_000))
    assert forget_workflows(folders, {"stays"}) == []
    assert folders.manifest.stat().st_mtime == 1_000_000


def test_a_manifest_that_was_cut_off_is_written_anew(project: Project) -> None:
    """The next run repairs it; until then nothing is published."""
    folders = SiteFolders.of(project)
    folders.data.mkdir(parents=True)
    folders.manifest.write_text('{"renderedFiles": {')
    assert read_manifest(folders).tables == {}
    note_run(project, "shop", {"status": "success"})
    assert json.loads(folders.manifest.read_text())["workflows"]["shop"] == {
        "run": {"status": "success"}
    }


def staged(folders: SiteFolders, text: str) -> dict[str, tuple[Path, str]]:
    """A table of one file, as publishing hands it over."""
    folders.staging.mkdir(parents=True, exist_ok=True)
    path = folders.staging / "t.parquet"
    path.write_text(text)
    return {"t": (path, text)}


def test_the_file_has_the_form_that_the_pages_read(project: Project) -> None:
    """Paths begin with `static/`, which is where Evidence looks; workflows stand in order."""
    folders = SiteFolders.of(project)
    replace_tables(folders, "zoo", staged(folders, "one"), {"rows": {"t": 1}})
    replace_tables(folders, "shop", staged(folders, "two"), {})
    content = json.loads(folders.manifest.read_text())
    assert content == {
        "renderedFiles": {
            "shop": ["static/data/shop/t/two/t.parquet"],
            "zoo": ["static/data/zoo/t/one/t.parquet"],
        },
        "workflows": {"shop": {}, "zoo": {"rows": {"t": 1}}},
    }
    assert list(content["renderedFiles"]) == ["shop", "zoo"]
    assert list(content["workflows"]) == ["shop", "zoo"]


def test_the_grace_of_a_version_begins_when_it_is_replaced(project: Project) -> None:
    """A page that was opened just now goes on reading a table that was published long ago."""
    folders = SiteFolders.of(project)
    replace_tables(folders, "shop", staged(folders, "old"), {})
    replace_tables(folders, "other", staged(folders, "old"), {})
    for name in ("shop", "other"):
        os.utime(folders.data / name / "t" / "old" / "t.parquet", (1_000_000, 1_000_000))

    replace_tables(folders, "shop", staged(folders, "new"), {}, stale_after=3600)

    versions = folders.data / "shop" / "t"
    assert sorted(path.name for path in versions.iterdir()) == ["new", "old"]
    hours_ago = time.time() - 3601
    for version in ("old", "new"):
        os.utime(versions / version / "t.parquet", (hours_ago, hours_ago))
    replace_tables(folders, "shop", staged(folders, "new"), {}, stale_after=3600)
    assert [path.name for path in versions.iterdir()] == ["new"]
    assert (folders.data / "other" / "t" / "old" / "t.parquet").exists()


def test_what_publishes_left_that_were_killed_goes_in_time(project: Project) -> None:
    """Files and folders alike, and not those of a publish that is under way."""
    folders = SiteFolders.of(project)
    folders.staging.mkdir(parents=True)
    for name in ("old", "young"):
        (folders.staging / f"shop-{name}").mkdir()
        (folders.staging / f"shop-{name}" / "t.parquet").touch()
        (folders.staging / f"manifest.{name}").touch()
    for path in folders.staging.glob("*old"):
        os.utime(path, (time.time() - 61, time.time() - 61))

    replace_tables(folders, "shop", staged(folders, "a"), {}, stale_after=60)

    assert {path.name for path in folders.staging.iterdir()} == {"shop-young", "manifest.young"}


@pytest.mark.skipif(sys.platform != "linux", reason="Reads the names of open files from /proc.")
def test_a_power_cut_leaves_no_manifest_of_files_that_are_not_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders are on the disk before the manifest is, and the manifest before it takes its name."""
    folders = SiteFolders.of(project)
    seen: list[tuple[Path, bool]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        names_it = "new" in (folders.manifest.read_text() if folders.manifest.exists() else "")
        seen.append((Path(f"/proc/self/fd/{descriptor}").readlink(), names_it))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    replace_tables(folders, "shop", staged(folders, "new"), {})

    shop = folders.data / "shop"
    assert [path for path, _ in seen] == [
        *(folders.data, shop, shop / "t", shop / "t" / "new"),
        folders.staging / f"manifest.{os.getpid()}",
        folders.data,
    ]
    assert [named for _, named in seen] == [False] * 5 + [True]


def test_a_replaced_version_is_readable_for_six_hours(project: Project) -> None:
    """Unless a publish says otherwise."""
    folders = SiteFolders.of(project)
    for version in ("morning", "night", "new"):
        replace_tables(folders, "shop", staged(folders, version), {})
    versions = folders.data / "shop" / "t"
    for version, hours in (("morning", 5.9), ("night", 6.1)):
        then = time.time() - hours * 3600
        os.utime(versions / version / "t.parquet", (then, then))
    replace_tables(folders, "shop", staged(folders, "new"), {})
    assert sorted(path.name for path in versions.iterdir()) == ["morning", "new"]


def test_what_is_published_takes_another_name_also_when_it_is_done_twice(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Each file is where the manifest says; a crash between folder and manifest is made good."""
    add_workflow("shop", sources={"t": "SELECT 1 AS a"}, warehouse="SELECT 1")
    publish_workflow(project, "shop")
    folders = SiteFolders.of(project)
    before = read_manifest(folders)
    (folders.data / "shop").rename(folders.data / "store")
    for _ in range(2):
        rename_workflow(folders, "shop", "store")
    after = read_manifest(folders)
    wanted = [path.replace("data/shop/", "data/store/") for path in before.tables["shop"]]
    assert after.tables == {"store": wanted}
    assert after.workflows == {"store": before.workflows["shop"]}
    assert all((folders.public / path).is_file() for path in wanted)


def test_what_a_run_that_has_not_ended_has_staged_is_kept_for_days(project: Project) -> None:
    """Its tables are shown when it ends, if that is within a week."""
    folders = SiteFolders.of(project)
    folders.staging.mkdir(parents=True)
    for name, age in (("young", RUN_SECONDS), ("old", RUN_SECONDS + 120)):
        folder = folders.staging / f"shop{RUNS_MARK}{name}"
        folder.mkdir()
        os.utime(folder, (time.time() - age, time.time() - age))
    replace_tables(folders, "shop", staged(folders, "a"), {}, stale_after=60)
    assert [path.name for path in folders.staging.iterdir()] == [f"shop{RUNS_MARK}young"]


def test_a_table_that_was_moved_before_a_crash_is_shown(project: Project) -> None:
    """The file is in its place already, and not where it was staged."""
    folders = SiteFolders.of(project)
    ready = staged(folders, "a")
    replace_tables(folders, "shop", ready, {"rows": {"t": 1}})
    assert not ready["t"][0].exists()
    replace_tables(folders, "shop", ready, {"url": "x"})
    manifest = read_manifest(folders)
    assert manifest.tables == {"shop": ["data/shop/t/a/t.parquet"]}
    assert manifest.workflows == {"shop": {"rows": {"t": 1}, "url": "x"}}
    assert (folders.public / "data/shop/t/a/t.parquet").read_text() == "a"


def test_a_block_that_raises_publishes_nothing(project: Project) -> None:
    """What was shown stays, and can be read."""
    folders = SiteFolders.of(project)
    replace_tables(folders, "shop", staged(folders, "old"), {})
    with pytest.raises(RuntimeError), replacing_tables(folders, "shop", staged(folders, "n"), {}):
        raise RuntimeError
    assert read_manifest(folders).tables == {"shop": ["data/shop/t/old/t.parquet"]}
    assert (folders.public / "data/shop/t/old/t.parquet").exists()
