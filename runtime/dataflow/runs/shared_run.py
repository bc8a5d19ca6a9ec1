"""What the steps of a run leave for later steps and for runs that go on from it, for all machines.

Rows and notes are written on this machine first. With the setting `state_store`, they are copied
there when a step ends, and looked for there by a step that does not find them here.
"""

from __future__ import annotations

import json
import shutil
import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.runs.stored_table import changed, edited_table, place_of, unwritten_rows
from dataflow.shared.file_store import NotStoredError, StoreError
from dataflow.shared.logging import get_logger
from dataflow.shared.setting_values import setting_value
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import AtomicWarehouse, visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.runs.context import RunContext
    from dataflow.runs.stored_table import StoredTable
    from dataflow.shared.file_store import FileStore
    from dataflow.shared.project import Project

log = get_logger(__name__)

_RUNS, _OUTPUTS = "runs", "outputs"
# What the code of runs prints, by their ids.
LOGS = "logs"
_WORKING_COPY = "working_copy.json"
_PUBLICATIONS = "publications.json"
_STAGED = "staged"
# What dbt parsed last, which descriptions of columns are taken from.
_MODELS = "models.json"
# In a run's folder: what of it has been copied, with size and time.
_SHARED = "shared.json"


def state_store(project: Project) -> FileStore | None:
    """The place that a project's machines share for what runs hand over; None without one."""
    address = setting_value(project, "state_store")
    if not address:
        return None
    from dataflow.shared.store_address import open_store

    return open_store(address, "state_store", project.root)


def require_target(run: RunContext) -> None:
    """Make sure, before anything is read, that what a run publishes can be brought to its place.

    Raises:
        StoreError: The setting `publish_target` names a place that cannot be reached.
    """
    if not run.project.settings.publish_target:
        return
    from dataflow.publish.folders import SiteFolders, dashboard_folder
    from dataflow.publish.manifest import read_manifest

    if dashboard_folder(run.project, run.workflow_id).is_dir():
        read_manifest(SiteFolders.of(run.project))


def share_step(run: RunContext) -> None:
    """Copy what is new in a run's folder to the shared place, at the end of a step.

    Raises:
        StoreError: It cannot be reached.
    """
    store = state_store(run.project)
    if store is None:
        return
    files = _files_of(run.folder)
    marks = {name: [path.stat().st_size, path.stat().st_mtime_ns] for name, path in files.items()}
    # By this machine's own clock: a step that is tried again writes other rows under the same name.
    record = run.folder / _SHARED
    shared = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for name in sorted(name for name in files if shared.get(name) != marks[name]):
        store.put(files[name], f"{_home(run.workflow_id, run.run_id)}/{name}")
    if files:
        record.write_text(json.dumps(marks), encoding="utf-8")
    share_working_copy(run)


def note_models(run: RunContext) -> None:
    """Keep what dbt said of the models that a run has built, for who goes on elsewhere."""
    said = _dbt_manifest(run)
    if run.project.settings.state_store and said.exists():
        run.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(said, run.folder / _MODELS)


def share_working_copy(run: RunContext) -> None:
    """Let other machines know that what a run has loaded is in a file of this one."""
    store = state_store(run.project)
    warehouse = visible_warehouse(run.project, run.workflow_id)
    if store is None or not isinstance(warehouse, AtomicWarehouse):
        return
    place = warehouse.unfinished(run.run_id)
    if place:
        content = json.dumps({"host": socket.gethostname(), "path": place})
        store.write(f"{_home(run.workflow_id, run.run_id)}/{_WORKING_COPY}", content.encode())


def bring_notes(run: RunContext) -> None:
    """Let a run that goes on from a failed one find here what that one wrote down elsewhere.

    Its rows are brought by the steps that read them.

    Raises:
        WarehouseError: What it had loaded is in a file of another machine, so that leaving out
            steps would leave out rows.
        StoreError: The shared place cannot be reached.
    """
    store = state_store(run.project)
    if store is None:
        return
    home, folder = _home(run.workflow_id, run.resumes), run.folder.with_name(run.resumes)
    there = {file.name.removeprefix(f"{home}/") for file in store.list(home)}
    if _WORKING_COPY in there:
        _require_working_copy(run, store.read(f"{home}/{_WORKING_COPY}").data or b"{}")
    for name in sorted(there - {_WORKING_COPY}):
        target = folder / name
        if not target.exists() and ("/" in name or not name.endswith(".parquet")):
            store.get(f"{home}/{name}", target)
            if name == _MODELS:
                _dbt_manifest(run).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(target, _dbt_manifest(run))
    if (folder / _MODELS).exists():
        run.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / _MODELS, run.folder / _MODELS)


def brought_folder(run_folder: Path, number: int, folder: str) -> str:
    """Where what a publisher has staged is on this machine.

    Args:
        run_folder: That of the run that staged it.
        number: Its place among the run's publishers.
        folder: Where it was on the machine of that run.
    """
    brought = run_folder / _STAGED / str(number)
    return str(brought) if not Path(folder).exists() and brought.exists() else folder


def found_here(run: RunContext, stored: StoredTable) -> StoredTable:
    """The rows of an earlier step as files of this machine.

    Raises:
        StoreError: They are neither here nor in the shared place.
    """
    store = state_store(run.project)
    if store is None or place_of(stored) == Path():
        return stored
    extracted = stored.extracted and str(_brought(run, store, Path(stored.extracted)))
    edited = unwritten_rows(stored)
    if edited is None:
        path = _brought(run, store, place_of(stored))
        return changed(stored, path=str(path), extracted=extracted)
    left_out = edited.left_out and _brought(run, store, edited.left_out)
    edited = replace(edited, file=_brought(run, store, edited.file), left_out=left_out)
    # A file of its name in the shared place is what an earlier try of the step had written.
    path = _here(run, place_of(stored))
    return edited_table(changed(stored, path=str(path), extracted=extracted), edited)


def bring_rejected(run: RunContext, path: Path) -> Path:
    """The file of the rows that a contract put aside, if there are any, on this machine."""
    store = state_store(run.project)
    if store is not None and not path.exists():
        with suppress(NotStoredError):
            store.get(f"{_home(run.workflow_id, path.parent.name)}/{path.name}", path)
    return path


def forget_earlier(run: RunContext, kept: int) -> None:
    """Delete the folders that earlier runs of the workflow have left, except the last ones."""
    folders = sorted(run.folder.parent.glob("*/"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-kept]:
        shutil.rmtree(folder, ignore_errors=True)
    store = state_store(run.project)
    if store is None:
        return
    last: dict[str, float] = {}
    for file in store.list(f"{_RUNS}/{run.workflow_id}"):
        run_id = file.name.split("/")[2]
        last[run_id] = max(last.get(run_id, 0.0), file.modified.timestamp())
    forget_shared(run.project, sorted(last, key=last.__getitem__)[:-kept], run.workflow_id)


def forget_shared(project: Project, run_ids: Iterable[str], workflow_id: str = "") -> None:
    """Delete what runs have left in the shared place; where that cannot be, it is left for later.

    Args:
        workflow_id: Whose runs they are, of which the history and what they printed stay; without
            it nothing of them is left.
    """
    store, gone = state_store(project), set(run_ids)
    if store is None or not gone:
        return
    try:
        if workflow_id:
            homes = {_home(workflow_id, run_id) for run_id in gone}
        else:
            names = (file.name.split("/") for file in store.list(_RUNS))
            homes = {"/".join(parts[:3]) for parts in names if len(parts) > 3 and parts[2] in gone}
            homes |= {f"{LOGS}/{run_id}" for run_id in gone}
        for folder in (*homes, *(f"{_OUTPUTS}/{run_id}" for run_id in gone)):
            store.delete_folder(folder)
    except StoreError as error:
        log.warning(f"What earlier runs handed over is still in the store: {error.reason}")


def share_output(store: FileStore, name: str, path: Path) -> None:
    """Copy the value of a step to the shared place.

    Args:
        name: Run, step and output, with `/`.
    """
    store.put(path, f"{_OUTPUTS}/{name}")


def bring_output(store: FileStore, name: str, path: Path) -> None:
    """Have the value of a step on this machine, if any has it."""
    if not path.exists():
        with suppress(NotStoredError):
            store.get(f"{_OUTPUTS}/{name}", path)


def _brought(run: RunContext, store: FileStore, path: Path) -> Path:
    if path.exists():
        return path
    here = _here(run, path)
    if not here.exists():
        store.get(f"{_home(run.workflow_id, here.parent.name)}/{here.name}", here)
    return here


def _here(run: RunContext, path: Path) -> Path:
    """Where a file of a run's folder is on this machine, whichever has written it."""
    run_id, name = path.parts[-2:]
    return run.folder.with_name(run_id) / name


def _require_working_copy(run: RunContext, noted: bytes) -> None:
    warehouse = visible_warehouse(run.project, run.workflow_id)
    if not isinstance(warehouse, AtomicWarehouse) or warehouse.unfinished(run.resumes):
        return
    place = json.loads(noted)
    raise WarehouseError(
        f"What run {run.resumes} had loaded is in {place.get('path')} of the machine "
        f"{place.get('host')}, which this one does not have.",
        "Run the whole workflow again, or go on from that run on that machine.",
    )


def _dbt_manifest(run: RunContext) -> Path:
    return run.project.state_dir / "dbt" / run.workflow_id / "target" / "manifest.json"


def _files_of(run_folder: Path) -> dict[str, Path]:
    """All that a run has written so far, by the names under which machines share it."""
    found = {
        path.relative_to(run_folder).as_posix(): path
        for path in run_folder.rglob("*")
        if path.is_file() and path.name != _SHARED
    }
    if _PUBLICATIONS in found:
        noted = json.loads(found[_PUBLICATIONS].read_text(encoding="utf-8"))
        for number, publication in enumerate(noted):
            folder = Path(publication["folder"])
            for path in folder.rglob("*"):
                if path.is_file():
                    found[f"{_STAGED}/{number}/{path.relative_to(folder).as_posix()}"] = path
    return found


def _home(workflow_id: str, run_id: str) -> str:
    return f"{_RUNS}/{workflow_id}/{run_id}"
