"""Published data that is behind its queries: a new or edited source needs no run to be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.publish.descriptions import DESCRIPTIONS_TABLE
from dataflow.publish.errors import PublishError
from dataflow.publish.folders import SiteFolders, source_queries, workflow_folders
from dataflow.publish.manifest import read_manifest
from dataflow.publish.parquet import FRESHNESS_TABLE, publish_workflow
from dataflow.shared.errors import DataflowError
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.publish.manifest_content import Manifest
    from dataflow.shared.project import Project


@dataclass(frozen=True)
class Outdated:
    """The workflows that were published, and a line for each query of others that is wrong."""

    published: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def publish_outdated(project: Project, report: Callable[[str], None]) -> Outdated:
    """Publish the workflows whose queries were written or edited since they were published.

    A workflow without a warehouse is passed over: it has not run yet. One whose queries cannot be
    run, or whose warehouse is in use, keeps what it has published, and the report says why. After
    a run that failed, what its queries miss is not their fault. With `publish_target`, nothing is
    published: the tables of this machine may be older than those that another one has published.
    """
    folders, done = SiteFolders.of(project), Outdated()
    if folders.target is not None:
        return done
    manifest = read_manifest(folders)
    for folder in workflow_folders(project):
        name = folder.name
        if not _is_outdated(project, name, manifest) or not _has_tables(project, name, report):
            continue
        report(f"Publishing the data of {name} ...")
        try:
            publish_workflow(project, name)
        except DataflowError as error:
            report(f"Its data stays as it was: {error.reason}")
            run = manifest.workflows.get(name, {}).get("run", {})
            if isinstance(error, PublishError) and run.get("status") != "failure":
                done.faults.append(error.reason)
        else:
            done.published.append(name)
    return done


def _has_tables(project: Project, name: str, report: Callable[[str], None]) -> bool:
    try:
        return visible_warehouse(project, name).exists()
    except DataflowError as error:
        report(f"The data of {name} stays as it was: {error.reason}")
        return False


def _is_outdated(project: Project, name: str, manifest: Manifest) -> bool:
    notes = manifest.workflows.get(name, {})
    if name not in manifest.tables or "published_at" not in notes:
        return True
    # The time was taken before the queries were read.
    published = datetime.fromisoformat(notes["published_at"]).timestamp()
    queries = source_queries(project, name)
    expected = {FRESHNESS_TABLE, DESCRIPTIONS_TABLE, *queries}
    known = {Path(file).stem for file in manifest.tables[name]} | set(notes.get("left_out", {}))
    return expected != known or any(path.stat().st_mtime > published for path in queries.values())
