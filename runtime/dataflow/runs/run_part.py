"""Runs that do a part of what a workflow does: its models, or its dashboard, on what is there.

It travels as a tag of the run, like what is read of a source. The job is the workflow's own, and
the steps that are not wanted have nothing to do; lock, promotion and history are those of any run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import PART_TAG
from dataflow.runs.run_request import RunRequestError
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import count_rows, quote_identifier
from dataflow.warehouse.kind import LoadResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duckdb import DuckDBPyConnection

    from dataflow.runs.context import RunContext
    from dataflow.shared.project import Project

MODELS, DASHBOARD = "models", "dashboard"
PARTS = (MODELS, DASHBOARD)
# What each is made from, in the folder of a workflow.
_FOLDERS = {MODELS: "dbt", DASHBOARD: "evidence"}


def part_tags(parts: Iterable[str]) -> dict[str, str]:
    """The tags of a run for these parts alone; none for a whole run.

    >>> part_tags(["dashboard", "models"])
    {'dataflow/part': 'models,dashboard'}
    """
    wanted = set(parts)
    return {PART_TAG: ",".join(each for each in PARTS if each in wanted)} if wanted else {}


def parts_of(tags: Mapping[str, str]) -> frozenset[str]:
    """The parts that a run with these tags is for; empty for a whole run.

    Raises:
        BadInputError: A tag that somebody wrote by hand names another one.
    """
    named = tags.get(PART_TAG, "")
    found = frozenset(filter(None, (each.strip() for each in named.split(","))))
    if PART_TAG in tags and not (found and found <= set(PARTS)):
        raise BadInputError(
            f"The tag {PART_TAG} of the run is {quoted(named)}.",
            f"Write {' or '.join(PARTS)}, or leave it out.",
        )
    return found


def check_parts(
    project: Project, workflow_id: str, tags: Mapping[str, str], *, has_steps: bool = True
) -> None:
    """Refuse a part that a workflow does not have, before anything is started.

    Raises:
        RunRequestError: There is no such part, or the job has steps of its own alone.
    """
    parts = parts_of(tags)
    if parts and not has_steps:
        raise RunRequestError(
            f"The job of {workflow_id!r} uses none of the library's Steps, so it has no parts.",
            "Run the whole workflow.",
        )
    for part in sorted(parts):
        folder = project.workflow_dir(workflow_id) / _FOLDERS[part]
        if not folder.is_dir():
            raise RunRequestError(
                f"The workflow {workflow_id!r} has no {part}: there is no folder "
                f"{_FOLDERS[part]} in it.",
                "Run the whole workflow, or another part.",
            )


def loaded_before(run: RunContext) -> LoadResult:
    """The tables that an earlier run has loaded, as a load would tell of them.

    Raises:
        BadInputError: Not all of them are there.
    """
    names = [table.load.table for table in run.settings.tables]
    if not run.warehouse.exists():
        raise _no_tables(run, names)
    with run.warehouse.connect(read_only=True) as connection:
        lacking = [name for name in names if not _is_there(connection, name)]
        if lacking:
            raise _no_tables(run, lacking)
        results = [
            LoadResult(f"raw.{name}", 0, count_rows(connection, f"raw.{quote_identifier(name)}"))
            for name in names
        ]
    return replace(results[0], more=results[1:])


def _is_there(connection: DuckDBPyConnection, name: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = 'raw' AND lower(table_name) = lower(?)",
        [name],
    ).fetchone()
    return found is not None


def _no_tables(run: RunContext, names: Iterable[str]) -> BadInputError:
    listed = ", ".join(f"raw.{name}" for name in names)
    return BadInputError(
        f"{run.workflow_id} has not loaded {listed} yet, so there is nothing to make a part from.",
        f"Run it whole first: dataflow workflow run {run.workflow_id}",
    )
