"""Which runs the history keeps, and forgetting the others."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import PARTITION_TAG, WORKFLOW_TAG
from dataflow.runs.run_ledger import RunLedger
from dataflow.runs.shared_run import forget_shared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dagster import DagsterInstance, RunRecord

    from dataflow.shared.project import Project

_RECORDS_AT_ONCE = 500
# Of one call, so that who calls can do other things in between.
_MOST_AT_ONCE = 2000
# Of the files that SQLite has of one database.
_ENDINGS = ("", "-wal", "-shm", "-journal")


def forget_old_runs(project: Project, instance: DagsterInstance) -> list[str]:
    """Take runs out of the history that the settings do not keep, with logs and folders.

    ``history_days`` and ``history_runs`` say which. The last good run of a workflow, or of each of
    its partitions, stays: the assets know by it what there is. So do runs that have not ended.

    Returns:
        The ids of the runs that are gone; no more than some thousands at once.
    """
    days, most = project.settings.history_days, project.settings.history_runs
    if not days and not most:
        return []
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    old = old_runs(_ended(instance), since, most)[:_MOST_AT_ONCE]
    folders = _folders(project)
    for run_id in old:
        instance.delete_run(run_id)
        for path in _files(project, folders, run_id):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    RunLedger(project).forget(old)
    forget_shared(project, old)
    return old


def old_runs(records: Iterable[RunRecord], since: datetime | None, most: int) -> list[str]:
    """The ids of those runs that are to go.

    Args:
        records: Runs that have ended, the newest first.
        since: Those that were asked for before go; ``None``: none for that.
        most: How many of each workflow stay; 0: all.
    """
    count: dict[str, int] = {}
    known_good: set[tuple[str, str]] = set()
    old = []
    for record in records:
        run = record.dagster_run
        workflow_id = run.tags.get(WORKFLOW_TAG, run.job_name)
        count[workflow_id] = count.get(workflow_id, 0) + 1
        part = (workflow_id, run.tags.get(PARTITION_TAG, ""))
        is_last_good = run.is_success and part not in known_good
        if run.is_success:
            known_good.add(part)
        is_old = since is not None and record.create_timestamp < since
        if (is_old or (most and count[workflow_id] > most)) and not is_last_good:
            old.append(run.run_id)
    return old


def _ended(instance: DagsterInstance) -> Iterator[RunRecord]:
    from dagster import DagsterRunStatus, RunsFilter

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    cursor: str | None = None
    while True:
        page = instance.get_run_records(RunsFilter(statuses=ended), _RECORDS_AT_ONCE, cursor=cursor)
        yield from page
        if len(page) < _RECORDS_AT_ONCE:
            return
        cursor = page[-1].dagster_run.run_id


def _folders(project: Project) -> list[Path]:
    """Where runs have a folder each; looked up once, as there may be many workflows."""
    home = project.dagster_home
    found = [home / "storage", *home.glob("environments/*/storage")]
    return [*found, *(project.state_dir / "runs").glob("*")]


def _files(project: Project, folders: Iterable[Path], run_id: str) -> Iterator[Path]:
    """What lies on disk of a run: Dagster empties its database of events and leaves the file.

    By name: that folder has a file for every run, and listing it for each would be their square.
    """
    events = project.dagster_home / "history" / "runs"
    yield from (events / f"{run_id}.db{ending}" for ending in _ENDINGS)
    yield from (folder / run_id for folder in folders)
