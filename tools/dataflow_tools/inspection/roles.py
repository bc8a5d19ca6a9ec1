"""What each column is for: the date of a row, a measure, a category, a key, or something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.inspection.key_names import named_like_a_code
from dataflow_tools.inspection.long_text import is_long_text
from dataflow_tools.inspection.places import names_countries

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

# A text column with at most so many values groups rows.
CATEGORY_VALUES = 50
_MOMENTS = frozenset("time timestamp ts epoch unix date created updated at".split())  # noqa: SIM905
_MINUTES = 60
_PLACES = frozenset("lat latitude lon lng long longitude easting northing".split())  # noqa: SIM905
# The date that a row happened at, rather than one that it mentions; the first is the best.
_GOOD_DATES = ("date", "day", "timestamp", "datetime", "time", "created", "start", "month", "hour")
_POOR_DATES = frozenset(
    "updated modified birth born death died expires expiry end until".split()  # noqa: SIM905
)


def best_date(profiles: list[ColumnProfile]) -> ColumnProfile | None:
    """The column that a time series is best drawn along: filled, varied, and well named."""
    candidates = [column for column in profiles if column.time and column.distinct > 1]
    return min(candidates, key=_date_rank, default=None)


def _date_rank(column: ColumnProfile) -> tuple[float, bool, int]:
    words = column.identifier.split("_")
    good = [_GOOD_DATES.index(word) for word in words if word in _GOOD_DATES]
    return (
        round(column.nulls / max(column.rows, 1), 1),
        not _POOR_DATES.isdisjoint(words),
        min(good, default=len(_GOOD_DATES)),
    )


def role_of(
    questions: Questions,
    column: ColumnProfile,
    date: ColumnProfile | None,
    primary_key: list[str],
) -> str:
    """The role of a column.

    Args:
        date: The column that was chosen as the date.
        primary_key: Names of the columns that identify a row.

    Returns:
        ``date`` (one column at most), ``key``, ``measure``, ``category``, ``nested``, ``time``
        (another date or time), ``flag``, ``place`` (a coordinate), ``code`` (a number that is no
        amount) or ``text``. A part of a key that groups rows is a category.
    """
    words = column.identifier.split("_")
    if column.nested:
        return "nested"
    if column is date:
        return "date"
    if column.time or column.type == "TIME":
        return "time"
    is_category = _groups(column) or _groups_by_country(questions, column)
    if column.name in primary_key and (len(primary_key) == 1 or not is_category):
        return "key"
    if column.type == "BOOLEAN":
        return "flag"
    if is_http_status(questions, column):
        return "category"
    if column.whole or column.fractional:
        if not _PLACES.isdisjoint(words):
            return "place"
        return "code" if _is_code(questions, column, words) else "measure"
    return "category" if is_category and not is_long_text(questions, column) else "text"


def _groups(column: ColumnProfile) -> bool:
    few = 1 < column.distinct <= CATEGORY_VALUES
    return column.text and few and column.distinct * 2 <= column.rows


def _groups_by_country(questions: Questions, column: ColumnProfile) -> bool:
    # There are more than 50 of them, and all are on the map.
    many = column.distinct > CATEGORY_VALUES and column.distinct * 2 <= column.rows
    return many and names_countries(questions, column)


def is_http_status(questions: Questions, column: ColumnProfile) -> bool:
    """Whether the whole numbers of a column are how web servers answer: 200, 404, 503."""
    named = not {"status", "http"}.isdisjoint(column.identifier.split("_"))
    few = 1 < column.distinct <= CATEGORY_VALUES
    answers = f"{column.key} BETWEEN 100 AND 599"
    return column.whole and named and few and questions.holds(answers, column)


def looks_like_days(questions: Questions, column: ColumnProfile) -> bool:
    """Whether all whole numbers of a column are days, written as 20240131."""
    day = f"try_strptime({column.key}::VARCHAR, '%Y%m%d')"
    return (
        column.type in ("INTEGER", "BIGINT")
        and column.distinct > 1
        and questions.holds(f"coalesce(year({day}) BETWEEN 1800 AND 2100, false)", column)
    )


def _is_code(questions: Questions, column: ColumnProfile, words: list[str]) -> bool:
    if not column.whole:
        # Years with a gap among them often come as 2013.0.
        return named_like_a_code(column.identifier) and questions.holds(
            f"{column.key} = trunc({column.key})", column
        )
    if column.distinct <= 1 or named_like_a_code(column.identifier):
        return True
    # Years, in whatever language they are called so.
    years = f"{column.key} BETWEEN 1800 AND 2100"
    if looks_like_days(questions, column) or questions.holds(years, column):
        return True
    if _MOMENTS.isdisjoint(words):
        return False
    # 517 for 5:17: no value has more than 59 in its last two digits.
    clock = f"{column.key} BETWEEN 0 AND 2400 AND {column.key} % 100 < 60"
    if "time" in words and column.distinct > _MINUTES and questions.holds(clock, column):
        return True
    # Seconds or milliseconds since 1970, of the years from 1973 to 2065.
    since_1970 = f"{column.key} BETWEEN 1e8 AND 3e9 OR {column.key} BETWEEN 1e11 AND 3e12"
    return questions.holds(since_1970, column)
