"""The data that an inspection looks at: all of a file, the beginning of everything else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dataflow.shared.config_model import Parameters
from dataflow.shared.tables import to_arrow
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.kind import (
    Extracted,
    ReadRequest,
    kind_names,
    shown_location,
    source_kind,
)
from dataflow.sources.record_map import is_map_of_records
from dataflow.sources.records import OtherShapeError
from dataflow.sources.validation import checked_settings
from dataflow_tools.inspection.json_shape import refuse_cube, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from dataflow.sources.kept_rows import KeptRows

# Records of an API that are looked at, and a page more at most.
_RECORDS = 2_000
# What of an API's settings is not sent with the first request of `for_each`, and what that has.
_OF_PARENTS = ("url", "params", "data_path")
_OF_CHILDREN = {
    *("for_each", "paging", "method", "body", "body_format", "query", "variables", "records"),
    *("error_path", *_OF_PARENTS),
}
# Rows of a database's table, or of a source of another kind.
_ROWS = 200_000


@dataclass(frozen=True)
class Sample:
    """What was read.

    Args:
        table: The rows.
        whole: Whether they are all rows of the source.
        notes: What a person should know about how they were read.
        settings: Settings of the source that nobody gave and that they were read with.
        lacking: Columns that some of the files lack, in lower case.
        units: The units of columns that have one, by name.
        written: How values of columns are written, see `Extracted.written`.
        may_lack_columns: Whether a record leaves out what it has no value for, as JSON may.
        is_declared: Whether the source says itself which types its columns have.
        is_file: Whether the rows are those of files.
    """

    table: KeptRows
    whole: bool
    notes: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    written: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    may_lack_columns: bool = False
    units: dict[str, str] = field(default_factory=dict)
    is_declared: bool = False
    is_file: bool = False
    lacking: frozenset[str] = frozenset()


def read_sample(source: dict[str, Any]) -> Sample:
    """Read what an inspection looks at of an ``ingestion.source``.

    Raises:
        SourceError: The source cannot be read.
        SourceSettingError: A setting cannot be used.
    """
    kind = source.get("type")
    if kind not in kind_names():
        raise SourceSettingError(
            f"There is no source type {kind!r}.", f"The types are {', '.join(kind_names())}."
        )
    if kind == "file":
        return _from_files(source)
    if "incremental" in source:
        # It says nothing of how the data is looked at, and has to be right all the same.
        checked_settings(source_kind(kind).settings, source)
        source = {key: value for key, value in source.items() if key != "incremental"}
    if kind != "api":
        extracted = _read(source, _ROWS)
        return replace(_sample(extracted), is_declared=extracted.declared)
    try:
        sample = _from_api(source)
        found, note = ({}, "") if "records" in source else _shape_settings(sample.table)
    except OtherShapeError as error:
        found, note = ({}, "") if "records" in source else shape_of(error.document)
        if not found:
            raise
    if not found:
        return sample
    sample = _from_api({**source, **found})
    note = note.replace("The file", "The answer", 1) or (
        "The answer looks like one record for each key; they are its rows (`records: map`), with "
        f"the key as {sample.table.column_names[0]!r}."
    )
    return replace(sample, notes=[note, *sample.notes], settings={**sample.settings, **found})


def _shape_settings(table: pa.Table) -> tuple[dict[str, Any], str]:
    """The settings with which an answer that looks like one row is many, and what to say of it.

    Of a map of records its reader says it.
    """
    if table.num_rows != 1:
        return {}, ""
    row = table.to_pylist()[0]
    refuse_cube(row)
    if is_map_of_records(row):
        return {"records": "map"}, ""
    maps = [name for name, value in row.items() if is_map_of_records(value)]
    if len(maps) == 1:
        return {"data_path": maps[0], "records": "map"}, ""
    # Lists with values of several kinds come as the JSON that they are.
    return shape_of({name: _parsed(value) for name, value in row.items()})


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _from_api(source: dict[str, Any]) -> Sample:
    parents = source.get("for_each") or {}
    if not parents.get("url") or parents.get("paging"):
        return _from_pages(source)
    asked = {name: source[name] for name in source.keys() - _OF_CHILDREN}
    asked |= {name: parents[name] for name in _OF_PARENTS if name in parents}
    first = _from_pages(asked)
    paging = first.settings.get("paging")
    found = {"for_each": {**parents, "paging": paging}} if paging else {}
    sample = _from_pages({**source, **found})
    # Two that are alike would be taken for one.
    notes = [f"{shown_location(parents['url'])}: {note}" for note in first.notes]
    return replace(sample, notes=[*notes, *sample.notes], settings={**sample.settings, **found})


def _from_pages(source: dict[str, Any]) -> Sample:
    from dataflow.sources.api.page_detection import PagingUnknownError
    from dataflow.sources.api.pages import RepeatedPageError

    try:
        return replace(_sample(_read(source, _RECORDS)), may_lack_columns=True)
    except (PagingUnknownError, RepeatedPageError) as error:
        if isinstance(error, RepeatedPageError) and error.place is None:
            raise
        from dataflow_tools.inspection.api_paging import FIRST_PAGE, find_paging

        found = find_paging(source, lambda asked: _read(asked, _RECORDS), error)
        paging = found.settings or FIRST_PAGE
        sample = _sample(_read({**source, "paging": paging}, _RECORDS))
        return replace(
            sample,
            whole=sample.whole and found.settings is not None,
            notes=[found.note, *sample.notes],
            settings={"paging": found.settings} if found.settings else {},
            may_lack_columns=True,
        )


def read_limit(kind: str) -> int | None:
    """How many rows of a source of this type are looked at; None for all, of files."""
    return None if kind == "file" else _RECORDS if kind == "api" else _ROWS


def _read(source: dict[str, Any], limit: int) -> Extracted:
    kind = source_kind(source["type"])
    request = ReadRequest(Parameters(), limit=limit)
    return kind.read(checked_settings(kind.settings, source), request)


def _sample(extracted: Extracted) -> Sample:
    table = to_arrow(extracted.data)
    return Sample(table, extracted.whole, extracted.notes, written=extracted.written)


def _from_files(source: dict[str, Any]) -> Sample:
    from dataflow.sources.file.reader import fetched_files
    from dataflow.sources.file.settings import FileSource
    from dataflow_tools.inspection.null_markers import suggest_null_values
    from dataflow_tools.inspection.suggested_settings import suggest_settings

    given = checked_settings(FileSource, source)
    with fetched_files(given, Parameters()) as files:
        found = suggest_settings(files.found, given, files.folder)
        settings, notes = found.settings, found.notes
        typed = files.read(given.model_copy(update=settings))
        if not typed.table.num_columns:
            return Sample(typed.table, True, [*notes, *typed.notes], settings, units=found.units)
        null_values, told = suggest_null_values(typed.table, given.null_values)
        settings["null_values"] = null_values
        if told:
            typed = files.read(given.model_copy(update=settings))
    notes = [*notes, *told, *typed.notes]
    file_format = files.found[0].format
    return Sample(
        typed.table,
        True,
        notes,
        settings,
        typed.written,
        may_lack_columns=file_format in ("json", "jsonl", "geojson"),
        units=found.units,
        is_declared=file_format in ("parquet", "orc", "feather"),
        is_file=True,
        lacking=typed.lacking,
    )
