"""Columns that are nearly of another type: which values stand in the way, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import written_type
from dataflow.shared.shown import shortened
from dataflow.shared.sql import quote_literal
from dataflow.sources.type_rules import DOUBLE, RULES, TEXT, Rule

if TYPE_CHECKING:
    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

# A column of so many values, nearly all of one type, is meant to be of it.
_FEWEST = 10
_MOST_MISFITS = 0.05
# Where more than half of the values are of a type, a person should know which is not.
_FEWEST_TOLD = 3
# The type is guessed on the first values; only that one is looked for in all.
_FIRST = 1000
# Numbers that stand for a missing one where they are far from all others.
_SENTINELS = (-1, -9, -99, -999, -9999, -99999, 999, 9999, 99999, 999999)
_LONGEST = 40
# Days since 1900 of the years from 1990 to 2079, as spreadsheets count them.
_FIRST_DAY, _LAST_DAY = 32874, 65745
_GROUPED = (
    (",", ",", "commas"),
    (" ", "[ \u00a0\u202f]", "blanks"),
    ("'", "['\u2019]", "apostrophes"),
)
_DAYS = frozenset(("date", "day", "datum", "tag", "fecha", "dia", "data", "giorno", "jour", "dag"))
_PHONES = frozenset(("phone", "tel", "telephone", "fax", "mobile", "code", "number", "no", "iban"))


def notes_on_near_types(
    connection: duckdb.DuckDBPyConnection, profiles: list[ColumnProfile]
) -> list[str]:
    """Notes on columns that all but a few values, or another way of writing, keep from a type."""
    notes = []
    for column in profiles:
        if column.text and column.distinct and column.longest <= _LONGEST:
            note = _grouped(connection, column) or _bracketed(connection, column)
            notes.append(note or _nearly(connection, column))
        elif column.whole or column.fractional:
            notes.append(_sentinel(connection, column) or _day_numbers(connection, column))
    return [note for note in notes if note]


def nearest_type(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    """The type of nearly all values of a text column; empty if there is none."""
    found = _nearest(connection, column) if column.text and column.longest <= _LONGEST else None
    return found[0].type if found else ""


def _nearest(
    connection: duckdb.DuckDBPyConnection, column: ColumnProfile
) -> tuple[Rule, int, int] | None:
    """The type that most values have, how many have it, and how many there are."""
    rules = [rule for rule in RULES if rule.type != TEXT.type]
    first = f"(SELECT * FROM data WHERE {column.key} IS NOT NULL LIMIT {_FIRST})"  # noqa: S608
    counts = _counts(connection, first, column, rules)[1:]
    best = rules[max(range(len(rules)), key=lambda index: counts[index])]
    total, count = _counts(connection, "data", column, [best])
    nearly = total >= _FEWEST and count >= total * (1 - _MOST_MISFITS)
    mostly = total >= _FEWEST_TOLD and count * 2 > total and best.type != "TIME"
    return (best, count, total) if count < total and (nearly or mostly) else None


def _counts(
    connection: duckdb.DuckDBPyConnection, relation: str, column: ColumnProfile, rules: list[Rule]
) -> tuple[int, ...]:
    """How many values there are, and how many keep each rule."""
    tests = ", ".join(f"count(*) FILTER ({rule.check(f'trim({column.key})')})" for rule in rules)
    row: Any = connection.execute(
        f"SELECT count(*), {tests} FROM {relation} WHERE {column.key} IS NOT NULL"  # noqa: S608
    ).fetchone()
    return tuple(row)


def _nearly(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    found = _nearest(connection, column)
    if found is None or _all(connection, column, r"[-+]?\d+"):
        return ""
    rule, count, total = found
    misfit = rule.check(f"trim({column.key})")
    row: Any = connection.execute(
        f"SELECT n, v FROM (SELECT row_number() OVER () AS n, {column.key} AS v FROM every_row) "  # noqa: S608
        f"WHERE NOT {rule.check('trim(v)')} ORDER BY n LIMIT 1"
    ).fetchone()
    others = f" (the first of {total - count:,})" if total - count > 1 else ""
    kinds: Any = connection.execute(
        f"SELECT count(DISTINCT {column.key}) FROM data WHERE NOT {misfit}"  # noqa: S608
    ).fetchone()
    marker = shortened(row[1], _LONGEST)
    nothing = (
        f" If {marker!r} means no value: `null_values: {{{column.name}: ['', {marker!r}]}}`."
        if kinds[0] == 1 and not any(map(str.isdigit, marker))
        else ""
    )
    return (
        f"{column.name!r} is text: {count:,} of {total:,} values are each a {rule.label}; row "
        f"{row[0]:,} has {shortened(row[1], _LONGEST)!r}{others}. To have type {rule.type}, "
        f"correct the value before the workflow is made; or set it to `{_as_agreed(rule)}` in "
        "`ingestion.columns` of config.yaml and `ingestion.on_change.bad_value` to `quarantine` or "
        f"`null`, commit that, then: `dataflow workflow inspect NAME --accept`.{nothing}"
    )


def _as_agreed(rule: Rule) -> str:
    """What a contract says of a column whose values keep a rule."""
    kind = written_type(DOUBLE.type if rule.exact else rule.type)
    marks = [f', {name}: "{value}"' for name, value in rule.written.items()]
    return f"{{type: {kind}{''.join(marks)}}}"


def _grouped(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    if not _PHONES.isdisjoint(column.identifier.split("_")):
        return ""
    for mark, signs, called in _GROUPED:
        pattern = rf"-?(\d{{1,3}}({signs}\d{{2,3}})*{signs}\d{{3}}|\d+)([.,]\d+)?"
        if _all(connection, column, pattern) and _any(connection, column, signs):
            return (
                f"{column.name!r} is text, though it looks like numbers with {called} between "
                f'thousands; if so, set `thousands: "{mark}"` and `decimal`.'
            )
    return ""


def _bracketed(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    number = r"[$€£¥]? ?\d[\d.,]*"
    pattern = rf"-?{number}|\({number}\)|{number}-"
    if _all(connection, column, pattern) and _any(connection, column, r"\(|-$"):
        return (
            f"{column.name!r} is text, though it looks like numbers, negative ones in brackets or "
            "with the sign behind."
        )
    return ""


def _all(connection: duckdb.DuckDBPyConnection, column: ColumnProfile, pattern: str) -> bool:
    row: Any = connection.execute(
        f"SELECT bool_and(regexp_full_match(trim({column.key}), {quote_literal(pattern)})) "  # noqa: S608
        f"FROM data WHERE {column.key} IS NOT NULL"
    ).fetchone()
    return bool(row[0])


def _any(connection: duckdb.DuckDBPyConnection, column: ColumnProfile, pattern: str) -> bool:
    row: Any = connection.execute(
        f"SELECT bool_or(regexp_matches({column.key}, {quote_literal(pattern)})) FROM data"  # noqa: S608
    ).fetchone()
    return bool(row[0])


def _sentinel(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    """A number that comes several times, far from all others."""
    listed = ", ".join(map(str, _SENTINELS))
    row: Any = connection.execute(
        f"SELECT {column.key} AS v, count(*) AS n FROM data WHERE {column.key} IN ({listed}) "  # noqa: S608
        f"GROUP BY {column.key} HAVING count(*) > 1 ORDER BY abs({column.key}) DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return ""
    value, count = row
    others: Any = connection.execute(
        f"SELECT min({column.key}), max({column.key}) FROM data WHERE {column.key} <> {value}"  # noqa: S608
    ).fetchone()
    lowest, highest = others
    if lowest is None or not (
        (value < 0 <= lowest and highest < abs(value) * 10)
        or (value < 0 and lowest > value / 2)
        or (value > 0 and highest < value / 2)
    ):
        return ""
    return (
        f"{column.name!r} has {value:g} in {count:,} rows, far from all other values: if it means "
        f"no value, add it to `null_values`, as in {{{column.name}: ['', '{value:g}']}}."
    )


def _day_numbers(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    """Dates as spreadsheets keep them, where a cell is not formatted as one."""
    if _DAYS.isdisjoint(column.identifier.split("_")):
        return ""
    row: Any = connection.execute(
        f"SELECT bool_and({column.key} BETWEEN {_FIRST_DAY} AND {_LAST_DAY}) FROM data"  # noqa: S608
    ).fetchone()
    if not row[0]:
        return ""
    return f"{column.name!r} has numbers that look like a spreadsheet's days since 1900, not dates."
