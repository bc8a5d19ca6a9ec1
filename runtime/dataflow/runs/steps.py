"""The steps of a workflow's Dagster job.

A rendered ``dagster_job.py`` has one short op for each step and calls this. Steps hand each other
tables by location: rows go through a Parquet file of the run, never through a pickle.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagster import OpExecutionContext

from dataflow.modelling.outcomes import BuildResult
from dataflow.runs.context import RunContext, run_of_step
from dataflow.runs.dagster_names import PART_TAG
from dataflow.runs.launch_config import asked_tags
from dataflow.runs.long_step import logged
from dataflow.runs.made_assets import LoadedTable, tell_of_loaded_tables, telling_of_sources
from dataflow.runs.model import LEFT_OUT
from dataflow.runs.partitioning import part_of_run
from dataflow.runs.reading import Reading
from dataflow.runs.rejected_rows import rejected_rows
from dataflow.runs.run_part import (
    DASHBOARD,
    LOAD,
    MODELS,
    loaded_before,
    models_of,
    part_tags,
    parts_of,
)
from dataflow.runs.shared_run import forget_earlier, found_here, share_step
from dataflow.runs.stored_table import StoredTable, changed
from dataflow.runs.table_extract import extracted_tables
from dataflow.runs.table_load import batch_of, load_stored
from dataflow.runs.table_making import make_dashboard, make_models
from dataflow.runs.table_steps import gone_notes, load_request
from dataflow.runs.table_transform import left_out_notes, stage_names, transformed_table
from dataflow.shared.errors import DataflowError, told_for
from dataflow.shared.logging import get_logger
from dataflow.shared.shown import counted, for_workflow
from dataflow.workflows.identifiers import workflow_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.runs.partitioning import Part
    from dataflow.warehouse.kind import LoadResult

log = get_logger(__name__)

# Folders of ended runs that are kept, so that a failed run can be looked into and taken up again.
_RUNS_KEPT = 2


class Steps:
    """What the ops of one workflow's job do.

    Args:
        workflow_id: Its id, or the name of a module of it, such as ``__package__``.
    """

    def __init__(self, workflow_id: str) -> None:
        self.workflow_id = workflow_of(workflow_id)

    def extract(self, extract_data: Callable[[dict[str, Any]], dict[str, Any]]) -> StoredTable:
        """Call ``extract_data`` and write its rows down; for each source, where there are several.

        ``params["last_value"]`` tells how far it was read, see `last_value_for`, ``since`` and
        ``until`` which part is asked for, if it is not what is new, and ``source`` which of
        several sources is meant.
        """
        if _leaves_out(LOAD):
            return StoredTable("", 0)
        reading = _reading()
        with self._run("extract") as run:
            forget_earlier(run, _RUNS_KEPT)
            part = _part(run)
            with telling_of_sources(run) as told:
                tables = [
                    stored
                    for table in run.settings.tables
                    for stored in told.of(
                        table, extracted_tables(run, table, reading, part, extract_data)
                    )
                ]
        said, rejected_rows = [], 0
        for stored in tables:
            of_table = f"{stored.table}: " if stored.table and len(tables) > 1 else ""
            for note in stored.metadata.get("notes", []):
                log.warning(for_workflow(f"{of_table}{note}", self.workflow_id))
            rejected = (stored.metadata.get("contract") or {}).get("rejected_rows", 0)
            table = stored.table or run.settings.load.table
            aside = f", {rejected:,} put aside in rejected.{table}" if rejected else ""
            rejected_rows += rejected
            source = stored.metadata.get("source", "the source")
            said.append(f"{of_table}{counted(stored.rows, 'row')} from {source}{aside}")
        _say(
            "; ".join(said),
            sum(stored.rows for stored in tables),
            **({"rejected_rows": rejected_rows} if rejected_rows else {}),
        )
        return changed(tables[0], more=tables[1:])

    def transform(
        self,
        transform_data: Callable[[dict[str, Any]], dict[str, Any]],
        extracted: StoredTable,
    ) -> StoredTable:
        """Call ``transform_data`` on the rows of an earlier step and write its rows down.

        It gets a dict with `LazyRows`, which are read where it asks for them. It is called for
        each table, where there are several; ``metadata["table"]`` says for which.
        """
        if _leaves_out(LOAD):
            return extracted
        with self._run("transform") as run:
            here = (found_here(run, each) for each in extracted.all)
            tables = [transformed_table(run, each, transform_data) for each in here]
        said = []
        for stored in tables:
            stages = stage_names(stored.metadata)
            through = f" after {', '.join(stages)}" if stages else ""
            of_table = f"{stored.table}: " if len(tables) > 1 else ""
            for note in left_out_notes(stored.metadata):
                log.warning(for_workflow(f"{of_table}{note}", self.workflow_id))
            said.append(f"{of_table}{counted(stored.rows, 'row')}{through}")
        _say("; ".join(said), sum(stored.rows for stored in tables))
        return changed(tables[0], more=tables[1:])

    def load(self, transformed: StoredTable) -> LoadResult:
        """Load the rows of all tables into the warehouse as config.yaml says."""
        if _leaves_out(LOAD):
            with self._run("load") as run:
                return loaded_before(run)
        reading = _reading()
        results, said, made = [], [], []
        with self._run("load") as run, run.lock():
            part = _part(run)
            tables = [found_here(run, each) for each in transformed.all]
            for stored in tables:
                request = load_request(
                    run.settings,
                    stored,
                    tables,
                    reading,
                    part,
                    batch=batch_of(run, stored),
                    rejected=rejected_rows(run, stored),
                )
                started = time.monotonic()
                run.progress.begin_table(stored.table)
                try:
                    result = load_stored(run, stored, request, part)
                except DataflowError as error:
                    if len(tables) > 1 and f"raw.{request.table}" not in error.reason:
                        error.reason = f"raw.{request.table}: {error.reason}"
                    raise
                results.append(result)
                made.append(LoadedTable(request, result, time.monotonic() - started))
                how = f"partition {part.key}" if part else request.write_disposition
                said.append(
                    f"{counted(result.rows_loaded, 'row')} into {result.table} "
                    f"({how}; {result.rows_in_table:,} now)"
                )
            tell_of_loaded_tables(run, made)
        for result in results:
            for note in [*result.notes, *gone_notes(run, result)]:
                log.warning(for_workflow(note, self.workflow_id))
            if result.loaded_by:
                log.warning(
                    f"Run {result.loaded_by} had added these rows before it failed; they are not "
                    f"added again to {result.table}."
                )
        _say("; ".join(said), sum(result.rows_loaded for result in results))
        return replace(results[0], more=results[1:])

    def model(self, loaded: LoadResult | None = None) -> BuildResult:
        """Build and test the dbt models.

        Args:
            loaded: The table just loaded; None in a job that loads none, whose models read the
                tables of other workflows.
        """
        if _leaves_out(MODELS):
            return BuildResult([], 0)
        log.info("building models", source=loaded.table if loaded else "other workflows")
        with self._run("model") as run, run.lock():
            if loaded is None:
                forget_earlier(run, _RUNS_KEPT)
            result, summary = make_models(run, sorted(models_of(_parts())))
        _say(summary)
        return result

    def publish(self, modelled: BuildResult | LoadResult) -> dict[str, int]:
        """Hand the tables that the dashboards read to them, to be shown when the run succeeds.

        Returns:
            Rows per published table.
        """
        if _leaves_out(DASHBOARD):
            return {}
        log.info("publishing", after=type(modelled).__name__)
        with self._run("publish") as run, run.lock():
            tables, summary = make_dashboard(run)
        _say(summary)
        return tables

    @contextmanager
    def _run(self, step: str) -> Iterator[RunContext]:
        with told_for(self.workflow_id), run_of_step(self.workflow_id) as run:
            with logged(step, run.progress):
                yield run
            share_step(run)


def _leaves_out(part: str) -> bool:
    """Whether a run is for parts alone, of which this step is none; it is told then."""
    parts = _parts()
    if not parts or part in parts or (part == MODELS and models_of(parts)):
        return False
    named = part_tags(parts)[PART_TAG].replace(",", " and ")
    _say(f"{LEFT_OUT}; this run is for {named} only")
    return True


def _parts() -> frozenset[str]:
    """The parts that this run is for; empty for a whole one."""
    return parts_of(asked_tags(OpExecutionContext.get().run))


def _reading() -> Reading:
    """Which part of its source this run was started to read."""
    return Reading.from_tags(asked_tags(OpExecutionContext.get().run))


def _part(run: RunContext) -> Part | None:
    """The partition that this run is for."""
    return part_of_run(run.settings, OpExecutionContext.get().run.tags)


def _say(summary: str, rows: int | None = None, **counts: int) -> None:
    """Put a step's result into the log and, as metadata of its output, into the run's history."""
    context = OpExecutionContext.get()
    told = {} if rows is None else {"rows": rows}
    context.add_output_metadata({"summary": summary, **told, **counts})
    log.info(summary)
