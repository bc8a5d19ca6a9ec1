"""The end of a run that went well: what it wrote takes the place of what everybody sees.

Tables first, then the dashboards: two renames, right after each other, with all that takes time
done before. Whoever is killed in between has noted what is to follow, and whoever next works on
the workflow does it.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.publish.kind import Publication, releasing
from dataflow.runs.dagster_names import BACKFILL_TAG, DAGSTER_BACKFILL_TAG
from dataflow.runs.lock import confirm_lock
from dataflow.runs.shared_run import (
    bring_notes,
    brought_folder,
    forget_shared,
    share_working_copy,
)
from dataflow.shared.logging import get_logger
from dataflow.warehouse.kind import AtomicWarehouse, KeepPolicy, visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dagster import DagsterInstance

    from dataflow.runs.context import RunContext
    from dataflow.shared.project import Project
    from dataflow.warehouse.kind import Warehouse

log = get_logger(__name__)

_PUBLICATIONS = "publications.json"


def note_publications(run: RunContext, publications: list[Publication]) -> None:
    """Keep what a run has made ready for the dashboards until the run ends."""
    run.folder.mkdir(parents=True, exist_ok=True)
    _write(run.folder / _PUBLICATIONS, [vars(publication) for publication in publications])


def take_up(run: RunContext) -> None:
    """Let a run that goes on from a failed one have what that one wrote and made ready.

    Raises:
        WarehouseError: It is gone, or on another machine, so that leaving out steps would leave
            out rows.
    """
    bring_notes(run)
    warehouse = visible_warehouse(run.project, run.workflow_id)
    if run.shows_at_end and isinstance(warehouse, AtomicWarehouse):
        warehouse.begin(run.run_id, run.resumes)
        share_working_copy(run)
    earlier = run.folder.with_name(run.resumes)
    staged = [
        replace(each, folder=brought_folder(earlier, number, each.folder))
        for number, each in enumerate(_read(earlier / _PUBLICATIONS))
    ]
    if staged:
        note_publications(run, staged)


def promote_run(run: RunContext, *, keeps_replaced: bool = True) -> None:
    """Make what a run wrote what everybody sees.

    Args:
        keeps_replaced: Whether the state that it replaces is kept, as far as states are.

    Raises:
        WarehouseError: The tables cannot be put in place; everything is as it was.
        OSError: Nor can the dashboards' files.
    """
    noted = run.folder / _PUBLICATIONS
    publications = _read(noted)
    warehouse = visible_warehouse(run.project, run.workflow_id)
    promote(
        run.project,
        run.workflow_id,
        run.run_id,
        warehouse,
        publications,
        keeps_replaced=keeps_replaced,
    )
    if publications:
        # All rows of its steps have arrived.
        shutil.rmtree(run.folder, ignore_errors=True)
        forget_shared(run.project, [run.run_id], run.workflow_id)


def promote(
    project: Project,
    workflow_id: str,
    run_id: str,
    warehouse: Warehouse,
    publications: list[Publication],
    *,
    keeps_replaced: bool = True,
) -> None:
    """Put tables and dashboards of one run, or of a state that is brought back, in place.

    Raises:
        LockLostError: The workflow is not held any more; everything is as it was.
    """
    settings = project.settings
    confirm_lock(project, workflow_id)
    journal = _journal(project, workflow_id)
    with releasing(project, workflow_id, publications):
        if isinstance(warehouse, AtomicWarehouse) and settings.all_or_nothing:
            if publications:
                content = {"run_id": run_id, "publications": [vars(one) for one in publications]}
                _write(journal, content)
            keep = KeepPolicy(settings.kept_states, settings.kept_states_gb, keeps_replaced)
            warehouse.promote(run_id, keep)
    journal.unlink(missing_ok=True)


def follows_in_backfill(
    instance: DagsterInstance, project: Project, workflow_id: str, tags: Mapping[str, str]
) -> bool:
    """Whether a run of a backfill follows another one of it, on whose tables it works.

    Args:
        tags: Those of the run.
    """
    backfill = _backfill_of(tags)
    if not backfill:
        return False
    warehouse = visible_warehouse(project, workflow_id)
    present = warehouse.present() if isinstance(warehouse, AtomicWarehouse) else None
    before = instance.get_run_by_id(present.run_id) if present and present.run_id else None
    return before is not None and _backfill_of(before.tags) == backfill


def _backfill_of(tags: Mapping[str, str]) -> str:
    return tags.get(BACKFILL_TAG) or tags.get(DAGSTER_BACKFILL_TAG, "")


def finish_interrupted_promotion(project: Project, workflow_id: str) -> None:
    """Let the dashboards follow the tables of a run that was killed between the two.

    Whoever calls holds the workflow's lock.
    """
    journal = _journal(project, workflow_id)
    if not journal.exists():
        return
    noted = json.loads(journal.read_text(encoding="utf-8"))
    warehouse = visible_warehouse(project, workflow_id)
    if isinstance(warehouse, AtomicWarehouse) and warehouse.is_promoted(noted["run_id"]):
        publications = [Publication(**one) for one in noted["publications"]]
        with releasing(project, workflow_id, publications):
            log.info("the dashboards follow the tables", run=noted["run_id"])
    journal.unlink()


def _journal(project: Project, workflow_id: str) -> Path:
    return project.state_dir / "runs" / workflow_id / "promotion.json"


def _read(path: Path) -> list[Publication]:
    if not path.exists():
        return []
    return [Publication(**one) for one in json.loads(path.read_text(encoding="utf-8"))]


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    with aside.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
