"""Whether what happened succeeded: columns whose words or numbers say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_literal
from dataflow_tools.inspection.roles import is_http_status

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

_NAMES = frozenset(
    "status state result outcome success succeeded ok passed failed failure error".split()  # noqa: SIM905
)
_SUCCESS = frozenset(
    """
    ok success successful succeeded succeed passed pass completed complete done delivered finished
    """.split()  # noqa: SIM905
)
_FAILURE = frozenset(
    """
    error errors failed failure fail timeout timed_out timedout crashed crash aborted rejected
    undelivered bounced unsuccessful
    """.split()  # noqa: SIM905
)
# Not over yet, or ended by somebody: neither a success nor a failure.
_NEITHER = frozenset(
    """
    pending running queued started waiting scheduled in_progress processing retrying skipped
    cancelled canceled unknown new open
    """.split()  # noqa: SIM905
)
_TRUE_IS_SUCCESS = frozenset("success succeeded successful ok passed completed delivered".split())  # noqa: SIM905
_TRUE_IS_FAILURE = frozenset("failed failure error crashed aborted".split())  # noqa: SIM905
_FIRST_ERROR = 400


def success_of(questions: Questions, profiles: list[ColumnProfile]) -> dict[str, dict[str, Any]]:
    """How the first column that tells success from failure does so, by identifier.

    Returns:
        ``name`` of a measure, and ``sql``: 1 for a success, 0 for a failure, else null, with
        ``{column}`` where the column is to stand. Nothing where a word leaves it open.
    """
    taken = {column.identifier for column in profiles}
    name = "success_rate"
    if taken & {name, f"{name}_sum", f"{name}_count"}:
        return {}
    varied = [column for column in profiles if column.distinct > 1]
    tests = questions.each(varied, lambda column: _test(questions, column))
    telling = zip(varied, tests, strict=True)
    return next(
        ({column.identifier: {"name": name, "sql": sql}} for column, sql in telling if sql), {}
    )


def _test(questions: Questions, column: ColumnProfile) -> str:
    words = set(column.identifier.split("_"))
    if is_http_status(questions, column):
        return f"case when {{column}} >= {_FIRST_ERROR} then 0 when {{column}} >= 100 then 1 end"
    if column.type == "BOOLEAN":
        if words & _TRUE_IS_SUCCESS and not words & _TRUE_IS_FAILURE:
            return "case when {column} then 1 when not {column} then 0 end"
        if words & _TRUE_IS_FAILURE and not words & _TRUE_IS_SUCCESS:
            return "case when {column} then 0 when not {column} then 1 end"
        return ""
    if not column.values or not words & _NAMES:
        return ""
    plain = {value: value.strip().lower().replace(" ", "_") for value in column.values}
    good = [value for value, word in plain.items() if word in _SUCCESS]
    bad = [value for value, word in plain.items() if word in _FAILURE]
    is_decided = set(plain.values()) <= _SUCCESS | _FAILURE | _NEITHER
    if not (good and bad and is_decided):
        return ""
    return f"case when {_among(good)} then 1 when {_among(bad)} then 0 end"


def _among(values: list[str]) -> str:
    return f"{{column}} in ({', '.join(map(quote_literal, values))})"
