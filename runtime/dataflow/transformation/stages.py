"""The stages of ``transformation.stages`` in config.yaml, applied in their order."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.tables import like, to_arrow
from dataflow.transformation.duplicates import first_occurrences

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

__all__ = ["PROCESSED_AT", "STAGES", "StageError", "apply_stages"]

PROCESSED_AT = "processed_at"


class StageError(BadInputError):
    """A stage or one of its options is unknown, or the rows cannot go through it."""


def apply_stages(data: dict[str, Any], stages: list[dict[str, Any]]) -> dict[str, Any]:
    """Apply built-in stages to extracted rows.

    ``cleaning`` has the options ``trim_strings`` (white space around top-level text goes),
    ``drop_empty_rows`` (rows in which every value is null or blank text) and
    ``remove_duplicates`` (rows equal in every column; the first one stays, the order is kept),
    done in this order. ``enrichment`` has ``add_timestamps``: a column ``processed_at`` with the
    same UTC time in every row. Every option is off unless it is true.

    Args:
        data: What ``extract_data`` returned: ``data`` and ``metadata``. It is not changed.
        stages: ``[{"name": ..., "options": {...}}, ...]``.

    Returns:
        The same shape; ``data`` is of the kind it came in. ``metadata`` has a new
        ``record_count`` and ``transformation_stages``: name, ``rows_in`` and ``rows_out`` of each
        stage. In a list of dicts, every row has every column afterwards.

    Raises:
        StageError: A stage or option is unknown, ``data`` has no rows, or ``processed_at`` is a
            column already.
        TableError: The rows cannot be made a table.
    """
    if "data" not in data:
        raise StageError(
            'The extracted data has no "data".', 'Return {"data": rows, "metadata": {...}}.'
        )
    table = to_arrow(data["data"])
    done: list[dict[str, Any]] = []
    for stage in stages:
        rows_in = table.num_rows
        table = _apply(table, stage)
        done.append({"name": stage["name"], "rows_in": rows_in, "rows_out": table.num_rows})
    metadata = {
        **data.get("metadata", {}),
        "record_count": table.num_rows,
        "transformation_stages": done,
    }
    return {**data, "data": like(table, data["data"]), "metadata": metadata}


def _apply(table: pa.Table, stage: dict[str, Any]) -> pa.Table:
    name = stage.get("name")
    if name not in STAGES:
        raise StageError(f"There is no stage {name!r}.", _choose(str(name), STAGES))
    steps = STAGES[name]
    options = stage.get("options") or {}
    for option in options:
        if option not in steps:
            raise StageError(
                f"The stage {name!r} has no option {option!r}.", _choose(option, steps)
            )
    for option, step in steps.items():
        if options.get(option):
            table = step(table)
    return table


def _choose(wrong: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(wrong, known, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return f"{meant}There are: {', '.join(known)}."


def _trim_strings(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        if _is_text(field.type):
            table = table.set_column(index, field, pc.utf8_trim_whitespace(table.column(index)))
    return table


def _drop_empty_rows(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    filled = None
    for column in table.columns:
        has_value = pc.is_valid(column)
        if _is_text(column.type):
            blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(column)), 0)
            has_value = pc.and_not(has_value, pc.fill_null(blank, False))
        filled = has_value if filled is None else pc.or_(filled, has_value)
        if pc.all(filled).as_py():
            return table
    return table if filled is None else table.filter(filled)


def _remove_duplicates(table: pa.Table) -> pa.Table:
    keep = first_occurrences(table)
    return table if keep is None else table.take(keep)


def _add_timestamps(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    if any(name.lower() == PROCESSED_AT for name in table.column_names):
        raise StageError(
            f"The rows already have a column {PROCESSED_AT!r}, which `add_timestamps` would add.",
            "Turn `add_timestamps` off in config.yaml, or rename the column before this stage.",
        )
    now = pa.scalar(datetime.now(UTC), type=pa.timestamp("us", tz="UTC"))
    return table.append_column(PROCESSED_AT, pa.repeat(now, table.num_rows))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


# Stage, option, what it does; options are done in this order.
STAGES: dict[str, dict[str, Callable[[pa.Table], pa.Table]]] = {
    "cleaning": {
        "trim_strings": _trim_strings,
        "drop_empty_rows": _drop_empty_rows,
        "remove_duplicates": _remove_duplicates,
    },
    "enrichment": {"add_timestamps": _add_timestamps},
}
