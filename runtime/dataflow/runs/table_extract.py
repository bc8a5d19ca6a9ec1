"""What the step extract does for one source: its rows, and those of the lists in them."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.runs.rejected_rows import keep_rejected
from dataflow.runs.row_storage import release_memory, store_rows
from dataflow.runs.stored_table import changed
from dataflow.runs.table_steps import child_results, parameters_of
from dataflow.sources.errors import told_of
from dataflow.sources.kept_rows import rows_kept_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.runs.context import RunContext
    from dataflow.runs.partitioning import Part
    from dataflow.runs.reading import Reading
    from dataflow.runs.stored_table import StoredTable
    from dataflow.shared.named_source import SourceTable

# Where the rows of a source are while they are read.
_READ = "read"


def extracted_tables(
    run: RunContext,
    table: SourceTable,
    reading: Reading,
    part: Part | None,
    extract_data: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterator[StoredTable]:
    """Fetch one source, and write its rows down, and those of the lists in them.

    Raises:
        DataflowError: The source cannot be read, or its rows are not as the contract says.
    """
    name = table.load.table if table.name or table.child_tables else ""
    run.progress.begin_table(name)
    with rows_kept_in(run.folder / _READ) as folder:
        result = _by_contract(table, extract_data(parameters_of(run, table, reading, part)))
        stored = store_rows(run, "extract", result, folder, table=name)
    metadata = {**stored.metadata, "table": name} if name else stored.metadata
    if part is not None and part.column_of(table):
        notes = list(metadata.get("notes", []))
        stored = changed(stored, rows=part.keep(Path(stored.path), table, notes))
        metadata = {**metadata, "notes": notes} if notes else metadata
    stored = changed(stored, metadata=metadata)
    keep_rejected(run, result, stored)
    del result
    release_memory()
    yield stored
    for child, items in child_results(Path(stored.path), stored.metadata, table):
        of_child = store_rows(run, "extract", items, run.folder, table=child)
        keep_rejected(run, items, of_child)
        yield of_child
    release_memory()


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
