"""SQL that reads a value as the type that a contract gives its column: exactly, or not at all.

Declared types alone are not exact: DuckDB casts ``1.5`` to the whole number 2, ``007`` to 7 and a
time stamp to its day without a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal, type_family
from dataflow.sources.type_rules import CLOCK, DOUBLE, ISO_DAY, ZONE

if TYPE_CHECKING:
    from dataflow.shared.contract import Column

_FRACTIONS = ("FLOAT", "DOUBLE")
_ZERO_CLOCK = r"[ T]00:00(:00(\.0+)?)?"
_EXTRA_ZEROS = r"\.0+$"


@dataclass(frozen=True)
class Reading:
    """How one column is read.

    Args:
        value: SQL of the value; it is null where the text is none, and never fails.
        fits: SQL that is true where the value is exactly what came; also where nothing came.
    """

    value: str
    fits: str


def reading_of(column: Column, key: str, kind: str) -> Reading:
    """How a column of a relation is read by its contract.

    Args:
        key: The column's name in the relation, as SQL has it.
        kind: The type that it has there, as DuckDB writes it.
    """
    given = key
    if column.null_values:
        nulls = ", ".join(map(quote_literal, column.null_values))
        given = f"CASE WHEN CAST({key} AS VARCHAR) IN ({nulls}) THEN NULL ELSE {key} END"
    if kind == "VARCHAR":
        return _of_text(column, f"({given})" if given != key else key)
    return _of_value(column.database_type, given, kind)


def _of_value(wanted: str, given: str, kind: str) -> Reading:
    """From a type to another: what comes back as it was has not changed on the way."""
    if kind in (wanted, '"NULL"'):
        return Reading(f"CAST({given} AS {wanted})", "true")
    nested = type_family(kind) == "nested"
    if wanted == "JSON" or (wanted == "VARCHAR" and nested):
        return Reading(f"CAST(to_json({given}) AS VARCHAR)", "true")
    if wanted == "VARCHAR":
        return Reading(f"CAST({given} AS VARCHAR)", "true")
    if nested:
        return Reading(f"CAST(NULL AS {wanted})", f"({given}) IS NULL")
    value = f"TRY_CAST({given} AS {wanted})"
    return Reading(value, f"(TRY_CAST({value} AS {kind}) IS NOT DISTINCT FROM {given})")


def _of_text(column: Column, text: str) -> Reading:
    wanted, trimmed = column.database_type, f"trim({text})"
    family = type_family(wanted)
    if wanted == "VARCHAR":
        return Reading(text, "true")
    if wanted == "JSON":
        written = f"CASE WHEN json_valid({text}) THEN {text} ELSE CAST(to_json({text}) AS VARCHAR)"
        return Reading(f"{written} END", "true")
    if family in ("whole", "fraction"):
        return _number(column, wanted, text, trimmed)
    if wanted in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME") and column.format:
        return _formatted(wanted, trimmed, column.format)
    if wanted == "DATE":
        pattern = rf"{ISO_DAY}({_ZERO_CLOCK})?"
        return _matching("DATE", text, trimmed, pattern, f"{trimmed}[:10]")
    if wanted == "TIMESTAMP":
        return _matching(wanted, text, trimmed, rf"{ISO_DAY}([ T]{CLOCK})?")
    if wanted == "TIMESTAMP WITH TIME ZONE":
        return _matching(wanted, text, trimmed, rf"{ISO_DAY}[ T]{CLOCK}{ZONE}")
    if wanted == "BOOLEAN":
        return _matching(wanted, text, f"lower({trimmed})", "true|false")
    value = f"TRY_CAST({trimmed} AS {wanted})"
    return Reading(value, f"({text} IS NULL OR {value} IS NOT NULL)")


def _matching(
    wanted: str, text: str, trimmed: str, pattern: str, part: str | None = None
) -> Reading:
    """Values written as DuckDB writes them, which is quickly seen, or as a pattern says."""
    value = f"TRY_CAST({text} AS {wanted})"
    other = f"TRY_CAST({part or trimmed} AS {wanted})"
    alike = f"coalesce(CAST({value} AS VARCHAR) = {text}, false)"
    matches = f"(regexp_full_match({trimmed}, '{pattern}') AND {other} IS NOT NULL)"
    return Reading(
        f"CASE WHEN {alike} THEN {value} ELSE {other} END",
        f"({text} IS NULL OR {alike} OR {matches})",
    )


def _formatted(wanted: str, trimmed: str, layout: str) -> Reading:
    parsed = f"try_strptime({trimmed}, {quote_literal(layout)})"
    value = f"TRY_CAST({parsed} AS {wanted})"
    fits = f"{parsed} IS NOT NULL"
    if wanted == "DATE":
        fits += f" AND CAST({value} AS TIMESTAMP) = {parsed}"
    if "%Y" in layout:
        # DuckDB takes years of fewer digits, too.
        fits += rf" AND regexp_matches({trimmed}, '(^|\D)\d{{4}}(\D|$)')"
    return Reading(value, f"({trimmed} IS NULL OR ({fits}))")


def _number(column: Column, wanted: str, text: str, trimmed: str) -> Reading:
    point, groups = column.decimal or ".", column.thousands or ""
    bare = trimmed
    if groups:
        bare = f"replace({bare}, {quote_literal(groups)}, '')"
    if point != ".":
        bare = f"replace({bare}, {quote_literal(point)}, '.')"
    whole = r"(0|[1-9]\d*)"
    if groups:
        whole = rf"(0|[1-9]\d*|[1-9]\d{{0,2}}({_class(groups)}\d{{3}})+)"
    if wanted in _FRACTIONS:
        if point == "." and not groups:
            value = f"TRY_CAST({trimmed} AS {wanted})"
            quick = DOUBLE.quick.replace("{x}", text)
            return Reading(value, f"({text} IS NULL OR {quick} OR {DOUBLE.check(trimmed)})")
        fraction = rf"({_class(point)}\d+)?(e[-+]?\d+)?"
    elif wanted.startswith("DECIMAL"):
        scale = int(wanted.rstrip(")").rpartition(",")[2])
        digits = rf"\d{{1,{scale}}}0*" if scale else "0+"
        fraction = rf"({_class(point)}{digits})?"
    else:
        # 5.0 is how some programs write the 5 of a column with gaps.
        fraction = rf"({_class(point)}0+)?"
        bare = f"regexp_replace({bare}, '{_EXTRA_ZEROS}', '')"
    value = f"TRY_CAST({bare} AS {wanted})"
    matches = f"regexp_full_match({trimmed}, {quote_literal(f'[-+]?{whole}{fraction}')}, 'i')"
    fits = f"{text} IS NULL OR ({matches} AND {value} IS NOT NULL)"
    if point == "." and not groups and type_family(wanted) == "whole":
        plain = f"TRY_CAST({text} AS {wanted})"
        alike = f"coalesce(CAST({plain} AS VARCHAR) = {text}, false)"
        return Reading(f"CASE WHEN {alike} THEN {plain} ELSE {value} END", f"({alike} OR {fits})")
    return Reading(value, f"({fits})")


def _class(sign: str) -> str:
    return f"[{re.escape(sign)}]"
