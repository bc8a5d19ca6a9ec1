"""JSON and JSON Lines files."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.sources.column_names import compared_name, distinct_names
from dataflow.sources.contract_match import agreed_texts, names_at_source
from dataflow.sources.duckdb_session import (
    NullValues,
    faults_told,
    nulls_of,
    open_engine,
    watching_files,
    without_nan,
)
from dataflow.sources.errors import SourceDataError
from dataflow.sources.exact_numbers import is_a_double, with_exact_numbers
from dataflow.sources.inference import BATCH_ROWS, TypedTable, type_dates
from dataflow.sources.local_file import size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb
    import pyarrow as pa

    from dataflow.shared.contract import Contract
    from dataflow.sources.local_file import LocalFile

_LARGEST_OBJECT = 64 << 20
# From here on a double does not hold every whole number.
_EXACT = 2.0**53
_FEW = 20_000
# Shorter texts have no more digits than every double holds.
_LONG = 16
_TOO_LONG = "whole numbers with more digits than a double holds"
# DuckDB makes dates of texts on its own terms: it drops time zones. A layout that no text has
# leaves the texts as they are, and `read_typed` looks at them.
_NO_DATES = "dateformat = 'no-date', timestampformat = 'no-timestamp'"


class NotObjectsError(SourceDataError):
    """JSON holds values that are not objects where rows should be."""


def read_documents(
    files: Sequence[LocalFile],
    null_values: NullValues = ("",),
    *,
    lines: bool = False,
    contract: Contract | None = None,
) -> TypedTable:
    """Read JSON files, each an array of objects, one object, or objects after one another.

    Columns are the keys of all objects; types are found on all of them. A key with values of
    several kinds becomes text, objects and lists in it as JSON. Nested values stay nested. Dates
    are made of top-level texts, and only where every one of them is a date; with a contract texts
    stay as they are, for it to say what they are.

    Numbers with more digits than a double holds come as texts, digit by digit.

    ``null_values`` are top-level texts that mean no value; an empty one stays as it is. With
    ``lines`` every line is an object.
    """
    with with_exact_numbers(files) as exact:
        typed = _read(exact, null_values, contract, lines=lines)
    if contract is not None or exact == list(files):
        return typed
    note = "There are numbers with more digits than a double holds: each digit of them is kept."
    return replace(typed, notes=[*typed.notes, note])


def _read(
    files: Sequence[LocalFile],
    null_values: NullValues,
    contract: Contract | None,
    *,
    lines: bool,
) -> TypedTable:
    paths = ", ".join(quote_literal(file.path) for file in files)
    always = (
        f"[{paths}], format = '{'newline_delimited' if lines else 'auto'}', "
        f"maximum_object_size = {_LARGEST_OBJECT}, compression = 'uncompressed'"
    )
    looked_at = (
        f"{always}, sample_size = -1, union_by_name = true, "
        f"map_inference_threshold = -1, field_appearance_threshold = 0, {_NO_DATES}"
    )
    with (
        open_engine() as connection,
        faults_told(lambda message: _fault(message, files)),
        watching_files(connection, size_of(files), is_whole=False),
    ):
        relation = connection.sql(f"FROM read_json({looked_at})")
        if relation.columns == ["json"] and not _are_records(connection, looked_at):
            _refuse_values(relation, files)
            return TypedTable(relation.limit(0).to_arrow_table().select([]), [])
        kinds = _kinds_found(relation)
        if kinds:
            # DuckDB would look through all of it for its types once more, at each step from here.
            relation = connection.sql(f"FROM read_json({always}, columns = {kinds}, {_NO_DATES})")
        fetched, table, notes = _fetch(relation, null_values)
        mixed = [*_mixed_within(relation, table), *_agreed_texts(relation, contract)]
        large = [name for name in _large(table) if name not in mixed]
        if mixed or large:
            texts: dict[str, pa.ChunkedArray] = {}
            for part in _by_keys(relation.columns, [*mixed, *large]):
                as_json = _columns(dict.fromkeys(part, "JSON"))
                whole = connection.sql(f"FROM read_json({always}, columns = {as_json})")
                _, came, _ = _fetch(whole, null_values)
                texts |= {name: came[key] for key, name in part.items()}
            exact = [name for name in large if _are_doubles(texts[name])]
            large = [name for name in large if name not in exact]
            for name in texts.keys() - set(exact):
                place = table.column_names.index(name)
                table = table.set_column(place, name, texts[name])
            notes += [f"Column {name!r} has values of several kinds; it is text." for name in mixed]
            notes += [f"Column {name!r} is text: it has {_TOO_LONG}." for name in large]
            mixed += large
        if contract is not None:
            # It says itself where a value is not of its column's type.
            told_of = _nested_texts(relation, table, contract)
            table = _joined_by_case(table, contract)
            return TypedTable(table.rename_columns(_names(table.column_names, contract)), told_of)
        typed = type_dates(connection, table, None if mixed else fetched)
        return replace(typed, notes=notes + typed.notes)


def _kinds_found(relation: duckdb.DuckDBPyRelation) -> str:
    """The columns of JSON as an argument to read it by; empty where they must be found again.

    Keys that differ by case only are called ``id`` and ``ID_1``, by which they are not found.
    """
    names = [name.lower() for name in relation.columns]
    told_apart = [re.fullmatch(r"(.*)_\d+", name, re.DOTALL) for name in names]
    if "" in names or any(made and made[1] in names for made in told_apart):
        return ""
    return _columns(dict(zip(relation.columns, map(str, relation.types), strict=True)))


def _joined_by_case(table: pa.Table, contract: Contract) -> pa.Table:
    """A table whose records write an agreed key in several ways: each has its value once.

    Where a record has two of them, or day one had, they are columns of their own.
    """
    agreed = names_at_source(contract)
    spelled: dict[str, list[str]] = {}
    for name, key in zip(table.column_names, _keys(table.column_names), strict=True):
        spelled.setdefault(key.lower(), []).append(name)
    for key, names in spelled.items():
        if len(names) == 1:
            continue
        own = [name for name in agreed if name.lower() == key]
        made = [name for name in agreed if re.fullmatch(rf"{re.escape(key)}_\d+", name.lower())]
        if len(own) != 1 or made:
            continue
        joined = _one_of_each(table.select(names))
        if joined is not None:
            place = table.column_names.index(names[0])
            table = table.set_column(place, own[0], joined).drop_columns(names[1:])
    return table


def _one_of_each(columns: pa.Table) -> pa.ChunkedArray | None:
    """The value that each row has in one of its columns; None if a row has several."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {column.type for column in columns.columns}
    if len(kinds) > 1 and any(map(pa.types.is_nested, kinds)):
        return None
    each = [column if len(kinds) == 1 else column.cast(pa.string()) for column in columns.columns]
    joined = pc.coalesce(*each)
    values = sum(len(column) - column.null_count for column in each)
    return joined if len(joined) - joined.null_count == values else None


def _names(found: Sequence[str], contract: Contract) -> Sequence[str]:
    """The names of columns by what was agreed, for keys that differ by case only.

    DuckDB calls the first of them by its key, whatever their order is today.
    """
    keys = _keys(found)
    return distinct_names(keys, names_at_source(contract))[0] if keys != list(found) else found


def _keys(names: Sequence[str]) -> list[str]:
    """The keys that columns were made of: ``Id`` of ``Id_1`` beside ``id``."""
    lower = {name.lower() for name in names}
    made = [re.fullmatch(r"(.+)_\d+", name, re.DOTALL) for name in names]
    return [
        each[1] if each and each[1].lower() in lower and each[1] not in names else name
        for name, each in zip(names, made, strict=True)
    ]


def _by_keys(names: Sequence[str], wanted: Sequence[str]) -> list[dict[str, str]]:
    """Columns by their keys, in parts in which no two keys differ by case only."""
    keys = dict(zip(names, _keys(names), strict=True))
    alone = {keys[name]: name for name in wanted if keys[name] == name}
    others = [{keys[name]: name} for name in wanted if keys[name] != name]
    return [part for part in (alone, *others) if part]


def _columns(kinds: Mapping[str, str]) -> str:
    each = (f"{quote_literal(name)}: {quote_literal(kind)}" for name, kind in kinds.items())
    return f"{{{', '.join(each)}}}"


def _are_records(connection: duckdb.DuckDBPyConnection, looked_at: str) -> bool:
    """Whether ``json`` is the key of objects: DuckDB calls a column of other values so, too."""
    import duckdb

    with suppress(duckdb.BinderException):
        connection.sql(f"FROM read_json({looked_at}, records = 'true')")
        return True
    return False


def _refuse_values(relation: duckdb.DuckDBPyRelation, files: Sequence[LocalFile]) -> None:
    """Refuse JSON without objects; a file that holds nothing has no rows."""
    if str(relation.types[0]) != "JSON" or relation.limit(1).fetchone():
        raise NotObjectsError(
            f"{files[0].shown} holds values that are not objects.",
            "Each row must be a JSON object, whose keys are the names of the columns; or, if each "
            "is a list of values, set `ingestion.source.records` to rows.",
        )


def _fetch(
    relation: duckdb.DuckDBPyRelation, null_values: NullValues
) -> tuple[duckdb.DuckDBPyRelation, pa.Table, list[str]]:
    """What is fetched, the table that comes, and what a person should know."""
    notes = []
    columns = []
    for name, kind in zip(relation.columns, map(str, relation.types), strict=True):
        value = quote_identifier(name)
        # JSON has a null of its own: an empty text in it is an empty text.
        nulls = ", ".join(quote_literal(text) for text in nulls_of(null_values, name) if text)
        if kind == "JSON":
            value = f"{value}->>'$'"
            notes.append(name)
        if kind in ("JSON", "VARCHAR") and nulls:
            value = f"CASE WHEN {value} NOT IN ({nulls}) THEN {value} END"
        columns.append(f"{value} AS {quote_identifier(name)}")
    relation = without_nan(relation.project(", ".join(columns)), null_values)
    table = relation.to_arrow_table(batch_size=BATCH_ROWS)
    mixed = [name for name in notes if table[name].null_count < table.num_rows]
    told = [f"Column {name!r} has values of several kinds; it is text." for name in mixed]
    return relation, table, told


def _large(table: pa.Table) -> list[str]:
    """The columns of fractions with numbers so large that not every whole one is a double."""
    columns = zip(table.column_names, table.columns, strict=True)
    return [
        name
        for name, column in columns
        if str(column.type) == "double" and _largest(column) >= _EXACT
    ]


def _are_doubles(texts: pa.ChunkedArray) -> bool:
    """Whether doubles are all numbers that texts write, as far as they are numbers."""
    values = (value for value in texts.to_pylist() if value is not None)
    return all(is_a_double(value) for value in values if len(value) >= _LONG)


def _nested_texts(
    relation: duckdb.DuckDBPyRelation, table: pa.Table, contract: Contract
) -> list[str]:
    """Notes on columns that are text by their contract and have lists or objects."""
    agreed = agreed_texts(contract)
    kinds = zip(relation.columns, relation.types, strict=True)
    return [
        f"Column {name!r} is text by its contract and has lists or objects: they are loaded as the "
        "text of their JSON."
        for name, kind in kinds
        if compared_name(name) in agreed
        and (kind.id in ("list", "struct") or (str(kind) == "JSON" and _has_nested(table[name])))
    ]


def _has_nested(texts: pa.ChunkedArray) -> bool:
    for value in texts.to_pylist():
        if value is not None and value[:1] in ("[", "{"):
            with suppress(ValueError):
                json.loads(value)
                return True
    return False


def _largest(column: Any) -> float:
    """How far from zero a column of fractions comes; 0 without values."""
    if len(column) <= _FEW:
        # To import what does it for many takes longer.
        values = (abs(value) for value in column.to_pylist() if value is not None)
        return max(filter(isfinite, values), default=0.0)
    import pyarrow.compute as pc

    return float(pc.max(pc.filter(pc.abs(column), pc.is_finite(column))).as_py() or 0.0)


def _mixed_within(relation: duckdb.DuckDBPyRelation, table: pa.Table) -> list[str]:
    """The columns with lists or objects in which values of several kinds stand.

    DuckDB has each of those values as a JSON text, in which "1" is other than 1.
    """
    kinds = zip(relation.columns, relation.types, strict=True)
    return [
        name
        for name, kind in kinds
        if kind.id in ("list", "struct")
        and any(_holds_json(kind, chunk) for chunk in table[name].chunks)
    ]


def _agreed_texts(relation: duckdb.DuckDBPyRelation, contract: Contract | None) -> list[str]:
    """The columns of fractions that are text by their contract: beside 1.5 the text of 5 is 5."""
    agreed = agreed_texts(contract)
    kinds = zip(relation.columns, relation.types, strict=True)
    return [name for name, kind in kinds if str(kind) == "DOUBLE" and compared_name(name) in agreed]


def _holds_json(kind: Any, array: Any) -> bool:
    if str(kind) == "JSON":
        # Where there are nothing but nulls, DuckDB knows no kind at all.
        return int(array.null_count) < len(array)
    if kind.id == "list":
        return _holds_json(kind.children[0][1], array.flatten())
    if kind.id == "struct":
        return any(
            _holds_json(child, field)
            for (_, child), field in zip(kind.children, array.flatten(), strict=True)
        )
    return False


def _number(place: re.Match[str]) -> str:
    """Which line or value is meant: of those that are no JSON DuckDB names the next one."""
    number = int(place[1].replace(",", ""))
    return f"{number - 1 if place[0].startswith('at byte') and number > 1 else number:,}"


def _fault(message: str, files: Sequence[LocalFile]) -> SourceDataError:
    """DuckDB's error in our words: which file, where in it, what is wrong, what to do."""
    file = next((file for file in files if str(file.path) in message), files[0])
    place = re.search(r"(?:at byte [\d,]+ )?in (?:line|record/value) ([\d,]+): (.*)", message)
    what = (
        place[2] if place else message.strip().splitlines()[0].replace(str(file.path), file.shown)
    )
    unit = "line" if place and "in line" in place[0] else "value"
    where = f"{file.shown}, {unit} {_number(place)}" if place else file.shown
    if twice := re.search(r'has duplicate key "(.*)"', message):
        return SourceDataError(
            f"{where}: an object has the key {quoted(twice[1])} twice.",
            "Correct the file: which of the two values is meant cannot be told.",
        )
    if "maximum_object_size" in message:
        return SourceDataError(
            f"{where}: an object is larger than {_LARGEST_OBJECT >> 20} MiB.",
            "Split it, or read it with code of your own in ingestion.py.",
        )
    if "unicode" in message.lower() or "utf-8" in message.lower():
        return SourceDataError(
            f"{where}: the file is not in UTF-8.",
            "Save it as UTF-8, or set `ingestion.source.encoding`.",
        )
    return SourceDataError(
        f"{where}: {what}", "Correct the file, or set `ingestion.source.format`."
    )
