"""Columns that are nearly of another type: which values stand in the way, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.contract import written_type
from dataflow.shared.shown import shortened
from dataflow.shared.sql import quote_literal
from dataflow.sources.type_rules import DOUBLE, RULES, TEXT, Rule, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

# A column of so many values, nearly all of one type, is meant to be of it.
_FEWEST = 10
_MOST_MISFITS = 0.05
# Where more than half of the values are of a type, a person should know which is not.
_FEWEST_TOLD = 3
# The type is guessed on the first values; only that one is looked for in all.
_FIRST = 1000
# Columns whose first values are taken by one statement.
_AT_ONCE = 100
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
_WHOLE = r"^[\s\p{Z}]*-?\d{1,19}[\s\p{Z}]*$"
_DAYS = frozenset(("date", "day", "datum", "tag", "fecha", "dia", "data", "giorno", "jour", "dag"))
_PHONES = frozenset(("phone", "tel", "telephone", "fax", "mobile", "code", "number", "no", "iban"))


@dataclass(frozen=True)
class Near:
    """A rule that a column's values nearly all keep: how many of how many."""

    rule: Rule
    count: int
    total: int


def notes_on_near_types(
    questions: Questions, profiles: list[ColumnProfile], nearest: Mapping[str, Near]
) -> list[str]:
    """Notes on columns that all but a few values, or another way of writing, keep from a type.

    Args:
        nearest: See `nearest_types`.
    """
    return list(
        filter(None, questions.each(profiles, lambda each: _note_on(questions, each, nearest)))
    )


def _note_on(questions: Questions, column: ColumnProfile, nearest: Mapping[str, Near]) -> str:
    if column.text and column.distinct and column.longest <= _LONGEST:
        note = _grouped(questions, column) or _bracketed(questions, column)
        return note or _nearly(questions, column, nearest.get(column.key))
    if column.whole or column.fractional:
        return _sentinel(questions, column) or _day_numbers(questions, column)
    return ""


def nearest_types(questions: Questions, profiles: list[ColumnProfile]) -> dict[str, Near]:
    """The types of nearly all values of text columns, by key; nothing where there is none."""
    texts = [column for column in profiles if column.text and column.longest <= _LONGEST]
    best = _best_rules(questions, texts)
    found = questions.each(zip(texts, best, strict=True), lambda each: _nearest(questions, *each))
    return {column.key: near for column, near in zip(texts, found, strict=True) if near}


def _best_rules(questions: Questions, texts: list[ColumnProfile]) -> list[Rule]:
    """The rule that most of the first values of each column keep."""
    if not texts:
        return []
    rules = [rule for rule in RULES if rule.type != TEXT.type]
    tests = ", ".join(f"coalesce(sum(n) FILTER ({rule.check('t')}), 0)" for rule in rules)
    questions.connection.execute(
        "CREATE OR REPLACE TEMP TABLE first_values (k INTEGER, t VARCHAR, n BIGINT)"
    )
    for keys, relation in _beginnings(questions, texts):
        numbers = ", ".join(str(number) for number, _ in keys)
        listed = ", ".join(f"list({key}) FILTER ({key} IS NOT NULL)[:{_FIRST}]" for _, key in keys)
        questions.connection.execute(
            f"INSERT INTO first_values SELECT k, {trimmed('v')}, count(*) FROM ("  # noqa: S608
            f"SELECT k, unnest(l) AS v FROM (SELECT unnest([{numbers}]) AS k, "
            f"unnest([{listed}]) AS l FROM {relation})) GROUP BY ALL"
        )
    rows = questions.connection.execute(
        f"SELECT k, {tests} FROM first_values GROUP BY k"  # noqa: S608
    ).fetchall()
    counts = {k: kept for k, *kept in rows}
    none = [0] * len(rules)
    return [
        rules[max(range(len(rules)), key=counts.get(number, none).__getitem__)]
        for number in range(len(texts))
    ]


def _beginnings(
    questions: Questions, texts: list[ColumnProfile]
) -> Iterator[tuple[list[tuple[int, str]], str]]:
    """Columns, with their numbers, and the rows that have the first values of them."""
    begin = questions.first_rows()
    seen = questions.each(texts, lambda column: questions.in_first_rows(f"count({column.key})"))
    common: list[tuple[int, str]] = []
    for number, (column, count) in enumerate(zip(texts, seen, strict=True)):
        if count >= min(_FIRST, column.rows - column.nulls):
            common.append((number, column.key))
        else:
            rows = f"(SELECT {column.key} FROM data WHERE {column.key} IS NOT NULL LIMIT {_FIRST})"  # noqa: S608
            yield [(number, column.key)], rows
    for start in range(0, len(common), _AT_ONCE):
        yield common[start : start + _AT_ONCE], begin


def _nearest(questions: Questions, column: ColumnProfile, best: Rule) -> Near | None:
    total = column.rows - column.nulls
    text = trimmed(column.key)
    test = best.check(text)
    if best.type == "BIGINT":
        # Cheaper than the rule, and true of all whole numbers.
        digits = f"regexp_matches({column.key}, {quote_literal(_WHOLE)})"
        test = f"CASE WHEN {digits} THEN {test} ELSE false END"
    count = questions.value(f"count(*) FILTER ({column.key} IS NOT NULL AND {test})")
    if count == total:
        return None
    nearly = total >= _FEWEST and count >= total * (1 - _MOST_MISFITS)
    mostly = total >= _FEWEST_TOLD and count * 2 > total and best.type != "TIME"
    return Near(best, count, total) if nearly or mostly else None


def _nearly(questions: Questions, column: ColumnProfile, found: Near | None) -> str:
    if found is None or _all(questions, column, r"[-+]?\d+"):
        return ""
    rule, count, total = found.rule, found.count, found.total
    misfit = f"NOT {rule.check(trimmed(column.key))}"
    first, value = questions.numbered(f"min_by(ROW(n, {column.key}), n) FILTER ({misfit})")
    others = f" (the first of {total - count:,})" if total - count > 1 else ""
    is_one = questions.value(
        f"min({column.key}) FILTER ({misfit}) = max({column.key}) FILTER ({misfit})"
    )
    marker = shortened(value, _LONGEST)
    nothing = (
        f" If {marker!r} means no value: `null_values: {{{column.name}: ['', {marker!r}]}}`."
        if is_one and not any(map(str.isdigit, marker))
        else ""
    )
    return (
        f"{column.name!r} is text: {count:,} of {total:,} values are each a {rule.label}; row "
        f"{first:,} has {shortened(value, _LONGEST)!r}{others}. To have type {rule.type}, "
        f"correct the value before the workflow is made; or set it to `{_as_agreed(rule)}` in "
        "`ingestion.columns` of config.yaml and `ingestion.on_change.bad_value` to `quarantine` or "
        f"`null`, commit that, then: `dataflow workflow inspect NAME --accept`.{nothing}"
    )


def _as_agreed(rule: Rule) -> str:
    """What a contract says of a column whose values keep a rule."""
    kind = written_type(DOUBLE.type if rule.exact else rule.type)
    marks = [f', {name}: "{value}"' for name, value in rule.written.items()]
    return f"{{type: {kind}{''.join(marks)}}}"


def _grouped(questions: Questions, column: ColumnProfile) -> str:
    if not _PHONES.isdisjoint(column.identifier.split("_")):
        return ""
    for mark, signs, called in _GROUPED:
        pattern = rf"-?(\d{{1,3}}({signs}\d{{2,3}})*{signs}\d{{3}}|\d+)([.,]\d+)?"
        if _all(questions, column, pattern) and _any(questions, column, signs):
            return (
                f"{column.name!r} is text, though it looks like numbers with {called} between "
                f'thousands; if so, set `thousands: "{mark}"` and `decimal`.'
            )
    return ""


def _bracketed(questions: Questions, column: ColumnProfile) -> str:
    number = r"[$€£¥]? ?\d[\d.,]*"
    pattern = rf"-?{number}|\({number}\)|{number}-"
    if _all(questions, column, pattern) and _any(questions, column, r"\(|-$"):
        return (
            f"{column.name!r} is text, though it looks like numbers, negative ones in brackets or "
            "with the sign behind."
        )
    return ""


def _all(questions: Questions, column: ColumnProfile, pattern: str) -> bool:
    test = f"regexp_full_match({trimmed(column.key)}, {quote_literal(pattern)})"
    return questions.holds(test, column)


def _any(questions: Questions, column: ColumnProfile, pattern: str) -> bool:
    test = f"regexp_matches({column.key}, {quote_literal(pattern)})"
    return bool(questions.value(f"bool_or({test})"))


def _sentinel(questions: Questions, column: ColumnProfile) -> str:
    """A number that comes several times, far from all others."""
    listed = ", ".join(map(str, _SENTINELS))
    found = questions.value(f"histogram({column.key}) FILTER ({column.key} IN ({listed}))") or {}
    several = {value: count for value, count in found.items() if count > 1}
    if not several:
        return ""
    value = max(several, key=abs)
    count = several[value]
    others = f"FILTER ({column.key} <> {value})"
    lowest = questions.value(f"min({column.key}) {others}")
    highest = questions.value(f"max({column.key}) {others}")
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


def _day_numbers(questions: Questions, column: ColumnProfile) -> str:
    """Dates as spreadsheets keep them, where a cell is not formatted as one."""
    if _DAYS.isdisjoint(column.identifier.split("_")):
        return ""
    days = f"{column.key} BETWEEN {_FIRST_DAY} AND {_LAST_DAY}"
    if not questions.holds(days, column):
        return ""
    return f"{column.name!r} has numbers that look like a spreadsheet's days since 1900, not dates."
