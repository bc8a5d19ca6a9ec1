"""What the step transform does for one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.runs.row_storage import release_memory, store_rows
from dataflow.runs.stored_table import changed, place_of, unwritten_rows
from dataflow.runs.transformed_types import refuse_changed_types
from dataflow.shared.shown import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.runs.context import RunContext
    from dataflow.runs.stored_table import StoredTable

# What the metadata of an extract say of how far its source was read.
_REACHED = ("last_value", "span")


def transformed_table(
    run: RunContext,
    extracted: StoredTable,
    transform_data: Callable[[dict[str, Any]], dict[str, Any]],
) -> StoredTable:
    """Call ``transform_data`` on rows of an earlier step, and write down what it returns.

    Raises:
        DataflowError: It has returned no rows, they cannot be written, or values of a column may
            have become others.
    """
    from dataflow.shared.lazy_rows import LazyRows

    source = Path(extracted.path)
    run.progress.begin_table(extracted.table)
    transformed = transform_data({"data": LazyRows(source), "metadata": extracted.metadata})
    stored = store_rows(run, "transform", transformed, source.parent, source, extracted.table)
    del transformed
    release_memory()
    if unwritten_rows(stored) is None and place_of(stored) != source:
        agreed = "contract" in extracted.metadata
        refuse_changed_types(source, place_of(stored), agreed=agreed)
    # How far the source was read is of the rows that were read, whatever became of them.
    reached = {k: extracted.metadata[k] for k in _REACHED if k in extracted.metadata}
    metadata = {**reached, **stored.metadata}
    return changed(stored, extracted=extracted.path, metadata=metadata)


def stage_names(metadata: dict[str, Any]) -> list[str]:
    """What ``metadata["transformation_stages"]`` names: it holds names, or dicts with a name.

    >>> stage_names({"transformation_stages": ["cleaning", {"name": "enrichment", "rows_in": 2}]})
    ['cleaning', 'enrichment']
    """
    stages = metadata.get("transformation_stages") or []
    return [str(s.get("name", "")) if isinstance(s, dict) else str(s) for s in stages]


def left_out_notes(metadata: dict[str, Any]) -> list[str]:
    """What to say of the rows that `cleaning` has left out: nobody sees them afterwards.

    >>> stages = [{"name": "cleaning", "rows_in": 4, "rows_out": 3}]
    >>> left_out_notes({"transformation_stages": stages})[0].partition(":")[0]
    'cleaning has left out 1 row of 4'
    """
    return [
        f"cleaning has left out {counted(stage['rows_in'] - stage['rows_out'], 'row')} of "
        f"{stage['rows_in']:,}: equal to another, or empty. If each counts, turn off "
        "`remove_duplicates` or `drop_empty_rows` in config.yaml."
        for stage in metadata.get("transformation_stages") or []
        if isinstance(stage, dict) and stage.get("name") == "cleaning"
        # Own code may name stages, and count nothing.
        if stage.get("rows_in", 0) > stage.get("rows_out", 0)
    ]
