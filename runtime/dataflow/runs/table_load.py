"""What the step load does for one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dagster import OpExecutionContext

from dataflow.runs.partitioning import partition_of, with_partition_key
from dataflow.runs.stored_table import place_of, unwritten_rows
from dataflow.shared.edited_file import EditedFile
from dataflow.stages.rows_file import can_use_file
from dataflow.warehouse.capabilities import loads_edited
from dataflow.warehouse.load_log import Batch
from dataflow.warehouse.run_warehouse import RunWarehouse

if TYPE_CHECKING:
    from dataflow.runs.context import RunContext
    from dataflow.runs.partitioning import Part
    from dataflow.runs.stored_table import StoredTable
    from dataflow.warehouse.kind import LoadRequest, LoadResult


def load_stored(
    run: RunContext, stored: StoredTable, request: LoadRequest, part: Part | None
) -> LoadResult:
    """Load rows that an earlier step has handed on, while they are edited where that can be.

    Raises:
        BadInputError: The rows do not fit the table.
        TableFileError: They cannot be read.
        WarehouseError: The table cannot be written.
    """
    warehouse = run.warehouse
    if isinstance(warehouse, RunWarehouse):
        warehouse = warehouse.on_its_own()
    if not loads_edited(warehouse):
        rows = Path(stored.path)
        return warehouse.load(with_partition_key(rows, part.key) if part else rows, request)
    edited = unwritten_rows(stored)
    if part is not None:
        if edited is None and not can_use_file(place_of(stored)):
            return warehouse.load(with_partition_key(place_of(stored), part.key), request)
        edited = partition_of(edited or EditedFile(place_of(stored)), part.key)
    if edited is None:
        return warehouse.load(place_of(stored), request)
    return warehouse.load_edited(edited, request)


def batch_of(run: RunContext, stored: StoredTable) -> Batch | None:
    """Whose rows these are: a run that takes up another one loads the rows of that one."""
    extracted = Path(stored.extracted or stored.path)
    if extracted.parent.parent != run.folder.parent:
        return None
    return Batch(extracted.parent.name, extracted, _has_succeeded)


def _has_succeeded(run_id: str) -> bool:
    """Whether a run, or one that took it up, ended well; so it is held if nobody knows any more."""
    instance = OpExecutionContext.get().instance
    if instance.get_run_by_id(run_id) is None:
        return True
    group = instance.get_run_group(run_id)
    return group is None or any(run.is_success for run in group[1])
