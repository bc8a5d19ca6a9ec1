"""The types that text may have, and when a text is exactly a value of one.

A rule is kept only by texts that lose nothing in the cast: an integer must be written as DuckDB
would write it (``007`` and ``+5`` are no integers), a number must fit a double, a time stamp must
not have more digits than microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

ISO_DAY = r"\d{4}-\d{2}-\d{2}"
CLOCK = r"\d{2}:\d{2}(:\d{2}(\.\d{1,6}0*)?)?"
ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"


def trimmed(text: str) -> str:
    """SQL for the SQL expression ``text`` without the blanks, tabs and line ends around it."""
    # DuckDB's `trim` takes no-break blanks for such, and tabs for none.
    without = f"trim({without_tabs(text)})"
    return f"CASE WHEN contains({text}, chr(9)) THEN {without} ELSE trim({text}) END"


def without_tabs(text: str) -> str:
    """SQL for the SQL expression ``text`` with blanks in the place of tabs and line ends."""
    return f"translate({text}, '\t\r\n', '   ')"


@dataclass(frozen=True)
class Rule:
    """One type in one way of writing it.

    Args:
        type: DuckDB's name of the type.
        label: What a person calls such values.
        test: SQL that is true or false for a text ``{x}``: whether it is exactly such a value.
        value: SQL that makes the value from the text ``{x}``.
        rival: The label of another rule that reads the same text as another value.
        alike: Whether the test is that DuckDB writes the value as the text is written.
        example: What such a text stands for, where that is worth telling a person.
        quick: SQL that is true only for texts ``{x}`` that pass the test, and much cheaper: most
            values are spared the test by it.
        exact: Whether values are decimals, whose digits before and after the point only all values
            of a column tell: see `fitted`.
        sign: One that is in every such text: where it is not, nothing else is looked at.
        bare: SQL that makes of the text ``{x}`` a number as SQL writes it; for exact ones.
        written: What a contract says of columns that are written so, see `contract.Column`.
    """

    type: str
    label: str
    test: str
    value: str
    rival: str | None = None
    alike: bool = False
    example: str | None = None
    quick: str = ""
    exact: bool = False
    bare: str = "{x}"
    sign: str = ""
    written: Mapping[str, str] = field(default_factory=dict)

    def check(self, text: str) -> str:
        """SQL that is true if the SQL expression ``text`` keeps the rule, as every null does."""
        test = self.test.replace("{x}", text)
        if self.sign:
            test = f"CASE WHEN contains({text}, '{self.sign}') THEN {test} ELSE false END"
        return f"({text} IS NULL OR {test})"

    def cast(self, text: str) -> str:
        """SQL for the value of the SQL expression ``text``."""
        return self.value.replace("{x}", text)

    def strict_cast(self, text: str, failure: str) -> str:
        """SQL for the value of the SQL expression ``text``, or an error if it breaks the rule.

        ``failure`` is an expression that fails. Some texts fail in the cast already, with
        DuckDB's own conversion error.
        """
        if self.alike:
            # Twice as fast as the test itself, which must not fail.
            value = f"CAST({text} AS {self.type})"
            return f"CASE WHEN CAST({value} AS VARCHAR) <> {text} THEN {failure} ELSE {value} END"
        branches = [self.quick.replace("{x}", text)] if self.quick else []
        branches.append(self.check(text))
        cases = " ".join(f"WHEN {branch} THEN {self.cast(text)}" for branch in branches)
        return f"CASE {cases} ELSE {failure} END"


def _written_alike(kind: str, label: str) -> Rule:
    """A type whose texts must read as DuckDB itself would write them."""
    value = f"TRY_CAST({{x}} AS {kind})"
    test = f"coalesce(CAST({value} AS VARCHAR) = {{x}}, false)"
    return Rule(kind, label, test, value, alike=True)


def _matching(kind: str, label: str, pattern: str, quick: str = "") -> Rule:
    """A type whose texts must match a pattern and be castable."""
    value = f"TRY_CAST({{x}} AS {kind})"
    test = f"(regexp_full_match({{x}}, '{pattern}') AND {value} IS NOT NULL)"
    return Rule(kind, label, test, value, quick=quick)


def _formatted(kind: str, label: str, layout: str, rival: str | None = None) -> Rule:
    """Dates and times in a layout of their own; years must have four digits."""
    parsed = f"try_strptime({{x}}, '{layout}')"
    test = rf"({parsed} IS NOT NULL AND regexp_matches({{x}}, '(^|\D)\d{{4}}(\D|$)'))"
    value = f"CAST({parsed} AS {kind})"
    # What parts the numbers of a layout is in its texts as it is; of blanks there may be others.
    sign = next((sign for sign in "/.-," if sign in layout), "")
    return Rule(kind, label, test, value, rival, written={"format": layout}, sign=sign)


def _both_orders() -> list[Rule]:
    """Layouts in which only the values can tell the month from the day."""
    clocks = {
        "": "DATE",
        " %H:%M": "TIMESTAMP",
        " %H:%M:%S": "TIMESTAMP",
        " %I:%M %p": "TIMESTAMP",
        " %I:%M:%S %p": "TIMESTAMP",
    }
    rules = []
    for sign in "/-":
        for clock, kind in clocks.items():
            month_first = f"month{sign}day{sign}year{clock}"
            day_first = f"day{sign}month{sign}year{clock}"
            layouts = (f"%m{sign}%d{sign}%Y{clock}", f"%d{sign}%m{sign}%Y{clock}")
            rules.append(_formatted(kind, month_first, layouts[0], day_first))
            rules.append(_formatted(kind, day_first, layouts[1], month_first))
    return rules


_CODE = "code"
DOUBLE = Rule(
    "DOUBLE",
    "number",
    # A leading 0 or + or more than 15 digits without a point is a code, whose digits all matter.
    "(TRY_CAST({x} AS DOUBLE) IS NOT NULL AND ord({x}) > ord('+') AND NOT contains({x}, '_') "
    "AND NOT (ltrim({x}, '-')[1] = '0' AND ltrim({x}, '-') <> '0' AND ltrim({x}, '-')[2] <> '.') "
    "AND (strlen({x}) <= 15 OR contains(lower({x}), 'e') OR (contains({x}, '.') "
    # More digits than a double holds are none of its business, unless they are a double's own.
    "AND (strlen(regexp_replace({x}, '[^0-9]', '', 'g')) <= 15 "
    "OR CAST(TRY_CAST({x} AS DOUBLE) AS VARCHAR) = {x}))) "
    "AND (NOT isinf(TRY_CAST({x} AS DOUBLE)) OR contains(lower({x}), 'inf')))",
    "TRY_CAST({x} AS DOUBLE)",
    rival=_CODE,
    quick=r"(strlen({x}) <= 16 AND regexp_full_match({x}, '-?(?:0|[1-9]\d{0,13})(?:\.\d+)?'))",
)

# 1E5 among whole numbers, and words such as Inf and Nan without a number, are no fractions: what
# programs write as powers of ten has a point or a sign in it.
CODE = Rule(
    "VARCHAR",
    _CODE,
    # Nothing but what is a number as well: it is never more than a rival.
    rf"({DOUBLE.test} AND regexp_full_match({{x}}, '\d+([eE]\d+)?|[-+]?[a-zA-Z]+'))",
    "{x}",
    DOUBLE.label,
)

# A whole number of more than 15 digits is a code, as above.
_DECIMAL_TEXT = r"regexp_full_match({x}, '-?(?:(?:0|[1-9]\d*)\.\d+|0|[1-9]\d{0,14})')"
EXACT = Rule(
    "DECIMAL",
    "exact number",
    f"({_DECIMAL_TEXT} AND strlen({{x}}) <= 40)",
    "TRY_CAST({x} AS DECIMAL(38, 18))",
    exact=True,
)
_MOST_DIGITS = 38

_WHOLE_PART = r"-?(0|[1-9]\d*|[1-9]\d{0,2}(SIGN\d{3})+)"


def _grouped(label: str, groups: str, point: str, rival: str, example: str) -> Rule:
    """Numbers with a sign between thousands, or with another decimal point than SQL's."""
    whole = _WHOLE_PART.replace("SIGN", f"[{groups}]")
    bare = f"replace(replace({{x}}, '{groups}', ''), '{point}', '.')"
    # More digits than a double holds are a code, as in plain numbers.
    test = (
        f"(strlen({bare}) <= 16 AND regexp_full_match({{x}}, '{whole}([{point}]\\d+)?') "
        f"AND TRY_CAST({bare} AS DOUBLE) IS NOT NULL)"
    )
    value = f"TRY_CAST({bare} AS DOUBLE)"
    marks = {"thousands": groups, **({"decimal": point} if point != "." else {})}
    return Rule("DOUBLE", label, test, value, rival, example=example, written=marks)


def fitted(rule: Rule, whole: int, fraction: int) -> Rule | None:
    """An exact rule as the type that holds so many digits before and after the point, if any."""
    if whole + fraction > _MOST_DIGITS:
        return None
    kind = f"DECIMAL({max(whole + fraction, 1)},{fraction})"
    value = f"TRY_CAST({rule.bare} AS {kind})"
    digits = f"strlen(split_part({rule.bare}, '.', 2)) <= {fraction}"
    test = f"({rule.test} AND {digits} AND {value} IS NOT NULL)"
    return Rule(kind, rule.label, test, value, written=rule.written)


_COMMA_POINT = "number with a decimal comma"
_COMMA_GROUPS = "number with commas between thousands"
COMMA_IS_POINT = _grouped(_COMMA_POINT, ".", ",", _COMMA_GROUPS, "1,5 is 1.5")
# "1,234" keeps both; a column of nothing else stays text.
_WITH_COMMAS: tuple[Rule, ...] = (
    COMMA_IS_POINT,
    _grouped(_COMMA_GROUPS, ",", ".", _COMMA_POINT, "1,500 is 1500"),
)

TEXT = Rule("VARCHAR", "text", "true", "{x}")

_CLOCK_TIME = "time of day"
_LENGTH = "length of time"

DATE_RULES: tuple[Rule, ...] = (
    _written_alike("DATE", "date"),
    _matching(
        "TIMESTAMP",
        "time stamp",
        rf"{ISO_DAY}([ T]{CLOCK})?",
        # As DuckDB writes it, to the second. Other lengths may be years of five digits.
        "(strlen({x}) = 19 AND CAST(TRY_CAST({x} AS TIMESTAMP) AS VARCHAR) = {x})",
    ),
    _matching("TIMESTAMPTZ", "time stamp with zone", rf"{ISO_DAY}[ T]{CLOCK}{ZONE}"),
    # 04:15 may be a quarter past four, or four minutes and a quarter.
    replace(
        _matching("TIME", _CLOCK_TIME, r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6}0*)?)?"),
        rival=_LENGTH,
        example="08:30",
    ),
    Rule(
        "VARCHAR",
        _LENGTH,
        r"regexp_full_match({x}, '-?\d{1,4}:[0-5]\d(:[0-5]\d(\.\d+)?)?')",
        "{x}",
        _CLOCK_TIME,
    ),
    *_both_orders(),
    _formatted("DATE", "year/month/day", "%Y/%m/%d"),
    _formatted("TIMESTAMP", "year/month/day and time", "%Y/%m/%d %H:%M"),
    _formatted("TIMESTAMP", "year/month/day and time", "%Y/%m/%d %H:%M:%S"),
    _formatted("DATE", "day.month.year", "%d.%m.%Y"),
    _formatted("TIMESTAMP", "day.month.year and time", "%d.%m.%Y %H:%M"),
    _formatted("TIMESTAMP", "day.month.year and time", "%d.%m.%Y %H:%M:%S"),
    _formatted("DATE", "date with the month's name", "%b %d %Y"),
    _formatted("DATE", "date with the month's name", "%b %d, %Y"),
    _formatted("DATE", "date with the month's name", "%d %b %Y"),
    _formatted("DATE", "date with the month's name", "%d-%b-%Y"),
    _formatted("DATE", "date with the month's name", "%B %d, %Y"),
    _formatted("DATE", "date with the month's name", "%d %B %Y"),
)

_TRUTH = Rule("BOOLEAN", "true or false", "lower({x}) IN ('true', 'false')", "CAST({x} AS BOOLEAN)")

# The narrowest first: the first rule that all values of a column keep is its type.
RULES: tuple[Rule, ...] = (
    _written_alike("BIGINT", "whole number"),
    DOUBLE,
    EXACT,
    *_WITH_COMMAS,
    CODE,
    _TRUTH,
    *DATE_RULES,
)

# Signs that are written for the mark between thousands that a setting names.
_SAME_MARK = {" ": " \u00a0\u202f\u2009", "'": "'\u2019"}


def rules_of(
    decimal: str | None, thousands: str | None, date_format: str | None
) -> tuple[Rule, ...]:
    """The types of texts whose way of writing numbers or dates is known.

    Without a known decimal mark it is a point, or a comma where points part thousands.
    """
    numbers: tuple[Rule, ...] = (DOUBLE, EXACT, *_WITH_COMMAS, CODE)
    if decimal is not None or thousands is not None:
        numbers = _numbers(decimal or ("," if thousands == "." else "."), thousands)
    dates = DATE_RULES
    if date_format is not None:
        # Dates as ISO 8601 has them are no other dates in any layout.
        dates = (*_declared(date_format), *DATE_RULES[:3])
    return (RULES[0], *numbers, _TRUTH, *dates)


def thousands_signs(thousands: str | None) -> str:
    """The signs that stand for a mark between thousands, to go into an SQL literal."""
    return _SAME_MARK.get(thousands or "", thousands or "").replace("'", "''")


def whole_part(thousands: str | None) -> str:
    """The pattern of a number before its decimal mark, without a sign before it."""
    if not thousands:
        return "(0|[1-9]\\d*)"
    signs = thousands_signs(thousands)
    # Groups of two are India's: 12,34,567.
    groups = f"[1-9]\\d{{0,2}}([{signs}]\\d{{3}})+|[1-9]\\d?([{signs}]\\d\\d)+[{signs}]\\d{{3}}"
    return f"(0|[1-9]\\d*|{groups})"


def _numbers(decimal: str, thousands: str | None) -> tuple[Rule, Rule]:
    signs, whole = thousands_signs(thousands), whole_part(thousands)
    bare = f"replace(translate({{x}}, '{signs}', ''), '{decimal}', '.')"
    test = f"regexp_full_match({{x}}, '-?{whole}([{decimal}]\\d+)?')"
    digits = "strlen(regexp_replace({x}, '[^0-9]', '', 'g'))"
    marks = {"decimal": decimal} | ({"thousands": thousands} if thousands else {})
    double = f"TRY_CAST({bare} AS DOUBLE)"
    label = f"number with {decimal!r} as decimal mark"
    return (
        Rule("DOUBLE", label, f"({test} AND {digits} <= 15)", double, written=marks),
        Rule(
            "DECIMAL",
            f"exact {label}",
            f"({test} AND {digits} <= {_MOST_DIGITS} AND contains({{x}}, '{decimal}'))",
            f"TRY_CAST({bare} AS DECIMAL(38, 18))",
            exact=True,
            bare=bare,
            written=marks,
        ),
    )


def _declared(layout: str) -> tuple[Rule, ...]:
    """Dates or times in the layout that a person wrote down."""
    clock = any(sign in layout for sign in ("%H", "%I", "%M", "%S", "%f", "%p", "%X", "%c"))
    zoned = "%z" in layout or "%Z" in layout
    kind = ("TIMESTAMPTZ" if zoned else "TIMESTAMP") if clock else "DATE"
    parsed = f"try_strptime({{x}}, '{layout.replace(chr(39), chr(39) * 2)}')"
    return (
        Rule(
            kind,
            f"date as {layout}",
            f"({parsed} IS NOT NULL)",
            f"CAST({parsed} AS {kind})",
            written={"format": layout},
        ),
    )
