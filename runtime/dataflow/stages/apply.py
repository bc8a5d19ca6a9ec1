"""The stages of ``transformation.stages`` in config.yaml, applied in their order."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.stored_rows import StoredRows
from dataflow.shared.tables import like, to_arrow
from dataflow.stages.duplicates import first_occurrences
from dataflow.stages.rows_file import can_use_file, open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

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

    >>> rows = [{"name": " ann "}, {"name": "ann"}]
    >>> options = {"trim_strings": True, "remove_duplicates": True}
    >>> apply_stages({"data": rows}, [{"name": "cleaning", "options": options}])["data"]
    [{'name': 'ann'}]
    """
    if "data" not in data:
        raise StageError(
            'The extracted data has no "data".', 'Return {"data": rows, "metadata": {...}}.'
        )
    if isinstance(data, StoredRows) and can_use_file(data, [_options(stage) for stage in stages]):
        return _apply_to_file(data, stages)
    table = to_arrow(data["data"])
    done: list[dict[str, Any]] = []
    for stage in stages:
        rows_in = table.num_rows
        for option in _options(stage):
            table = STAGES[stage["name"]][option](table)
        done.append({"name": stage["name"], "rows_in": rows_in, "rows_out": table.num_rows})
    metadata = _metadata(data, table.num_rows, done)
    return {**data, "data": like(table, data["data"]), "metadata": metadata}


def _apply_to_file(data: StoredRows, stages: list[dict[str, Any]]) -> dict[str, Any]:
    """The same, from file to file: no row becomes a value of Python's or is held in memory."""
    with open_file(data) as file:
        done: list[dict[str, Any]] = []
        for stage in stages:
            rows_in = file.rows
            for option in _options(stage):
                if option == "remove_duplicates":
                    file.remove_duplicates()
                else:
                    _refuse_own_column(file.columns)
                    file.add_column(PROCESSED_AT, datetime.now(UTC))
            done.append({"name": stage["name"], "rows_in": rows_in, "rows_out": file.rows})
        result = StoredRows(file.write(), _metadata(data, file.rows, done))
    result.update({key: data[key] for key in data if key not in ("data", "metadata")})
    return result


def _metadata(data: dict[str, Any], rows: int, done: list[dict[str, Any]]) -> dict[str, Any]:
    return {**data.get("metadata", {}), "record_count": rows, "transformation_stages": done}


def _options(stage: dict[str, Any]) -> list[str]:
    """The options of a stage that are on, in the order in which they are done."""
    name = stage.get("name")
    if name not in STAGES:
        raise StageError(f"There is no stage {quoted(name)}.", _choose(str(name), STAGES))
    steps = STAGES[name]
    options = stage.get("options") or {}
    for option in options:
        if option not in steps:
            raise StageError(
                f"The stage {name!r} has no option {quoted(option)}.", _choose(option, steps)
            )
    return [option for option in steps if options.get(option)]


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

    _refuse_own_column(table.column_names)
    now = pa.scalar(datetime.now(UTC), type=pa.timestamp("us", tz="UTC"))
    return table.append_column(PROCESSED_AT, pa.repeat(now, table.num_rows))


def _refuse_own_column(names: Iterable[str]) -> None:
    if any(name.lower() == PROCESSED_AT for name in names):
        raise StageError(
            f"The rows already have a column {PROCESSED_AT!r}, which `add_timestamps` would add.",
            "Turn `add_timestamps` off in config.yaml, or rename the column before this stage.",
        )


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
