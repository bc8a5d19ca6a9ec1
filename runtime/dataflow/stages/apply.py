"""The stages of ``transformation.stages`` in config.yaml, applied in their order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from dataflow.shared.config_kinds import OwnSettings, Stage, model_of
from dataflow.shared.edited_rows import EditedRows
from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.plugins import installed, load
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import as_sentence, did_you_mean
from dataflow.shared.tables import like, to_arrow
from dataflow.stages.errors import StageError
from dataflow.stages.kind import StageKind

if TYPE_CHECKING:
    import pyarrow as pa

    from dataflow.shared.config_types import Section

# A stage of the author's own: an Arrow table and the stage's options in, a table out.
OwnStage = Callable[["pa.Table", dict[str, Any]], "pa.Table"]


@dataclass(frozen=True)
class _Step:
    name: str
    kind: StageKind[Any]
    options: Section


def apply_stages(
    data: dict[str, Any],
    stages: Sequence[Mapping[str, Any] | Stage],
    own_stages: Mapping[str, OwnStage] | None = None,
) -> dict[str, Any]:
    """Apply stages to extracted rows.

    ``cleaning`` has the options ``trim_strings`` (white space around top-level text goes),
    ``drop_empty_rows`` (rows in which every value is null or blank text) and
    ``remove_duplicates`` (rows equal in every column; the first one stays, the order is kept),
    done in this order. ``enrichment`` has ``add_timestamps``: a column ``processed_at`` with the
    same UTC time in every row. Every option is off unless it is true. Other distributions may
    bring more stages.

    Args:
        data: What ``extract_data`` returned: ``data`` and ``metadata``. It is not changed.
        stages: ``[{"name": ..., "options": {...}}, ...]``, as `load_config` has them.
        own_stages: What transform.py implements, by the names that config.yaml gives the stages.
            Each gets an Arrow table and its options, and returns a table.

    Returns:
        The same shape; ``data`` is of the kind it came in. ``metadata`` has a new
        ``record_count`` and ``transformation_stages``: name, ``rows_in`` and ``rows_out`` of each
        stage. In a list of dicts, every row has every column afterwards.

    Raises:
        StageError: A stage or option is unknown, ``data`` has no rows, or a stage refuses them.
        TableError: The rows cannot be made a table.

    >>> rows = {"data": [{"id": 1}, {"id": 1}, {"id": 2}], "metadata": {}}
    >>> result = apply_stages(rows, [{"name": "cleaning", "options": {"remove_duplicates": True}}])
    >>> result["data"]
    [{'id': 1}, {'id': 2}]
    >>> result["metadata"]["transformation_stages"]
    [{'name': 'cleaning', 'rows_in': 3, 'rows_out': 2}]
    """
    if "data" not in data:
        raise StageError(
            'The extracted data has no "data".', 'Return {"data": rows, "metadata": {...}}.'
        )
    steps = [_step(stage, own_stages or {}) for stage in stages]
    if isinstance(data["data"], LazyRows):
        by_sql = _apply_to_file(data, steps)
        if by_sql is not None:
            return by_sql
    table = to_arrow(data["data"])
    done: list[dict[str, Any]] = []
    for step in steps:
        rows_in = table.num_rows
        table = to_arrow(step.kind.apply(table, step.options))
        done.append({"name": step.name, "rows_in": rows_in, "rows_out": table.num_rows})
    metadata = _metadata(data, table.num_rows, done)
    return {**data, "data": like(table, data["data"]), "metadata": metadata}


def _apply_to_file(data: dict[str, Any], steps: list[_Step]) -> dict[str, Any] | None:
    """The same, by SQL on the file: no row becomes a value of Python's or is held in memory.

    Rows are written anew only if somebody asks for them before they are loaded.
    It is None if there is no file, or a stage, or a column's type, needs the rows as a table.
    """
    from dataflow.stages.rows_file import can_use_file, open_file

    path = data["data"].path
    if not all(s.kind.apply_to_file and s.kind.takes_file(s.options) for s in steps):
        return None
    if path is None or not can_use_file(path):
        return None
    with open_file(path) as file:
        done: list[dict[str, Any]] = []
        for step in steps:
            rows_in = file.rows
            cast("Callable[..., None]", step.kind.apply_to_file)(file, step.options)
            done.append({"name": step.name, "rows_in": rows_in, "rows_out": file.rows})
        edited = file.edited()
        columns = file.columns
    rows = LazyRows(path)
    if edited.is_edited:
        rows = EditedRows(edited, columns, path.with_name(f"{uuid.uuid4().hex}.parquet"))
    return {**data, "data": rows, "metadata": _metadata(data, rows.num_rows, done)}


def _metadata(data: dict[str, Any], rows: int, done: list[dict[str, Any]]) -> dict[str, Any]:
    return {**data.get("metadata", {}), "record_count": rows, "transformation_stages": done}


def _step(stage: Mapping[str, Any] | Stage, own: Mapping[str, OwnStage]) -> _Step:
    if isinstance(stage, Stage):
        name, given = stage.name, stage.options.model_dump()
    else:
        name, given = str(stage.get("name")), dict(stage.get("options") or {})
    if name in own:
        kind = StageKind(OwnSettings, lambda table, options: own[name](table, options.model_dump()))
        return _Step(name, kind, OwnSettings.model_validate(given))
    if name not in installed("stages"):
        raise _unknown_stage(name, [*own, *installed("stages")])
    try:
        options = model_of("stages", name).model_validate(given)
    except ValidationError as error:
        raise _wrong_options(name, error) from None
    return _Step(name, load("stages", name), options)


def _unknown_stage(name: str, known: list[str]) -> StageError:
    meant = as_sentence(did_you_mean(name, known))
    listed = f"{meant} There are: {', '.join(known)}.".strip()
    return StageError(
        f"There is no stage {quoted(name)}.",
        f"{listed} A stage of your own is a function of its name in transform.py, handed on: "
        "`apply_stages(data, stages, own_stages={...})`.",
    )


def _wrong_options(name: str, error: ValidationError) -> StageError:
    faults, hints = [], []
    for fault in error.errors(include_url=False):
        faults.append(f"the option {quoted('.'.join(map(str, fault['loc'])))} {fault['msg']}")
        hints.append(as_sentence(fault.get("ctx", {}).get("hint", "")))
    known = f"Its options are: {', '.join(model_of('stages', name).known_keys())}."
    return StageError(
        f"Stage {quoted(name)}: {'; '.join(faults)}.", " ".join([*hints, known]).strip()
    )
