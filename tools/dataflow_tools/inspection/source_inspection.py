"""Looking at a source, to start a workflow from its data."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from dataflow.shared.contract import written_type
from dataflow.shared.redaction import is_secret_key
from dataflow.shared.shown import counted
from dataflow.shared.step_progress import step_progress
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import SourceDataError
from dataflow.sources.kept_rows import rows_looked_at
from dataflow_tools.inspection.aggregation import aggregate_of
from dataflow_tools.inspection.looked_at import LookedAt
from dataflow_tools.inspection.measures import best_period
from dataflow_tools.inspection.near_types import nearest_types, notes_on_near_types
from dataflow_tools.inspection.nested_shape import shape_of
from dataflow_tools.inspection.notes import notes_on_rows, notes_on_values
from dataflow_tools.inspection.page_facts import page_facts
from dataflow_tools.inspection.primary_key import find_primary_key
from dataflow_tools.inspection.profile import ColumnProfile, profile_columns
from dataflow_tools.inspection.questions import Questions
from dataflow_tools.inspection.roles import best_date, role_of
from dataflow_tools.inspection.sample import Sample, read_sample

# What the template has no question of its own for.
_SETTINGS = (
    *("format", "encoding", "sheet", "data_path", "schema", "query", "params"),
    *("delimiter", "widths", "quote", "escape", "comment", "skip_lines", "header", "header_rows"),
    *(
        "names",
        "units_row",
        "kinds_row",
        "footer_lines",
        "repeated_headers",
        "short_rows",
        "final_newline",
    ),
    *("decimal", "thousands", "date_format", "records", "names_path", "union_by_name"),
    *("headers", "paging", "incremental", "api_key_name", "api_key_location", "scope"),
    *("audience", "method", "body", "body_format", "variables", "error_path", "for_each"),
)
# What DuckDB may take; what it needs beside that is kept in a folder.
_MEMORY = "300MB"
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_MAY_BE_EMPTY = ("header", "quote", "final_newline", "skip_lines", "footer_lines")
# Text values are tested for where there are no more than this.
_MOST_ACCEPTED = 12
_LONGEST_ACCEPTED = 60
# So many rows tell how their lists and objects are built.
_MOST_SHAPED = 100
# What a model's YAML and dbt's templates cannot hold as it is.
_UNWRITABLE = re.compile(r"[{\x00\r\x7f-\x9f\u2028\u2029\ufffe\uffff]|\n\Z")


@dataclass(frozen=True)
class InspectedColumn:
    """One column of a source.

    Args:
        role: See `role_of`.
        tests: dbt tests that its data passes.
        accepted_values: Its values, if there are few.
        contract: What `ingestion.columns` is to say of it; nothing while its type is not known.
        nearly: The type that nearly all of its values have, which a few keep it from.
        shown: What more a page needs to know of it: see `page_facts`.
        shape: Of lists and objects how they are built: see `shape_of`.
    """

    profile: ColumnProfile
    role: str
    tests: tuple[str, ...]
    accepted_values: tuple[str, ...]
    contract: dict[str, Any]
    nearly: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    shape: Any = None

    def answer(self) -> dict[str, Any]:
        """The column as the template takes it."""
        answer: dict[str, Any] = {
            "name": self.profile.name,
            "identifier": self.profile.identifier,
            "type": self.profile.type,
            "role": self.role,
            "tests": list(self.tests),
        }
        if self.role == "measure":
            answer["aggregate"] = aggregate_of(self.profile.identifier)
        answer |= self.shown
        if self.accepted_values:
            answer["accepted_values"] = list(self.accepted_values)
        if self.profile.nested and self.shape is not None:
            answer["shape"] = self.shape
        if self.nearly:
            answer["nearly"] = self.nearly
        return {**answer, "contract": self.contract} if self.contract else answer


@dataclass(frozen=True)
class Inspection:
    """What is known of a source after looking at its data.

    Args:
        source: The settings of the source, those that its data asked for included.
        primary_key: Names of the columns that identify a row; empty if none was proven to.
        whole: Whether the rows that were looked at are all rows of the source.
        units: The units of columns, by name, where the source tells them.
        notes: What was left out, is uncertain, or has to be decided by a person.
    """

    source: dict[str, Any]
    columns: tuple[InspectedColumn, ...]
    primary_key: tuple[str, ...]
    rows: int
    whole: bool
    notes: tuple[str, ...]
    units: dict[str, str] = field(default_factory=dict)

    def answers(self) -> dict[str, Any]:
        """The answers to the template's questions; secrets in the location are variables in it."""
        url = str(self.source.get("url") or "")
        answers: dict[str, Any] = {
            "source_type": self.source["type"],
            # A plug-in's source, or one of a workflow's own, may be found by another key.
            **({"source_url": _without_secrets(url)} if url else {}),
            "primary_key": list(self.primary_key),
            "confirmed": [],
            "columns": [column.answer() for column in self.columns],
        }
        if "null_values" in self.source:
            answers["null_values"] = self.source["null_values"]
        if self.source.get("table"):
            answers["source_table"] = self.source["table"]
        for name in ("auth_type", "token_url"):
            if self.source.get(name):
                answers[name] = self.source[name]
        settings = {
            name: self.source[name]
            for name in _SETTINGS
            # That there is no header, or no sign for quotes, is said as well.
            if self.source.get(name) or (name in _MAY_BE_EMPTY and name in self.source)
        }
        if self.source["type"] == "api" and "data_path" in settings:
            answers["data_path"] = settings.pop("data_path")
        if settings:
            answers["source_settings"] = settings
        return answers

    def summary(self) -> str:
        """One line for a person: rows, columns, and what they are for."""
        rows = counted(self.rows, "row") + ("" if self.whole else " looked at")
        parts = [
            f"{rows}, {counted(len(self.columns), 'column')}",
            f"key: {', '.join(self.primary_key) or 'none'}",
        ]
        for role, title in (("date", "date"), ("measure", "measures"), ("category", "categories")):
            named = [column.profile.name for column in self.columns if column.role == role]
            if named:
                more = f" and {len(named) - 5} more" if len(named) > 5 else ""
                parts.append(f"{title}: {', '.join(named[:5])}{more}")
        return "; ".join(parts)


def inspect_source(source: dict[str, Any]) -> Inspection:
    """Look at a source's data: all of a file, the first 200,000 rows or 2,000 records of others.

    Args:
        source: ``ingestion.source`` as in config.yaml: ``type``, ``url``, and what else is needed
            to read it.

    Returns:
        What was found; whatever is uncertain is in its notes.

    Raises:
        SourceError: The source cannot be read.
        SourceDataError: It has no columns.
        SourceSettingError: A setting cannot be used.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="dataflow-") as name:
        folder = Path(name)
        try:
            with rows_looked_at(folder, _MEMORY):
                return inspect_sample(read_sample(source), source)
        except duckdb.OutOfMemoryException:
            # Then as much as DuckDB takes by itself.
            with rows_looked_at(folder, ""):
                return inspect_sample(read_sample(source), source)


def inspect_sample(sample: Sample, source: dict[str, Any]) -> Inspection:
    """Look at rows that were read of a source.

    Raises:
        SourceDataError: There are no columns.
    """
    if not sample.table.num_columns:
        raise SourceDataError(
            "The source has no rows and no columns to look at.",
            "Make the workflow without --source, or when there is data.",
        )
    names = list(sample.table.column_names)
    step_progress().begin(f"comparing {counted(sample.table.num_rows, 'row')}")
    with open_engine() as connection:
        looked_at = LookedAt(connection, sample.table)
        profiles = profile_columns(connection, names)
        different = looked_at.rows
        # Where one column differs in all rows, no two rows are the same.
        if not any(column.unique for column in profiles):
            different = looked_at.keep_different()
        repeated = looked_at.rows - different
        if repeated:
            profiles = profile_columns(connection, names)
        primary_key = find_primary_key(connection, profiles, repeated=repeated > 0)
        if repeated and not primary_key:
            # Rows that are the same each count where nothing says otherwise.
            different = looked_at.rows
            looked_at.keep_all()
            profiles = profile_columns(connection, names)
        step_progress().begin(f"asking about {counted(len(profiles), 'column')}")
        questions = Questions(connection)
        date = best_date(profiles) or best_period(questions, profiles)
        roles = questions.each(
            profiles, lambda column: role_of(questions, column, date, primary_key)
        )
        nearest = nearest_types(questions, profiles)
        types = [
            nearest[column.key].rule.type if column.key in nearest else "" for column in profiles
        ]
        # What a few values keep from a type is told of by those.
        plain = [column for column, kind in zip(profiles, types, strict=True) if not kind]
        notes = [
            *sample.notes,
            *notes_on_values(questions, plain),
            *notes_on_near_types(questions, profiles, nearest),
        ]
        shown = questions.together(lambda: page_facts(questions, profiles, roles, primary_key))
    if not sample.is_declared:
        profiles = [_with_room(column) for column in profiles]
    columns = [
        replace(_column(column, role, primary_key, sample), nearly=kind, shown=more)
        for column, role, kind, more in zip(profiles, roles, types, shown, strict=True)
    ]
    nearly = any(kind.startswith(("DATE", "TIMESTAMP")) for kind in types)
    if any(column.profile.nulls < column.profile.rows for column in columns):
        columns = [
            replace(column, contract={}) if _is_unknown(column, sample) else column
            for column in columns
        ]
    notes += notes_on_rows(
        profiles, date, primary_key, sample, different, repeated=repeated, nearly=nearly
    )
    return Inspection(
        source={**source, **sample.settings},
        columns=tuple(columns),
        primary_key=tuple(primary_key),
        rows=sample.table.num_rows,
        whole=sample.whole,
        notes=tuple(dict.fromkeys(notes)),
        units=sample.units,
    )


def _is_unknown(column: InspectedColumn, sample: Sample) -> bool:
    """Whether nothing tells a column's type: it has no value, and the source declares none."""
    if column.profile.nulls < column.profile.rows:
        return False
    # DuckDB calls a column of a file INTEGER that has no type at all, as pandas writes one of None.
    return not sample.is_declared or (sample.is_file and column.profile.type == "INTEGER")


def _with_room(column: ColumnProfile) -> ColumnProfile:
    """A column whose decimals may have more digits before the point than those of today."""
    digits = _DECIMAL.fullmatch(column.type)
    return replace(column, type=f"DECIMAL(38,{digits[1]})") if digits else column


def _column(
    column: ColumnProfile, role: str, primary_key: list[str], sample: Sample
) -> InspectedColumn:
    """What the data shows about a column, as tests; what only a part shows is not tested."""
    whole = sample.whole
    tests = ["unique"] if primary_key == [column.name] else []
    if column.nulls == 0 and column.rows and (whole or column.name in primary_key):
        tests.append("not_null")
    few = role == "category" and whole and column.distinct <= _MOST_ACCEPTED
    plain = all(
        len(value) <= _LONGEST_ACCEPTED and not _UNWRITABLE.search(value) for value in column.values
    )
    accepted = column.values if few and plain else ()
    tests += ["accepted_values"] if accepted else []
    contract: dict[str, Any] = {"type": written_type(column.type)}
    contract |= sample.written.get(column.name, {})
    if unit := sample.units.get(column.name):
        contract["unit"] = unit
    if (sample.may_lack_columns and column.nulls) or column.name.lower() in sample.lacking:
        contract["optional"] = True
    shape = None
    if column.nested:
        values = sample.table[column.name].slice(0, _MOST_SHAPED).to_pylist()
        shape = shape_of(sample.table.schema.field(column.name).type, values)
    return InspectedColumn(column, role, tuple(tests), accepted, contract, shape=shape)


def _without_secrets(url: str) -> str:
    """A location with its password and secret parameters as variables."""
    parts = urlsplit(url)
    if not parts.scheme or "://" not in url:
        return url
    netloc = parts.netloc
    if parts.password:
        user, host = quote(parts.username or "", safe=""), netloc.rpartition("@")[2]
        netloc = f"{user}:${{SOURCE_PASSWORD}}@{host}"
    query = parts.query
    pairs = parse_qsl(query, keep_blank_values=True)
    if any(_secret(key, value) for key, value in pairs):
        query = "&".join(
            f"{key}={_variable(key)}" if _secret(key, value) else urlencode({key: value})
            for key, value in pairs
        )
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))


def _secret(key: str, value: str) -> bool:
    return is_secret_key(key) and not value.startswith("${")


def _variable(key: str) -> str:
    name = "".join(sign if sign.isalnum() else "_" for sign in key).upper()
    return f"${{{name}}}"
