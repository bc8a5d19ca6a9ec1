"""The steps of a workflow's Dagster job.

A rendered ``dagster_job.py`` has one short op for each step and calls this. Steps hand each other
tables by location: rows go through a Parquet file of the run, never through a pickle.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import AssetMaterialization, MetadataValue, OpExecutionContext

from dataflow.modelling.build import BuildResult, build_models
from dataflow.runs.context import RunContext, run_of_step
from dataflow.runs.last_value import last_value_for, stored_value
from dataflow.runs.promotion import note_publications
from dataflow.runs.reading import Reading, cursor_column
from dataflow.shared.errors import BadInputError
from dataflow.shared.logging import get_logger
from dataflow.warehouse.kind import LoadRequest, LoadResult
from dataflow.warehouse.load_log import Batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

log = get_logger(__name__)

# Folders of ended runs that are kept, so that a failed run can be looked into and taken up again.
_RUNS_KEPT = 2
_REJECTED = "rejected.parquet"
# What the metadata of an extract say of how far its source was read.
_REACHED = ("last_value", "span")


@dataclass(frozen=True)
class StoredTable:
    """Rows that a step has written down for the next one.

    Args:
        metadata: What ``extract_data`` and ``transform_data`` say about them.
        extracted: The Parquet file of the rows as they came from the source.
    """

    path: str
    rows: int
    metadata: dict[str, Any] = field(default_factory=dict)
    extracted: str = ""


class Steps:
    """What the ops of one workflow's job do."""

    def __init__(self, workflow_id: str) -> None:
        self.workflow_id = workflow_id

    def extract(self, extract_data: Callable[[dict[str, Any]], dict[str, Any]]) -> StoredTable:
        """Call ``extract_data`` and write its rows down.

        ``params["last_value"]`` tells how far it was read, see `last_value_for`, and ``since`` and
        ``until`` which part is asked for, if it is not what is new.
        """
        reading = _reading()
        with self._run() as run:
            table = run.settings.load.table
            params = reading.parameters(run.settings)
            params["last_value"] = None if reading.full_refresh else last_value_for(run)
            _forget_old_runs(run)
            extracted = _by_contract(run, extract_data(params))
            stored = _store(run, "extract", extracted)
            if extracted.get("rejected") is not None:
                _keep_rejected(run, extracted["rejected"])
        del extracted
        _release_memory()
        for note in stored.metadata.get("notes", []):
            log.warning(note)
        rejected = (stored.metadata.get("contract") or {}).get("rejected_rows", 0)
        aside = f", {rejected:,} put aside in rejected.{table}" if rejected else ""
        _say(
            f"{stored.rows:,} rows from {stored.metadata.get('source', 'the source')}{aside}",
            stored.rows,
            **({"rejected_rows": rejected} if rejected else {}),
        )
        return stored

    def transform(
        self,
        transform_data: Callable[[dict[str, Any]], dict[str, Any]],
        extracted: StoredTable,
    ) -> StoredTable:
        """Call ``transform_data`` on the rows of an earlier step and write its rows down.

        It gets a dict with `LazyRows`, which are read where it asks for them.
        """
        from dataflow.shared.lazy_rows import LazyRows

        source = Path(extracted.path)
        with self._run() as run:
            transformed = transform_data({"data": LazyRows(source), "metadata": extracted.metadata})
            stored = _store(run, "transform", transformed, source)
        # How far the source was read is of the rows that were read, whatever became of them.
        reached = {k: extracted.metadata[k] for k in _REACHED if k in extracted.metadata}
        stored = replace(stored, extracted=extracted.path, metadata={**reached, **stored.metadata})
        del transformed
        _release_memory()
        stages = stage_names(stored.metadata)
        through = f" after {', '.join(stages)}" if stages else ""
        _say(f"{stored.rows:,} rows{through}", stored.rows)
        return stored

    def load(self, transformed: StoredTable) -> LoadResult:
        """Load the rows into the warehouse as ``load`` in config.yaml says."""
        reading = _reading()
        with self._run() as run, run.lock():
            settings = run.settings.load
            result = run.warehouse.load(
                Path(transformed.path),
                LoadRequest(
                    settings.table,
                    settings.write_disposition,
                    settings.primary_key,
                    settings.allow_empty,
                    stored_value(transformed.metadata.get("last_value")),
                    _batch(run, transformed),
                    _rejected_rows(transformed),
                    full_refresh=reading.full_refresh,
                    cursor=cursor_column(run.settings),
                    span=reading.span(run.settings, transformed.metadata),
                ),
            )
        if result.loaded_by:
            log.warning(
                f"Run {result.loaded_by} had added these rows before it failed; they are not "
                "added again."
            )
        self._record(result.table, result.rows_in_table)
        _say(
            f"{result.rows_loaded:,} rows into {result.table} "
            f"({settings.write_disposition}; {result.rows_in_table:,} now)",
            result.rows_loaded,
        )
        return result

    def model(self, loaded: LoadResult) -> BuildResult:
        """Build and test the dbt models on the table just loaded."""
        log.info("building models", source=loaded.table)
        with self._run() as run, run.lock():
            result = build_models(run.project, self.workflow_id, run.warehouse, log.info)
        for warning in result.warnings:
            log.warning(warning)
        for model in result.models:
            self._record(model)
        _say(f"{_plural(len(result.models), 'model')}, {_plural(result.tests, 'test')} passed")
        return result

    def publish(self, modelled: BuildResult | LoadResult) -> dict[str, int]:
        """Hand the tables that the dashboards read to them, to be shown when the run succeeds.

        Returns:
            Rows per published table.
        """
        from dataflow.publish.kind import PublishRequest, publish, stage

        log.info("publishing", after=type(modelled).__name__)
        with (
            self._run() as run,
            run.lock(),
            run.warehouse.connect(read_only=True) as connection,
        ):
            request = PublishRequest(run.project, self.workflow_id, connection)
            if run.is_locked:
                tables, publications = stage(request)
                note_publications(run, publications)
            else:
                tables = publish(request)
                shutil.rmtree(run.folder, ignore_errors=True)
        self._record("dashboard")
        listed = ", ".join(f"{name} ({rows:,})" for name, rows in tables.items())
        _say(f"{_plural(len(tables), 'table')} for the dashboards: {listed}")
        return tables

    def _run(self) -> AbstractContextManager[RunContext]:
        return run_of_step(self.workflow_id)

    def _record(self, table: str, rows: int | None = None) -> None:
        """Tell Dagster that the asset of this name in a workflow's assets.py was made."""
        metadata = {} if rows is None else {"rows": MetadataValue.int(rows)}
        key = [self.workflow_id, *table.split(".")]
        OpExecutionContext.get().log_event(AssetMaterialization(key, metadata=metadata))


def _reading() -> Reading:
    """Which part of its source this run was started to read."""
    return Reading.from_tags(OpExecutionContext.get().run.tags)


def _keep_rejected(run: RunContext, rejected: Any) -> None:
    """Write down the rows that the contract put aside, for the load to take along."""
    import pyarrow as pa

    from dataflow.shared.tables import write_parquet

    ids = pa.array([run.run_id] * rejected.num_rows, pa.string())
    times = pa.array([datetime.now(UTC)] * rejected.num_rows, pa.timestamp("us", "UTC"))
    table = rejected.add_column(0, "run_id", ids).add_column(1, "rejected_at", times)
    write_parquet(table, run.folder / _REJECTED)


def _rejected_rows(stored: StoredTable) -> Path | None:
    path = Path(stored.extracted or stored.path).with_name(_REJECTED)
    return path if path.exists() else None


def _by_contract(run: RunContext, result: dict[str, Any]) -> dict[str, Any]:
    """What ``extract_data`` returned, held to the contract if `read_source` has not done that."""
    contract = run.config.ingestion.contract if run.config else None
    if contract is None or not isinstance(result, dict) or "data" not in result:
        return result
    metadata = dict(result.get("metadata") or {})
    if "contract" in metadata:
        return result
    from dataflow.sources.read import hold_to_contract

    conformed = hold_to_contract(result["data"], replace(contract, shown="What extract_data gave"))
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
    run: RunContext, step: str, result: dict[str, Any], source: Path | None = None
) -> StoredTable:
    from dataflow.shared.lazy_rows import LazyRows
    from dataflow.shared.tables import write_parquet

    if not isinstance(result, dict) or "data" not in result:
        raise BadInputError(
            f'{step}_data of {run.workflow_id} returned {type(result).__name__} without "data".',
            'Return {"data": rows, "metadata": {...}}.',
        )
    path = run.folder / f"{step}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = result["data"]
    beside = source.parent if source is not None else None
    if isinstance(data, LazyRows) and data.path is not None and data.path.parent == beside:
        # They are in a file already: that of the step before, or a new one beside it.
        rows = len(data)
        path = data.path if data.path == source else data.path.replace(path)
    else:
        known = LazyRows(source).schema if source is not None else None
        rows = write_parquet(data, path, known)
    return StoredTable(str(path), rows, dict(result.get("metadata") or {}))


def _forget_old_runs(run: RunContext) -> None:
    runs = sorted(run.folder.parent.glob("*/"), key=lambda folder: folder.stat().st_mtime)
    for folder in runs[:-_RUNS_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _release_memory() -> None:
    """Give back what Arrow keeps for later tables: the next step's are DuckDB's."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


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


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
