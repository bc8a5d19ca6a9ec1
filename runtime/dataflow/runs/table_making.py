"""Making a workflow's models and its dashboard, in a step or for an asset; and telling of them."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from dataflow.runs.made_assets import tell_of_dashboard, tell_of_models
from dataflow.runs.promotion import note_publications
from dataflow.runs.shared_run import note_models
from dataflow.shared.logging import get_logger
from dataflow.shared.shown import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.modelling.outcomes import BuildResult
    from dataflow.runs.context import RunContext

log = get_logger(__name__)


def make_models(run: RunContext, only: Sequence[str] = ()) -> tuple[BuildResult, str]:
    """Build and test the dbt models on the tables that are there.

    Args:
        only: The names of those to build, with their tests; empty for all.

    Returns:
        What dbt built, and a sentence about it.

    Raises:
        DataflowError: See `build_models`.
    """
    # Not needed by a run that builds none.
    from dataflow.modelling.build import ModelError, build_models

    try:
        result = build_models(
            run.project, run.workflow_id, run.warehouse, log.info, run.upstream, only
        )
    except ModelError as error:
        tell_of_models(run, [], error.outcomes)
        raise
    tell_of_models(run, result.tables, result.outcomes)
    note_models(run)
    for change in _note_upstream(run):
        log.warning(change)
    for warning in result.warnings:
        log.warning(warning)
    return result, summary_of(result)


def summary_of(result: BuildResult) -> str:
    """A sentence about what dbt built, with the first of what its tests warn of.

    Lists of runs and whoever follows a run of the service see no more of it.
    """
    warned = result.warnings
    said = f"{counted(len(result.models), 'model')}, "
    said += f"{counted(result.tests - len(warned), 'test')} passed"
    if warned:
        first = ", first" if len(warned) > 1 else ""
        said += f", {len(warned):,} warned{first}: {warned[0]}"
    return said


def make_dashboard(run: RunContext) -> tuple[dict[str, int], str]:
    """Make the tables that the dashboard reads ready; they are shown when the run has succeeded.

    Returns:
        Rows per table, and a sentence about it.
    """
    from dataflow.publish.kind import PublishRequest, publish, stage

    started = time.monotonic()
    with run.warehouse.connect(read_only=True) as connection:
        request = PublishRequest(run.project, run.workflow_id, connection, run.config)
        if run.is_locked:
            tables, publications = stage(request)
            note_publications(run, publications)
        else:
            tables = publish(request)
            shutil.rmtree(run.folder, ignore_errors=True)
        tell_of_dashboard(run, tables, time.monotonic() - started)
    listed = ", ".join(f"{name} ({rows:,})" for name, rows in tables.items())
    summary = f"{counted(len(tables), 'table')} for the dashboards"
    return tables, f"{summary}: {listed}" if listed else summary


def _note_upstream(run: RunContext) -> list[str]:
    """Note what the models have read of other workflows; what has changed there since."""
    if not run.upstream:
        return []
    from dataflow.modelling.known_graph import known_graph
    from dataflow.modelling.upstream_columns import note_columns_read

    with run.warehouse.connect() as connection:
        return note_columns_read(connection, known_graph(run.project, run.workflow_id))
