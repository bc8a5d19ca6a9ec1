"""The steps of a workflow's Dagster job.

A rendered ``dagster_job.py`` has one short op for each step and calls this. Steps hand each other
tables by location: rows go through a Parquet file of the run, never through a pickle.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import OpExecutionContext

from dataflow.modelling.build import BuildResult
from dataflow.runs.context import RunContext, run_of_step
from dataflow.runs.dagster_names import PART_TAG
from dataflow.runs.launch_config import asked_tags
from dataflow.runs.long_step import logged
from dataflow.runs.made_assets import LoadedTable, tell_of_loaded_tables, telling_of_sources
from dataflow.runs.model import LEFT_OUT
from dataflow.runs.partitioning import part_of_run, with_partition_key
from dataflow.runs.reading import Reading
from dataflow.runs.run_part import (
    DASHBOARD,
    LOAD,
    MODELS,
    loaded_before,
    models_of,
    part_tags,
    parts_of,
)
from dataflow.runs.shared_run import (
    bring_rejected,
    forget_earlier,
    found_here,
    share_step,
)
from dataflow.runs.stored_table import StoredTable
from dataflow.runs.table_making import make_dashboard, make_models
from dataflow.runs.table_steps import child_results, gone_notes, load_request, parameters_of
from dataflow.shared.errors import BadInputError, DataflowError, told_for
from dataflow.shared.logging import get_logger
from dataflow.shared.shown import counted, for_workflow
from dataflow.sources.errors import told_of
from dataflow.sources.kept_rows import rows_kept_in
from dataflow.warehouse.load_log import Batch
from dataflow.workflows.identifiers import workflow_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.runs.partitioning import Part
    from dataflow.shared.named_source import SourceTable
    from dataflow.warehouse.kind import LoadResult

log = get_logger(__name__)

# Folders of ended runs that are kept, so that a failed run can be looked into and taken up again.
_RUNS_KEPT = 2
# Where the rows of a source are while they are read.
_READ = "read"
# What the metadata of an extract say of how far its source was read.
_REACHED = ("last_value", "span")


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
                        table, _extracted(run, table, reading, part, extract_data)
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
        return replace(tables[0], more=tables[1:])

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
            tables = [_transformed(run, each, transform_data) for each in here]
        said = []
        for stored in tables:
            stages = stage_names(stored.metadata)
            through = f" after {', '.join(stages)}" if stages else ""
            of_table = f"{stored.table}: " if len(tables) > 1 else ""
            said.append(f"{of_table}{counted(stored.rows, 'row')}{through}")
        _say("; ".join(said), sum(stored.rows for stored in tables))
        return replace(tables[0], more=tables[1:])

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
                    batch=_batch(run, stored),
                    rejected=_rejected_rows(run, stored),
                )
                started = time.monotonic()
                run.progress.begin_table(stored.table)
                try:
                    rows = Path(stored.path)
                    rows = with_partition_key(rows, part.key) if part else rows
                    result = run.warehouse.load(rows, request)
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


def _extracted(
    run: RunContext,
    table: SourceTable,
    reading: Reading,
    part: Part | None,
    extract_data: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterator[StoredTable]:
    """Fetch one source, and write its rows down, and those of the lists in them."""
    name = table.load.table if table.name or table.child_tables else ""
    run.progress.begin_table(name)
    with rows_kept_in(run.folder / _READ) as folder:
        result = _by_contract(table, extract_data(parameters_of(run, table, reading, part)))
        stored = _store(run, "extract", result, folder, table=name)
    if part is not None and part.column_of(table):
        stored = replace(stored, rows=part.keep(Path(stored.path), table))
    metadata = {**stored.metadata, "table": name} if name else stored.metadata
    stored = replace(stored, metadata=metadata)
    _keep_rejected(run, result, stored)
    del result
    _release_memory()
    yield stored
    for child, items in child_results(Path(stored.path), stored.metadata, table):
        of_child = _store(run, "extract", items, run.folder, table=child)
        _keep_rejected(run, items, of_child)
        yield of_child
    _release_memory()


def _transformed(
    run: RunContext,
    extracted: StoredTable,
    transform_data: Callable[[dict[str, Any]], dict[str, Any]],
) -> StoredTable:
    from dataflow.shared.lazy_rows import LazyRows

    source = Path(extracted.path)
    run.progress.begin_table(extracted.table)
    transformed = transform_data({"data": LazyRows(source), "metadata": extracted.metadata})
    stored = _store(run, "transform", transformed, source.parent, source, extracted.table)
    del transformed
    _release_memory()
    # How far the source was read is of the rows that were read, whatever became of them.
    reached = {k: extracted.metadata[k] for k in _REACHED if k in extracted.metadata}
    return replace(stored, extracted=extracted.path, metadata={**reached, **stored.metadata})


def _keep_rejected(run: RunContext, result: dict[str, Any], stored: StoredTable) -> None:
    """Write down the rows that the contract put aside, for the load to take along."""
    rejected = result.get("rejected")
    if rejected is None:
        return
    import pyarrow as pa

    from dataflow.shared.tables import write_parquet

    ids = pa.array([run.run_id] * rejected.num_rows, pa.string())
    times = pa.array([datetime.now(UTC)] * rejected.num_rows, pa.timestamp("us", "UTC"))
    table = rejected.add_column(0, "run_id", ids).add_column(1, "rejected_at", times)
    write_parquet(table, _rejected_file(stored))


def _rejected_file(stored: StoredTable) -> Path:
    of_table = f"-{stored.table}" if stored.table else ""
    return Path(stored.extracted or stored.path).with_name(f"rejected{of_table}.parquet")


def _rejected_rows(run: RunContext, stored: StoredTable) -> Path | None:
    path = bring_rejected(run, _rejected_file(stored))
    return path if path.exists() else None


def _by_contract(table: SourceTable, result: dict[str, Any]) -> dict[str, Any]:
    """What ``extract_data`` returned, held to the contract if `read_source` has not done that."""
    contract = table.contract
    if contract is None or not isinstance(result, dict) or "data" not in result:
        return result
    metadata = dict(result.get("metadata") or {})
    if "contract" in metadata:
        return result
    from dataflow.sources.read import hold_to_contract

    with told_of(table.name):
        conformed = hold_to_contract(
            result["data"], replace(contract, shown="What extract_data gave")
        )
    metadata["contract"] = asdict(conformed.report)
    metadata["record_count"] = conformed.table.num_rows
    if conformed.notes:
        metadata["notes"] = [*metadata.get("notes", []), *conformed.notes]
    return {**result, "data": conformed.table, "metadata": metadata, "rejected": conformed.rejected}


def _batch(run: RunContext, stored: StoredTable) -> Batch | None:
    """Whose rows these are: a run that takes up another one loads the rows of that one."""
    extracted = Path(stored.extracted or stored.path)
    if extracted.parent.parent != run.folder.parent:
        return None
    return Batch(extracted.parent.name, extracted, _has_succeeded)


def stage_names(metadata: dict[str, Any]) -> list[str]:
    """What ``metadata["transformation_stages"]`` names: it holds names, or dicts with a name.

    >>> stage_names({"transformation_stages": ["cleaning", {"name": "enrichment", "rows_in": 2}]})
    ['cleaning', 'enrichment']
    """
    stages = metadata.get("transformation_stages") or []
    return [str(s.get("name", "")) if isinstance(s, dict) else str(s) for s in stages]


def _store(
    run: RunContext,
    step: str,
    result: dict[str, Any],
    own: Path,
    source: Path | None = None,
    table: str = "",
) -> StoredTable:
    """Write the rows of a step down.

    Args:
        own: A folder of the run: a file of rows in it need not be written again.
        source: The rows of the step before.
    """
    from dataflow.shared.lazy_rows import LazyRows
    from dataflow.shared.tables import write_parquet

    if not isinstance(result, dict) or "data" not in result:
        raise BadInputError(
            f'{step}_data of {run.workflow_id} returned {type(result).__name__} without "data".',
            'Return {"data": rows, "metadata": {...}}.',
        )
    path = run.folder / f"{step}{f'-{table}' if table else ''}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = result["data"]
    if isinstance(data, LazyRows) and data.path is not None and data.path.parent == own:
        rows = len(data)
        path = data.path if data.path == source else data.path.replace(path)
    else:
        known = LazyRows(source).schema if source is not None else None
        rows = write_parquet(data, path, known)
    return StoredTable(str(path), rows, dict(result.get("metadata") or {}), table=table)


def _release_memory() -> None:
    """Give back what Arrow keeps for later tables: the next step's are DuckDB's."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()


def _has_succeeded(run_id: str) -> bool:
    """Whether a run, or one that took it up, ended well; so it is held if nobody knows any more."""
    instance = OpExecutionContext.get().instance
    if instance.get_run_by_id(run_id) is None:
        return True
    group = instance.get_run_group(run_id)
    return group is None or any(run.is_success for run in group[1])


def _say(summary: str, rows: int | None = None, **counts: int) -> None:
    """Put a step's result into the log and, as metadata of its output, into the run's history."""
    context = OpExecutionContext.get()
    told = {} if rows is None else {"rows": rows}
    context.add_output_metadata({"summary": summary, **told, **counts})
    log.info(summary)
