"""The data that an inspection looks at: all of a file, the beginning of everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.sources.errors import SourceSettingError

if TYPE_CHECKING:
    import pyarrow as pa

# Records of an API that are looked at, and a page more at most.
_RECORDS = 2_000
# Rows of a database's table.
_ROWS = 200_000


@dataclass(frozen=True)
class Sample:
    """What was read.

    Args:
        table: The rows.
        whole: Whether they are all rows of the source.
        notes: What a person should know about how they were read.
        settings: Settings of the source that nobody gave and that they were read with.
    """

    table: pa.Table
    whole: bool
    notes: list[str]
    settings: dict[str, Any] = field(default_factory=dict)


def read_sample(source: dict[str, Any], parameters: dict[str, Any]) -> Sample:
    """Read what an inspection looks at.

    Args:
        source: ``ingestion.source`` of a config.yaml.
        parameters: ``ingestion.parameters``.

    Raises:
        SourceError: The source cannot be read.
        SourceSettingError: A setting cannot be used.
    """
    kind = source.get("type")
    if kind == "file":
        return _from_files(source, parameters)
    if kind == "api":
        return _from_api(source, parameters)
    if kind == "database":
        from dataflow.sources.database.reader import read_database

        # One more than are looked at tells whether there are more.
        looked = {**source, "incremental": None}
        typed = read_database(looked, parameters, limit=_ROWS + 1).typed
        whole = typed.table.num_rows <= _ROWS
        return Sample(typed.table.slice(0, _ROWS), whole, typed.notes)
    raise SourceSettingError(
        f"There is no source type {kind!r}.", "The types are file, api and database."
    )


def _from_files(source: dict[str, Any], parameters: dict[str, Any]) -> Sample:
    from dataflow.sources.file.reader import fetched_files
    from dataflow_tools.inspection.null_markers import suggest_null_values
    from dataflow_tools.inspection.suggested_settings import suggest_settings

    with fetched_files(source, parameters) as files:
        settings, notes = suggest_settings(files.found, source)
        typed = files.read({**source, **settings})
        if not typed.table.num_columns:
            return Sample(typed.table, True, typed.notes, settings)
        null_values, told = suggest_null_values(typed.table, source.get("null_values"))
        settings["null_values"] = null_values
        if told:
            typed = files.read({**source, **settings})
    return Sample(typed.table, True, [*notes, *told, *typed.notes], settings)


def _from_api(source: dict[str, Any], parameters: dict[str, Any]) -> Sample:
    from dataflow.sources.api.reader import read_api

    looked = {**source, "incremental": None}
    try:
        answer = read_api(looked, parameters, limit=_RECORDS)
    except SourceSettingError as error:
        if "paging.type" not in error.instruction:
            raise
        answer = read_api({**looked, "paging": {"type": "none"}}, parameters, limit=_RECORDS)
        settings = "-d source_settings='{paging: {type: none}}'"
        note = f"{error.reason} {error.instruction} Until then no run reads it. Here: {settings}"
        return Sample(answer.typed.table, False, [note, *answer.typed.notes])
    return Sample(answer.typed.table, answer.whole, answer.typed.notes)
