"""One table of the several that a run may load: what is asked for it, and how it is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.runs.last_value import last_value_for, stored_value
from dataflow.runs.reading import Reading, check_bound, cursor_column
from dataflow.shared.errors import BadInputError
from dataflow.shared.own_code import OwnCode
from dataflow.shared.shown import counted
from dataflow.shared.suggestion import known_names
from dataflow.sources.errors import told_of
from dataflow.warehouse.kind import LoadRequest, LoadResult, Owners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.runs.context import RunContext
    from dataflow.runs.partitioning import Part
    from dataflow.runs.stored_table import StoredTable
    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.contract import Contract
    from dataflow.shared.named_source import SourceTable
    from dataflow.warehouse.load_log import Batch


def parameters_of(
    run: RunContext, table: SourceTable, reading: Reading, part: Part | None
) -> dict[str, Any]:
    """What ``extract_data`` is told: of several sources the name, and how far one has been read.

    Raises:
        BadInputError: What is asked for cannot be had of this source.
    """
    named = {"source": table.name} if table.name else {}
    if part is not None:
        _check_part(run, table, reading, part)
        # How far the source was read is no matter: a partition is read whole each time.
        return {**part.parameters(table), "last_value": None, **named}
    last_value = None if reading.full_refresh else last_value_for(run, table.load)
    for name, value in (("`since`", reading.since), ("`until`", reading.until)):
        if value:
            check_bound(table, name, value, last_value)
    return {**reading.parameters(table), "last_value": last_value, **named}


def child_results(
    rows: Path, metadata: dict[str, Any], table: SourceTable
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of the lists in some rows, as ``extract_data`` would return them, by name."""
    from dataflow.sources.child_rows import child_rows

    key = table.load.primary_key if table.load.write_disposition == "merge" else ()
    about = {name: metadata[name] for name in ("source", "timestamp") if name in metadata}
    for name, child in table.child_tables.items():
        with told_of(table.name):
            result = child_rows(rows, name, child, key, cursor_column(table))
        yield name, {**result, "metadata": {**about, **result["metadata"], "table": name}}


def load_request(
    config: WorkflowConfig,
    stored: StoredTable,
    tables: list[StoredTable],
    reading: Reading,
    part: Part | None,
    *,
    batch: Batch | None,
    rejected: Path | None,
) -> LoadRequest:
    """How a stored table is loaded.

    Args:
        tables: All that the run loads.
        part: The partition that they are of; it is replaced as a whole.

    Raises:
        BadInputError: config.yaml has no such table.
    """
    for table in config.tables:
        load = table.load
        if (stored.table or load.table) == load.table:
            return LoadRequest(
                load.table,
                load.write_disposition,
                load.primary_key,
                load.allow_empty,
                None if part else stored_value(stored.metadata.get("last_value")),
                None if part else batch,
                rejected,
                full_refresh=reading.full_refresh,
                cursor=cursor_column(table),
                span=None if part else reading.span(table, stored.metadata),
                partition=part.key if part else None,
                texts=_texts(table.contract),
            )
        if stored.table not in table.child_tables:
            continue
        owner = next(each for each in tables if each.table == load.table)
        parent = table.child_tables[stored.table].parent
        key = {given: own for given, own in parent.items() if own in load.primary_key}
        return LoadRequest(
            stored.table,
            load.write_disposition,
            list(key),
            # That no row of today has an item says nothing against the rows.
            load.allow_empty or owner.rows > 0,
            batch=None if part else batch,
            rejected=rejected,
            full_refresh=reading.full_refresh,
            partition=part.key if part else None,
            texts=_texts(table.child_tables[stored.table].contract),
            owners=Owners(
                Path(owner.extracted or owner.path),
                key,
                f"raw.{load.table}",
                Path(owner.path),
                cursor_column(table),
            ),
        )
    known = [table.load.table for table in config.tables]
    raise BadInputError(
        f"config.yaml says of no table {stored.table} how it is loaded.",
        f"There are: {known_names(known, 10)}.",
    )


def gone_notes(run: RunContext, result: LoadResult) -> list[str]:
    """What to say of the rows of other partitions that a full refresh of one has taken away."""
    if not result.rows_gone:
        return []
    settings = run.project.settings
    is_kept = settings.all_or_nothing and settings.kept_states > 0
    back = (
        f"; `dataflow workflow restore {run.workflow_id}` brings them back"
        if is_kept
        else ", and no state before this run is kept"
    )
    told = f"{counted(result.rows_gone, 'row')} of other partitions in {result.table} are gone"
    anew = f"`dataflow workflow backfill {run.workflow_id} --missing` loads them anew."
    return [f"{told}{back}. {anew}"]


def _texts(contract: Contract | None) -> list[str]:
    columns = contract.columns if contract else {}
    return [name for name, column in columns.items() if column.database_type == "VARCHAR"]


def _check_part(run: RunContext, table: SourceTable, reading: Reading, part: Part) -> None:
    if reading.since or reading.until:
        raise BadInputError(
            "`since` and `until` choose a part of the source, and so does the partition.",
            "Leave them out, or run other partitions.",
        )
    own_code = OwnCode(run.workflow_id, run.project.workflow_dir(run.workflow_id))
    if not part.column_of(table) and not own_code.reads_source_itself:
        raise BadInputError(
            "Which rows of the source belong to a partition is not said, and each run would load "
            "all of them.",
            "Name the column that tells in `workflow.partition.column` of config.yaml, or read the "
            "source in ingestion.py by `params['interval']` or `params['partition']`.",
        )
