"""Writing down what a workflow's own functions return, for the next step."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.runs.stored_table import StoredTable, edited_table
from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.runs.context import RunContext
    from dataflow.shared.edited_rows import EditedRows


def store_rows(
    run: RunContext,
    step: str,
    result: dict[str, Any],
    own: Path,
    source: Path | None = None,
    table: str = "",
) -> StoredTable:
    """Write the rows of a step down; those of the step before, edited, are left to the next one.

    Args:
        own: A folder of the run: a file of rows in it need not be written again.
        source: The rows of the step before.

    Raises:
        BadInputError: There are no rows in what was returned.
        TableError: They cannot be made a table.
        TableFileError: The file cannot be written.
    """
    from dataflow.shared.edited_rows import EditedRows
    from dataflow.shared.lazy_rows import LazyRows
    from dataflow.shared.tables import write_parquet

    if not isinstance(result, dict) or "data" not in result:
        raise BadInputError(
            f'{step}_data of {run.workflow_id} returned {type(result).__name__} without "data".',
            'Return {"data": rows, "metadata": {...}}.',
        )
    path = run.folder / f"{step}{f'-{table}' if table else ''}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    data, metadata = result["data"], dict(result.get("metadata") or {})
    if isinstance(data, EditedRows) and source is not None:
        unwritten = _unwritten(data, path, source, metadata, table)
        if unwritten is not None:
            return unwritten
    if isinstance(data, LazyRows) and data.path is not None and data.path.parent == own:
        rows = len(data)
        path = data.path if data.path == source else data.path.replace(path)
    else:
        known = LazyRows(source).schema if source is not None else None
        rows = write_parquet(data, path, known)
    return StoredTable(str(path), rows, metadata, table=table)


def release_memory() -> None:
    """Give back what Arrow keeps for later tables: the next step's are DuckDB's."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()


def _unwritten(
    data: EditedRows, path: Path, source: Path, metadata: dict[str, Any], table: str
) -> StoredTable | None:
    """Rows that need no file of their own; None if they do.

    What a run needs is in its folder: one that takes up this run may come when the folder of the
    run that this one has taken up is gone.
    """
    edited = data.unwritten
    if edited is None or edited.file != source or source.parent != path.parent or source == path:
        return None
    if edited.left_out is not None:
        left_out = path.with_suffix(".left_out.parquet")
        edited = replace(edited, left_out=edited.left_out.replace(left_out))
    # What an earlier try of the step has left.
    path.unlink(missing_ok=True)
    return edited_table(StoredTable(str(path), len(data), metadata, table=table), edited)
