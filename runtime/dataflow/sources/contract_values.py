"""SQL that reads a value as the type that a contract gives its column: exactly, or not at all.

Declared types alone are not exact: DuckDB casts ``1.5`` to the whole number 2, ``007`` to 7 and a
time stamp to its day without a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import converted, has_zone, quote_literal, type_family
from dataflow.sources.type_rules import (
    CLOCK,
    DOUBLE,
    ISO_DAY,
    ZONE,
    thousands_signs,
    whole_part,
)

if TYPE_CHECKING:
    from dataflow.shared.contract import Column

FRACTIONS = ("FLOAT", "DOUBLE")
_ZERO_CLOCK = r"[ T]00:00(:00(\.0+)?)?"
_BOTH_MARKS = r"[-+]?[1-9]\d{0,2}(,\d{3})+\.\d+"
ONE_OR_A_THOUSAND = r"[-+]?[1-9]\d{0,2}\.000"
_EXTRA_ZEROS = r"\.0+$"


@dataclass(frozen=True)
class Reading:
    """How one column is read.

    Args:
        given: SQL of what came.
        branches: SQL of a test, and of the value where it is the first that is true. Where none is,
            the value is not as agreed. The first one is quick, and true for most values.
    """

    given: str
    branches: tuple[tuple[str, str], ...]

    @property
    def always_fits(self) -> bool:
        """Whether any value is as agreed."""
        return self.branches[0][0] == "true"

    @property
    def fits(self) -> str:
        """SQL that is true where the value is exactly what came; also where nothing came."""
        # Not one OR of all tests: DuckDB would work out each of them for each row.
        tests = " ".join(f"WHEN {test} THEN true" for test, _ in self.branches)
        return f"(CASE {tests} WHEN {self.given} IS NULL THEN true ELSE false END)"

    @property
    def value(self) -> str:
        """SQL of the value; it is null where it is not as agreed."""
        return self.branches[0][1] if self.always_fits else f"CASE {self._cases} END"

    def strictly(self, failure: str) -> str:
        """SQL of the value, or of ``failure``, which fails, where it is not as agreed."""
        if self.always_fits:
            return self.value
        # What is null passes no test. It is asked for late, since most values are not.
        return f"CASE {self._cases} WHEN {self.given} IS NULL THEN NULL ELSE {failure} END"

    @property
    def _cases(self) -> str:
        return " ".join(f"WHEN {test} THEN {value}" for test, value in self.branches)


def always(value: str) -> Reading:
    """A reading that takes whatever comes."""
    return Reading(value, (("true", value),))


def reading_of(column: Column, key: str, kind: str) -> Reading:
    """How a column of a relation is read by its contract.

    Args:
        key: The column's name in the relation, as SQL has it.
        kind: The type that it has there, as DuckDB writes it.
    """
    given = key
    if column.null_values:
        # DuckDB writes the NaN of other programs as nan.
        texts = [text.lower() if kind in FRACTIONS else text for text in column.null_values]
        nulls = ", ".join(map(quote_literal, texts))
        given = f"(CASE WHEN CAST({key} AS VARCHAR) IN ({nulls}) THEN NULL ELSE {key} END)"
    if kind == "VARCHAR":
        return _of_text(column, given)
    return _of_value(column.database_type, given, kind)


def _of_value(wanted: str, given: str, kind: str) -> Reading:
    """From a type to another: what comes back as it was has not changed on the way."""
    if kind in (wanted, '"NULL"'):
        return always(f"CAST({given} AS {wanted})")
    nested = type_family(kind) == "nested"
    if wanted == "JSON" or (wanted == "VARCHAR" and nested):
        return always(f"CAST(to_json({given}) AS VARCHAR)")
    if wanted == "VARCHAR" and kind == "BLOB":
        # A cast writes what is beyond ASCII as \\xC3\\xB6.
        return Reading(given, ((f"TRY(decode({given})) IS NOT NULL", f"TRY(decode({given}))"),))
    if wanted == "VARCHAR" and kind in FRACTIONS:
        # The 5 of a column with gaps is 5.0 in some programs, and the same code as before.
        text = f"CAST({given} AS VARCHAR)"
        return always(f"regexp_replace({text}, '{_EXTRA_ZEROS}', '')")
    if wanted == "VARCHAR":
        return always(f"CAST({given} AS VARCHAR)")
    is_number = type_family(wanted) in ("whole", "fraction")
    if nested or (kind == "BOOLEAN" and is_number):
        # That true is 1 nobody has said, as of the text.
        return Reading(given, (("false", f"CAST(NULL AS {wanted})"),))
    if type_family(kind) == type_family(wanted) == "moment" and has_zone(kind) != has_zone(wanted):
        # By whose clock, nobody has said.
        return Reading(given, (("false", f"CAST(NULL AS {wanted})"),))
    value = converted(given, kind, wanted, cast="TRY_CAST")
    back = converted(value, wanted, kind, cast="TRY_CAST")
    return Reading(given, ((f"{back} = {given}", value),))


def _of_text(column: Column, text: str) -> Reading:
    wanted = column.database_type
    if wanted == "VARCHAR":
        return always(text)
    if wanted == "JSON":
        quoted = f"CAST(to_json({text}) AS VARCHAR)"
        return always(f"CASE WHEN json_valid({text}) THEN {text} ELSE {quoted} END")
    bare = f"trim({text})"
    # Blanks alone are a text, and no number, date or truth value: there is none.
    nothing = f"{bare} = ''", f"CAST(NULL AS {wanted})"
    return Reading(text, (*_written(column, wanted, text, bare), nothing))


def _written(column: Column, wanted: str, text: str, bare: str) -> tuple[tuple[str, str], ...]:
    """The branches for a text that is a value of a type, ``bare`` of the blanks around it."""
    if type_family(wanted) in ("whole", "fraction"):
        return _number(column, wanted, text, bare)
    if wanted in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME") and column.format:
        return (_formatted(wanted, bare, column.format),)
    if wanted == "DATE":
        part = f"{bare}[:10]"
        pattern = rf"{ISO_DAY}({_ZERO_CLOCK})?"
        return _alike(wanted, text), _matching(wanted, bare, pattern, part)
    patterns = {
        "TIMESTAMP": rf"{ISO_DAY}([ T]{CLOCK})?",
        "TIMESTAMP WITH TIME ZONE": rf"{ISO_DAY}[ T]{CLOCK}{ZONE}",
        "BOOLEAN": "(?i)true|false",
    }
    return _alike(wanted, text), _matching(wanted, bare, patterns.get(wanted, ".*"))


def _alike(wanted: str, text: str) -> tuple[str, str]:
    """A text that is written as DuckDB writes the value."""
    value = f"TRY_CAST({text} AS {wanted})"
    test = f"CAST({value} AS VARCHAR) = {text}"
    if type_family(wanted) == "moment":
        # No infinity, none before Christ: other programs have the year 9999, or none, for it.
        ends = [f"CAST('{day}' AS {wanted})" for day in ("0001-01-01", "9999-12-31")]
        test += f" AND {value} BETWEEN {' AND '.join(ends)}"
    return test, value


def _matching(wanted: str, text: str, pattern: str, part: str = "") -> tuple[str, str]:
    """A text of a pattern whose ``part``, or all of it, is such a value."""
    value = f"TRY_CAST({part or text} AS {wanted})"
    matches = f"regexp_full_match({text}, {quote_literal(pattern)})"
    return f"{matches} AND {value} IS NOT NULL", value


def _formatted(wanted: str, bare: str, layout: str) -> tuple[str, str]:
    parsed = f"try_strptime({bare}, {quote_literal(layout)})"
    value = f"TRY_CAST({parsed} AS {wanted})"
    test = f"{parsed} IS NOT NULL"
    if wanted == "DATE":
        test += f" AND CAST({value} AS TIMESTAMP) = {parsed}"
    if "%Y" in layout:
        # DuckDB takes years of fewer digits, too.
        test += rf" AND regexp_matches({bare}, '(^|\D)\d{{4}}(\D|$)')"
    return test, value


def _number(column: Column, wanted: str, text: str, bare: str) -> tuple[tuple[str, str], ...]:
    point, groups = column.decimal or ".", column.thousands or ""
    is_plain = point == "." and not groups
    if wanted in FRACTIONS and is_plain:
        return _plain_fraction(wanted, text, bare)
    plain = f"translate({bare}, '{thousands_signs(groups)}', '')" if groups else bare
    if point != ".":
        plain = f"replace({plain}, {quote_literal(point)}, '.')"
    scale = 0
    if wanted in FRACTIONS:
        fraction = rf"({_class(point)}\d+)?(e[-+]?\d+)?"
    elif wanted.startswith("DECIMAL"):
        scale = int(wanted.rstrip(")").rpartition(",")[2])
        digits = rf"\d{{1,{scale}}}0*" if scale else "0+"
        fraction = rf"({_class(point)}{digits})?"
    else:
        # 5.0 is how some programs write the 5 of a column with gaps.
        fraction = rf"({_class(point)}0+)?"
        plain = f"regexp_replace({plain}, '{_EXTRA_ZEROS}', '')"
    test, value = _matching(wanted, bare, f"(?i)[-+]?{whole_part(groups)}{fraction}", plain)
    if not scale and wanted not in FRACTIONS and is_plain and column.decimal is None:
        # 1 or 1,000, as the source's country has it: the contract has to say which.
        test += f" AND NOT regexp_full_match({bare}, '{ONE_OR_A_THOUSAND}')"
    matching = test, value
    if not is_plain:
        return (matching,)
    if not scale:
        return _alike(wanted, text), matching
    value = f"TRY_CAST({text} AS {wanted})"
    quick = rf"regexp_full_match({text}, '-?(?:0|[1-9]\d*)(?:\.\d{{1,{scale}}})?')"
    return (f"{quick} AND {value} IS NOT NULL", value), matching


def _plain_fraction(wanted: str, text: str, bare: str) -> tuple[tuple[str, str], ...]:
    """A number with a point; 1,250.00 has both marks, and so can mean but one number."""
    # A text that says that there is no number is none, unless `null_values` has it.
    unsigned = f"{bare}[2:]"
    plus, value = DOUBLE.test.replace("{x}", unsigned), f"TRY_CAST({unsigned} AS {wanted})"
    number = f"({DOUBLE.test.replace('{x}', bare)} AND NOT isnan(TRY_CAST({bare} AS DOUBLE)))"
    return (
        (DOUBLE.quick.replace("{x}", text), f"TRY_CAST({text} AS {wanted})"),
        (number, f"TRY_CAST({bare} AS {wanted})"),
        # In a column of codes a sign tells +5 from 5; in one of numbers they are one.
        (rf"regexp_matches({bare}, '^\+[0-9.]') AND {plus}", value),
        _matching(wanted, bare, _BOTH_MARKS, f"replace({bare}, ',', '')"),
    )


def _class(sign: str) -> str:
    return f"[{re.escape(sign)}]"
