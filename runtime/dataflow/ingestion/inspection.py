"""Looking at a source, to start a workflow from its data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from dataflow.ingestion.address import source_from_location
from dataflow.ingestion.aggregation import aggregate_of
from dataflow.ingestion.engine import open_engine
from dataflow.ingestion.errors import SourceDataError
from dataflow.ingestion.null_markers import find_null_markers
from dataflow.ingestion.primary_key import find_primary_key
from dataflow.ingestion.profile import ColumnProfile, profile_columns
from dataflow.ingestion.roles import best_date, role_of
from dataflow.ingestion.sample import Sample, read_sample
from dataflow.shared.redaction import is_secret_key

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["InspectedColumn", "Inspection", "inspect_source", "source_from_location"]

_PARAMETERS = {"batch_size": 100, "max_retries": 3, "timeout_seconds": 30}
# Text values are tested for where there are no more than this.
_MOST_ACCEPTED = 12
_LONGEST_ACCEPTED = 60
# What a model's YAML and dbt's templates cannot hold as it is.
_UNWRITABLE = re.compile(r"[{\x00\r\x7f-\x9f\u2028\u2029\ufffe\uffff]|\n\Z")


@dataclass(frozen=True)
class InspectedColumn:
    """A column, and what it is for.

    Args:
        profile: What its values are like.
        role: See ``dataflow.ingestion.roles.role_of``.
        tests: dbt tests that the data passes.
        accepted_values: All values of a text column, if they are few.
    """

    profile: ColumnProfile
    role: str
    tests: tuple[str, ...]
    accepted_values: tuple[str, ...]

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
        if self.accepted_values:
            answer["accepted_values"] = list(self.accepted_values)
        return answer


@dataclass(frozen=True)
class Inspection:
    """What is known of a source after looking at its data.

    Args:
        source: The settings of the source, as far as they were given.
        columns: Its columns, in their order.
        primary_key: Names of the columns that identify a row; empty if none was proven to.
        null_values: Texts that mean that there is no value.
        rows: How many rows were looked at.
        whole: Whether these are all rows of the source.
        notes: What was left out, is uncertain, or has to be decided by a person.
    """

    source: dict[str, Any]
    columns: tuple[InspectedColumn, ...]
    primary_key: tuple[str, ...]
    null_values: tuple[str, ...]
    rows: int
    whole: bool
    notes: tuple[str, ...]

    def answers(self) -> dict[str, Any]:
        """The answers to the template's questions; secrets in the location are variables in it."""
        answers: dict[str, Any] = {
            "source_type": self.source["type"],
            "source_url": _without_secrets(self.source["url"]),
            "primary_key": list(self.primary_key),
            "columns": [column.answer() for column in self.columns],
        }
        if self.source["type"] == "file":
            answers["null_values"] = list(self.null_values)
        for setting, question in (("table", "source_table"), ("data_path", "data_path")):
            if self.source.get(setting):
                answers[question] = self.source[setting]
        if self.source.get("auth_type"):
            answers["auth_type"] = self.source["auth_type"]
        return answers

    def summary(self) -> str:
        """One line for a person: rows, columns, and what they are for."""
        parts = [
            f"{self.rows:,} rows{'' if self.whole else ' looked at'}, {len(self.columns)} columns",
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
    sample = read_sample(source, _PARAMETERS)
    null_values = [""] if source.get("null_values") is None else list(source["null_values"])
    notes: list[str] = []
    if not sample.table.num_columns:
        raise SourceDataError(
            "The source has no rows and no columns to look at.",
            "Make the workflow without --source, or when there is data.",
        )
    if source["type"] == "file":
        markers = _markers(sample.table)
        if markers:
            found = sorted({marker for of_column in markers.values() for marker in of_column})
            null_values += [marker for marker in found if marker not in null_values]
            where = ", ".join(f"{' '.join(m)!r} in {name}" for name, m in markers.items())
            notes.append(f"Read as no value: {where}; see `null_values`.")
            notes += _lost_to_markers(sample.table, markers, found)
            sample = read_sample({**source, "null_values": null_values}, _PARAMETERS)
    return _inspected(source, sample, null_values, [*notes, *sample.notes])


def _inspected(
    source: dict[str, Any], sample: Sample, null_values: list[str], notes: list[str]
) -> Inspection:
    names = list(sample.table.column_names)
    with open_engine() as connection:
        rows = _register(connection, sample.table)
        profiles = profile_columns(connection, names)
        primary_key = find_primary_key(connection, profiles)
        date = best_date(profiles)
        roles = [role_of(connection, column, date, primary_key) for column in profiles]
    columns = [
        _column(column, role, primary_key, sample.whole)
        for column, role in zip(profiles, roles, strict=True)
    ]
    notes += _remarks(columns, primary_key, sample, rows)
    if (written := _without_secrets(source["url"])) != source["url"]:
        notes.append(f"Secrets in the location are written as variables, to be set: {written}")
    return Inspection(
        source=source,
        columns=tuple(columns),
        primary_key=tuple(primary_key),
        null_values=tuple(null_values),
        rows=rows,
        whole=sample.whole,
        notes=tuple(dict.fromkeys(notes)),
    )


def _register(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> int:
    """Make the different rows of a table the relation ``data``; say how many they are."""
    from dataflow.shared.tables import to_arrow
    from dataflow.transformation.duplicates import first_occurrences

    table = to_arrow(table)
    keep = first_occurrences(table)
    table = table if keep is None else table.take(keep)
    keys = [f"c{index}" for index in range(table.num_columns)]
    connection.register("data", table.rename_columns(keys))
    return int(table.num_rows)


def _markers(table: pa.Table) -> dict[str, list[str]]:
    with open_engine() as connection:
        names = list(table.column_names)
        _register(connection, table)
        return find_null_markers(connection, profile_columns(connection, names))


def _lost_to_markers(table: pa.Table, markers: dict[str, list[str]], found: list[str]) -> list[str]:
    """Notes on other columns in which a marker occurs, and may be a value like any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    notes = []
    for name in table.column_names:
        column = table[name]
        if name in markers or not pa.types.is_string(column.type):
            continue
        count = pc.sum(pc.is_in(column, pa.array(found))).as_py() or 0
        if count:
            notes.append(
                f"{name!r} has one of these texts in {count:,} rows, which are then without a "
                "value too; if it is a value there, correct `null_values`."
            )
    return notes


def _column(
    column: ColumnProfile, role: str, primary_key: list[str], whole: bool
) -> InspectedColumn:
    """What the data shows about a column, as tests; what only a part shows is not tested."""
    tests = ["unique"] if primary_key == [column.name] else []
    if column.nulls == 0 and column.rows and (whole or column.name in primary_key):
        tests.append("not_null")
    few = role == "category" and whole and column.distinct <= _MOST_ACCEPTED
    plain = all(
        len(value) <= _LONGEST_ACCEPTED and not _UNWRITABLE.search(value) for value in column.values
    )
    accepted = column.values if few and plain else ()
    return InspectedColumn(
        column, role, (*tests, *(["accepted_values"] if accepted else [])), accepted
    )


def _remarks(
    columns: list[InspectedColumn], primary_key: list[str], sample: Sample, rows: int
) -> list[str]:
    """What a person should know about the conclusions."""
    looked = f"all {rows:,} rows" if sample.whole else f"the first {rows:,} rows"
    notes = []
    if sample.table.num_rows > rows:
        twice = sample.table.num_rows - rows
        notes.append(f"{twice:,} rows are the same as another; `remove_duplicates` drops them.")
    if not sample.whole:
        notes.append(
            f"Only {looked} were looked at; types may turn out wider, and nothing but the key is "
            "tested."
        )
    if primary_key:
        notes.append(f"{' and '.join(primary_key)} differ in {looked}: proposed as primary key.")
    else:
        notes.append(
            f"No column and no pair of columns was found to identify the rows in {looked}: there "
            "is no primary key, which `merge` would need."
        )
    if not any(column.role == "date" for column in columns):
        notes.append("There is no column with dates or times, so there is no time series.")
    for column in columns:
        notes += _remarks_on(column.profile)
    return notes


def _remarks_on(column: ColumnProfile) -> list[str]:
    notes = []
    if column.rows and column.nulls == column.rows:
        notes.append(f"{column.name!r} has no value at all, so its type is not known.")
    if column.nested:
        notes.append(f"{column.name!r} is nested; the staging model has it as JSON.")
    if column.name.lower() == "processed_at":
        notes.append(
            f"{column.name!r} is also the name of the column that `add_timestamps` adds: turn that "
            "off in config.yaml."
        )
    letters = sum(sign.isalpha() for sign in column.name)
    ascii_letters = sum(sign.isascii() and sign.isalpha() for sign in column.name)
    if ascii_letters * 2 < letters or column.identifier.startswith("column_"):
        notes.append(f"{column.name!r} is called {column.identifier} in SQL.")
    return notes


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
