"""What runs leave in the place that machines share: brought from there, and deleted at last."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.publish.kind import Publication
from dataflow.runs.context import RunContext
from dataflow.runs.promotion import note_publications
from dataflow.runs.shared_run import (
    bring_notes,
    bring_output,
    bring_rejected,
    brought_folder,
    forget_earlier,
    forget_shared,
    found_here,
    require_target,
    share_output,
    share_step,
    share_working_copy,
)
from dataflow.runs.stored_table import StoredTable
from dataflow.shared.file_store import StoreError
from dataflow.shared.project import Project
from dataflow.shared.store_address import open_store
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import AtomicWarehouse, visible_warehouse


def shared_project(root: Path, *names: str) -> tuple[Project, Path]:
    """A project with a shared place, and the files that are in it."""
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.dataflow]\nstate_store = "shared"\n')
    place = root / "shared"
    for number, name in enumerate(names):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
        os.utime(place / name, (number, number))
    return Project(root), place


def files_in(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def test_only_what_the_gone_runs_left_is_deleted(tmp_path: Path) -> None:
    """What a run printed stays as long as it is in the history."""
    names = [
        *("runs/a/1/x", "runs/a/1/staged/0/y", "runs/b/1/x", "runs/a/2/x"),
        *("outputs/1/op/r", "outputs/2/op/r", "logs/1/out", "logs/2/out", "runs/loose"),
    ]
    project, place = shared_project(tmp_path / "shop", *names)
    forget_shared(project, [])
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    forget_shared(Project(tmp_path), ["1"], "a")
    assert files_in(place) == set(names)
    forget_shared(project, ["1"], "a")
    left = set(names) - {"runs/a/1/x", "runs/a/1/staged/0/y", "outputs/1/op/r"}
    assert files_in(place) == left
    forget_shared(project, iter(["1"]))
    assert files_in(place) == left - {"runs/b/1/x", "logs/1/out"}


def test_the_last_runs_of_a_workflow_are_kept_here_and_in_the_shared_place(tmp_path: Path) -> None:
    """By when they wrote last, whichever began first; those of other workflows are not counted."""
    names = ("runs/a/1/x", "runs/a/2/x", "runs/a/3/x", "runs/b/9/x", "runs/a/1/y")
    project, place = shared_project(tmp_path / "shop", *names)
    run = RunContext(project, "a", "3", None)
    for number, name in enumerate("123"):
        run.folder.with_name(name).mkdir(parents=True)
        os.utime(run.folder.with_name(name), (number, number))
    forget_earlier(run, 2)
    assert sorted(path.name for path in run.folder.parent.iterdir()) == ["2", "3"]
    assert files_in(place) == set(names) - {"runs/a/2/x"}


def test_a_run_that_goes_on_brings_notes_and_no_rows(tmp_path: Path) -> None:
    """Rows are brought by the step that reads them; what was staged is wanted as a whole.

    What is here already is this machine's.
    """
    left = ("record.json", "extract.parquet", "staged/0/total.parquet", "mine.json")
    project, _ = shared_project(tmp_path / "shop", *(f"runs/a/1/{name}" for name in left))
    run = RunContext(project, "a", "2", None, resumes="1")
    folder = run.folder.with_name("1")
    folder.mkdir(parents=True)
    (folder / "mine.json").write_text("here")
    bring_notes(run)
    assert files_in(folder) == {"record.json", "staged/0/total.parquet", "mine.json"}
    assert (folder / "mine.json").read_text() == "here"
    assert not (run.folder / "models.json").exists()


def test_what_another_machine_has_loaded_is_named_where_a_run_cannot_go_on(tmp_path: Path) -> None:
    """With the file and the machine, which somebody has to go to."""
    project, place = shared_project(tmp_path / "shop", "runs/a/1/working_copy.json")
    noted = place / "runs/a/1/working_copy.json"
    noted.write_text(json.dumps({"host": "there", "path": "/data/a.duckdb.1"}))
    with pytest.raises(WarehouseError, match=r"run 1 .* /data/a\.duckdb\.1 of the machine there"):
        bring_notes(RunContext(project, "a", "2", None, resumes="1"))


def test_what_a_step_left_elsewhere_is_brought_if_there_is_any(tmp_path: Path) -> None:
    """A folder that was staged is taken where it is; else where it was brought to, if it was."""
    project, _ = shared_project(tmp_path / "shop", "runs/a/1/rejected.parquet", "outputs/1/op/r")
    run = RunContext(project, "a", "1", None)
    assert bring_rejected(run, run.folder / "rejected.parquet").is_file()
    assert not bring_rejected(run, run.folder / "none.parquet").exists()
    shared = open_store(str(project.root / "shared"), "state_store", project.root)
    for name, is_there in (("1/op/r", True), ("1/op/s", False)):
        bring_output(shared, name, tmp_path / name)
        assert (tmp_path / name).exists() is is_there
    here, gone = str(run.folder), str(tmp_path / "gone")
    assert brought_folder(run.folder, 0, gone) == gone
    (run.folder / "staged/0").mkdir(parents=True)
    assert brought_folder(run.folder, 0, gone) == str(run.folder / "staged/0")
    assert brought_folder(run.folder, 0, here) == here


def test_what_was_staged_for_the_dashboards_is_shared_with_the_run(tmp_path: Path) -> None:
    """By the number of its publisher, wherever it is on this machine; folders are no files."""
    project, place = shared_project(tmp_path / "shop")
    place.mkdir()
    run = RunContext(project, "a", "1", None)
    for number in range(2):
        (tmp_path / f"staged{number}" / "deep").mkdir(parents=True)
        (tmp_path / f"staged{number}" / "deep" / "t.parquet").write_text(str(number))
    note_publications(run, [Publication("x", str(tmp_path / f"staged{n}")) for n in range(2)])
    share_step(run)
    names = {"publications.json", "staged/0/deep/t.parquet", "staged/1/deep/t.parquet"}
    assert files_in(place) == {f"runs/a/1/{name}" for name in names}
    assert (place / "runs/a/1/staged/1/deep/t.parquet").read_text() == "1"


def test_a_run_names_the_machine_that_has_the_tables_it_has_loaded(tmp_path: Path) -> None:
    """One that has loaded none names nothing; who has that file goes on from it."""
    project, place = shared_project(tmp_path / "shop")
    place.mkdir()
    run = RunContext(project, "a", "1", None)
    share_working_copy(run)
    assert files_in(place) == set()
    warehouse = visible_warehouse(project, "a")
    assert isinstance(warehouse, AtomicWarehouse)
    with warehouse.begin("1").connect() as connection:
        connection.execute("CREATE SCHEMA raw")
    share_working_copy(run)
    noted = json.loads((place / "runs/a/1/working_copy.json").read_text())
    assert noted == {"host": socket.gethostname(), "path": warehouse.unfinished("1")}
    bring_notes(RunContext(project, "a", "2", None, resumes="1"))


def test_rows_of_an_earlier_step_are_brought_with_those_that_they_were_made_of(
    tmp_path: Path,
) -> None:
    """What has no rows, or no shared place, is as it was; what nobody has is an error."""
    project, place = shared_project(tmp_path / "shop")
    (place / "runs/a/1").mkdir(parents=True)
    for name in ("extract", "transform"):
        pq.write_table(pa.table({"n": [1]}), place / "runs/a/1" / f"{name}.parquet")
    run, elsewhere = RunContext(project, "a", "2", None), tmp_path / "elsewhere" / "1"
    stored = StoredTable(str(elsewhere / "transform.parquet"), 1)
    stored = StoredTable(stored.path, 1, {}, str(elsewhere / "extract.parquet"))
    found = found_here(run, stored)
    folder = run.folder.with_name("1")
    assert (Path(found.path), Path(found.extracted)) == (
        folder / "transform.parquet",
        folder / "extract.parquet",
    )
    assert files_in(folder) == {"transform.parquet", "extract.parquet"}
    assert found_here(run, found) == found
    nothing = StoredTable("", 0)
    assert found_here(run, nothing) is nothing
    with pytest.raises(StoreError):
        found_here(run, StoredTable(str(elsewhere / "gone.parquet"), 1))
    (project.root / "pyproject.toml").write_text("[tool.dataflow]\n")
    alone = RunContext(Project(project.root), "a", "2", None)
    assert found_here(alone, stored) is stored


def test_a_shared_place_that_is_away_is_cleared_another_time(tmp_path: Path) -> None:
    """It fails no run that has ended well."""
    project, place = shared_project(tmp_path / "shop", "runs/a/1/x")
    place.rename(tmp_path / "away")
    forget_shared(project, ["1"], "a")
    forget_shared(project, ["1"])
    assert files_in(tmp_path / "away") == {"runs/a/1/x"}


def test_the_value_of_a_step_is_shared_by_its_name(tmp_path: Path) -> None:
    """As it is brought; one that is here already stays as it is."""
    project, place = shared_project(tmp_path / "shop", "outputs/1/op/mine")
    (tmp_path / "r").write_text("here")
    store = open_store(str(place), "state_store", project.root)
    share_output(store, "1/op/r", tmp_path / "r")
    assert (place / "outputs/1/op/r").read_text() == "here"
    bring_output(store, "1/op/mine", tmp_path / "r")
    assert (tmp_path / "r").read_text() == "here"


def test_a_place_of_dashboards_that_cannot_be_reached_ends_a_run_before_it_begins(
    tmp_path: Path,
) -> None:
    """Of a workflow that has dashboards; another publishes nothing there."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "target").write_text("no folder")
    (root / "pyproject.toml").write_text('[tool.dataflow]\npublish_target = "target"\n')
    run = RunContext(Project(root), "a", "1", None)
    require_target(run)
    (run.project.workflow_dir("a") / "evidence").mkdir(parents=True)
    with pytest.raises(StoreError):
        require_target(run)
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    require_target(RunContext(Project(root), "a", "1", None))
