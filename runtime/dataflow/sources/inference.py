"""Tables with types: those of text columns are found by looking at every value.

DuckDB decides a CSV column's type on a sample and then casts the rest, which turns ``1.5`` into 2,
``007`` into 7 and a time stamp into its date without a word when the sample happened to hold
nothing of the kind. Here a type is used only if every value of the column survives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.shown import shortened
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.sources.contract_check import Conformed, conform
from dataflow.sources.kept_rows import found_rows_of
from dataflow.sources.kept_rules import Kept, rules_kept, same_rules_kept
from dataflow.sources.numbered_names import is_numbered, look_numbered
from dataflow.sources.type_rules import (
    COMMA_IS_POINT,
    DATE_RULES,
    DOUBLE,
    EXACT,
    RULES,
    TEXT,
    Rule,
    fitted,
    trimmed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from dataflow.shared.contract import Contract
    from dataflow.sources.kept_rows import KeptRows

# Batches of this many rows keep long texts below the 2 GiB that Arrow allows a batch.
BATCH_ROWS = 122_880
# Rows that the first guess is made on. The guess is then held to all of them.
_FIRST_LOOK = 50
_SAMPLE = 20_000
_BYTES_OF_VALUE = 48
# So many rows are fetched twice in less time than pandas takes to be imported.
_AGAIN = 250_000
_MISFIT = "dataflow: a value does not fit the type"


@dataclass(frozen=True)
class TypedTable:
    """A table with types, and what a person should know about how they came about.

    Args:
        written: How the values of columns are written, where that was found out: the keys
            ``format``, ``decimal`` and ``thousands`` of a contract's column, by column.
        conformed: What was read by a contract, if there is one.
        lacking: Columns that some of the files lack, in lower case.
    """

    table: KeptRows
    notes: list[str]
    written: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conformed: Conformed | None = None
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Column:
    """One text column, and what the values seen so far say about it.

    Args:
        key: Its name in the relation.
        name: Its real name.
        rules: The rules that every value keeps, the narrowest first.
        seen: Whether there was any value.
        padded: Whether a value has blanks around it.
        guess: The rule that the sample spoke for.
    """

    key: str
    name: str
    rules: tuple[Rule, ...]
    seen: bool = False
    padded: bool = True
    guess: Rule | None = None

    @property
    def text(self) -> str:
        return trimmed(self.key) if self.padded else self.key

    @property
    def rivals(self) -> tuple[Rule, ...]:
        """The rules between which the values do not decide."""
        first = self.rules[:1]
        return first + tuple(rule for rule in self.rules if first and rule.label == first[0].rival)

    @property
    def deciding(self) -> tuple[Rule, ...]:
        """The rules on which the type and the notes depend while the first of them is kept."""
        others = tuple(
            rule for rule in self.rules if rule is COMMA_IS_POINT and self.rules[0] is DOUBLE
        )
        return self.rivals + others

    @property
    def rule(self) -> Rule:
        decided = self.seen and len(self.rivals) == 1
        return self.rules[0] if decided else TEXT


def read_typed(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    names: Sequence[str],
    rules: Sequence[Rule] = RULES,
    contract: Contract | None = None,
) -> TypedTable:
    """Read a relation whose columns are all text: by a contract, or with types that are found out.

    Without a contract each column gets the narrowest type that is exact.

    The relation is read once if its first rows are like all others, and a few times more if not.

    ``relation`` is what may stand after FROM; its columns are ``c0``, ``c1`` and so on, all text,
    and ``names`` are their real names. ``rules`` are the types to try, the narrowest first.

    Raises:
        SourceDataError: The rows are not as the contract says.
        duckdb.Error: The relation cannot be read.
    """
    import duckdb

    if contract is not None:
        conformed = conform(connection, relation, names, contract)
        return TypedTable(conformed.table, conformed.notes, conformed=conformed)
    # The sample is held while the rest is read.
    limit_memory(connection, extra=_SAMPLE * len(names) * _BYTES_OF_VALUE >> 20)
    sample = f"(FROM {relation} LIMIT {_SAMPLE})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE dataflow_sample AS FROM {sample}")
    columns = [_Column(f"c{i}", name, tuple(rules)) for i, name in enumerate(names)]
    columns = _first_look(connection, columns, rules)
    columns = _narrow(connection, "dataflow_sample", columns)
    columns = [replace(column, guess=column.rule) for column in columns]
    undecided = [column for column in columns if column.rules and column.rule is TEXT]
    decided = {column.key: column for column in _decide(connection, relation, undecided)}
    columns = _consistent([decided.get(column.key, column) for column in columns])
    columns, told = _numbered(columns)
    columns = _fitted(connection, relation, columns)
    try:
        table = _cast(connection, relation, columns)
    except duckdb.Error as error:
        if _MISFIT not in str(error) and not isinstance(error, duckdb.ConversionException):
            raise
        columns = _consistent(_narrow(connection, relation, columns))
        columns, more = _numbered(columns)
        told += more
        columns = _fitted(connection, relation, columns)
        table = _cast(connection, relation, columns)
    notes = [note for column in columns for note in _notes(connection, relation, column)]
    notes += told + _may_be_numbered(connection, columns)
    written = {column.name: column.rule.written for column in columns if column.rule.written}
    return TypedTable(table, notes, written)


def type_dates(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    source: duckdb.DuckDBPyRelation | None = None,
) -> TypedTable:
    """Give those text columns of a table that hold dates or times their type.

    Columns of other types, and texts that look like numbers, stay. ``source`` is what the table was
    fetched from, if it is still there as it was.
    """
    texts = [field.name for field in table.schema if str(field.type) in ("string", "large_string")]
    if not texts:
        return TypedTable(table, [])
    renamed = table.select(texts).rename_columns([f"c{index}" for index in range(len(texts))])
    with _relation_of(connection, renamed, texts, source) as relation:
        typed = read_typed(connection, relation, texts, DATE_RULES)
    for name in texts:
        table = table.set_column(table.column_names.index(name), name, typed.table[name])
    return TypedTable(table, typed.notes, typed.written)


@contextmanager
def _relation_of(
    connection: duckdb.DuckDBPyConnection,
    texts: pa.Table,
    names: Sequence[str],
    source: duckdb.DuckDBPyRelation | None,
) -> Iterator[str]:
    """What may stand after FROM for a table of texts.

    DuckDB's look at an Arrow table makes pyarrow import pandas, which takes longer than the types
    of a few rows do, or than to fetch some more of them again.
    """
    if source is not None and _SAMPLE < texts.num_rows <= _AGAIN:
        columns = (f"{quote_identifier(name)} AS c{place}" for place, name in enumerate(names))
        source.project(", ".join(columns)).create("dataflow_texts")
        yield "dataflow_texts"
        return
    if texts.num_rows > _SAMPLE:
        connection.register("dataflow_texts", texts)
        yield "dataflow_texts"
        return
    import pyarrow.parquet as pq

    with TemporaryDirectory(prefix="dataflow-") as folder:
        path = Path(folder, "texts.parquet")
        pq.write_table(texts, path, compression="none")
        yield f"read_parquet({quote_literal(path)})"


def _first_look(
    connection: duckdb.DuckDBPyConnection, columns: list[_Column], rules: Sequence[Rule]
) -> list[_Column]:
    """Drop from each column the rules that one of the first values breaks: most of them."""
    first = f"(FROM dataflow_sample LIMIT {_FIRST_LOOK})"
    keys = [column.key for column in columns]
    found = same_rules_kept(connection, first, keys, rules) if keys else []
    return [_with(column, kept) for column, kept in zip(columns, found, strict=True)]


def _narrow(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: list[_Column]
) -> list[_Column]:
    """Drop from each column the rules that a value of the relation breaks.

    Where the first rule is kept, others that make no difference then are not looked at, and stay.
    """
    found = rules_kept(connection, relation, [(one.key, one.deciding) for one in columns])
    fallen = [
        column
        for column, kept in zip(columns, found, strict=True)
        if column.rules and column.rules[0] not in kept.rules
    ]
    rest = rules_kept(connection, relation, [(column.key, column.rules) for column in fallen])
    again = {column.key: kept for column, kept in zip(fallen, rest, strict=True)}
    narrowed = []
    for column, kept in zip(columns, found, strict=True):
        others = tuple(
            rule for rule in column.rules if rule in kept.rules or rule not in column.deciding
        )
        sure = again.get(column.key) or replace(kept, rules=others)
        narrowed.append(_with(column, sure))
    return narrowed


def _decide(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: list[_Column]
) -> list[_Column]:
    """Drop rules of columns for which the sample was not enough: it had no value, or rivals."""
    unseen = [column for column in columns if not column.seen]
    counted = rules_kept(connection, relation, [(column.key, ()) for column in unseen])
    known = {column.key: column for column in columns}
    for column, kept in zip(unseen, counted, strict=True):
        if not kept.seen:
            # Nothing speaks against any rule, nor for one.
            known[column.key] = _with(column, replace(kept, rules=column.rules))
            continue
        first = f"(FROM {relation} WHERE {column.key} IS NOT NULL LIMIT {_FIRST_LOOK})"
        (begin,) = same_rules_kept(connection, first, [column.key], column.rules)
        known[column.key] = _with(column, begin)
    left = [column for column in known.values() if column.seen and column.rules]
    return [*known.values(), *_narrow(connection, relation, left)]


def _with(column: _Column, kept: Kept) -> _Column:
    return replace(column, rules=kept.rules, seen=kept.seen, padded=kept.padded)


def _consistent(columns: list[_Column]) -> list[_Column]:
    """Where commas are decimal marks in one column, points part thousands in the others.

    So 1.234 is a thousand and more where all numbers of a column can be read so.
    """
    if not any(column.rule is COMMA_IS_POINT for column in columns):
        return columns
    return [
        replace(column, rules=(COMMA_IS_POINT,), guess=COMMA_IS_POINT)
        if column.rule is DOUBLE and COMMA_IS_POINT in column.rules
        else column
        for column in columns
    ]


def _numbered(columns: list[_Column]) -> tuple[list[_Column], list[str]]:
    """The columns, those of versions and the like as text, and a note on each of these."""
    result, notes = [], []
    for column in columns:
        if column.rule in (DOUBLE, EXACT) and is_numbered(column.name):
            column = replace(column, rules=(), guess=None)
            notes.append(
                f"Column {column.name!r} is text: of what is numbered so, 1.10 is another than "
                "1.1. If its values are numbers, set it to `{type: double}` in `ingestion.columns`."
            )
        result.append(column)
    return result, notes


def _may_be_numbered(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[_Column]
) -> list[str]:
    """Notes on the columns of numbers that may be versions by the sample's values."""
    numbers = [column for column in columns if column.rule is DOUBLE]
    found = look_numbered(connection, "dataflow_sample", [column.text for column in numbers])
    return [
        f"Column {column.name!r} is number (DOUBLE), so that 1.10 is 1.1 in it: if it has versions "
        "or the like, set it to `{type: text}` in `ingestion.columns`."
        for column, is_one in zip(numbers, found, strict=True)
        if is_one
    ]


def _fitted(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: list[_Column]
) -> list[_Column]:
    """The columns, those of exact numbers with the type that holds the digits of all values."""
    return [
        _fit(connection, relation, column) if column.rule.exact else column for column in columns
    ]


def _fit(connection: duckdb.DuckDBPyConnection, relation: str, column: _Column) -> _Column:
    bare = column.rule.bare.replace("{x}", column.text)
    plain = f"regexp_replace({bare}, '[^0-9.]', '', 'g')"
    parts = [f"strlen(split_part({plain}, '.', {part}))" for part in (1, 2)]
    row: Any = connection.execute(
        f"SELECT max({parts[0]}), max({parts[1]}) FROM {relation}"  # noqa: S608
    ).fetchone()
    rule = fitted(column.rule, row[0] or 0, row[1] or 0)
    if rule is None:
        # DuckDB's decimals hold 38 digits.
        return replace(column, rules=(), guess=column.rule)
    return replace(column, rules=(rule,), guess=rule if column.guess is column.rule else None)


def _cast(connection: duckdb.DuckDBPyConnection, relation: str, columns: list[_Column]) -> KeptRows:
    """Read the relation with each column in its type; fail if a value breaks its column's rule."""
    parts = []
    for column in columns:
        if column.rule is TEXT:
            parts.append(column.key)
            continue
        # The message must not be a constant: DuckDB would work it out, and fail, at once.
        failure = f"error('{_MISFIT}' || {column.key})"
        parts.append(f"{column.rule.strict_cast(column.text, failure)} AS {column.key}")
    query = f"SELECT {', '.join(parts)} FROM {relation}"  # noqa: S608
    return found_rows_of(connection, query, [column.name for column in columns])


def _notes(connection: duckdb.DuckDBPyConnection, relation: str, column: _Column) -> list[str]:
    if column.seen and len(column.rivals) > 1:
        ways = [rule.label for rule in column.rivals]
        read = f"its values may each be a {' or a '.join(ways)}"
        if "format" in column.rivals[0].written:
            read = f"its dates may be {' or '.join(ways)}"
        return [f"Column {column.name!r} is text: {read}."]
    if column.rule is DOUBLE and COMMA_IS_POINT in column.rules:
        told = "1.234 is one and a bit in it; if points part thousands, set `thousands: '.'`"
        return [f"Column {column.name!r} is number (DOUBLE): {told}."]
    if column.rule.example:
        told = f"each value is a {column.rule.label} ({column.rule.example})"
        return [f"Column {column.name!r} is number ({column.rule.type}): {told}."]
    if column.guess is None or column.guess in (TEXT, column.rule):
        return []
    broken = f"NOT {column.guess.check(trimmed(column.key))}"
    misfit: Any = connection.execute(
        f"SELECT n, {column.key} FROM (SELECT row_number() OVER () AS n, {column.key} "  # noqa: S608
        f"FROM {relation}) WHERE {broken} ORDER BY n LIMIT 1"
    ).fetchone()
    if misfit is None:
        return [f"Column {column.name!r} is text: its numbers have more than 38 digits."]
    number, value = misfit
    was, now = column.guess, column.rule
    found = f"row {number:,} has {shortened(value, 40)!r}, which is no {was.label} ({was.type})"
    return [f"Column {column.name!r} is {now.label} ({now.type}): {found}."]
