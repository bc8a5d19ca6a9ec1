"""Texts that are read one by one: comments rather than names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.inspection.scales import scale_of

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

_TEXTS = frozenset(
    """
    comment comments feedback remark remarks note notes message opinion suggestion suggestions
    description review body text explanation statement
    """.split()  # noqa: SIM905
)
# Letters of a text that is read, and how many words it has on average.
_LONG = 25
_LONGER = 60
_WORDS = 6


def is_long_text(questions: Questions, column: ColumnProfile) -> bool:
    """Whether a column has texts that are read one by one: comments rather than names."""
    if not column.text or column.distinct < 2 or scale_of(column):
        return False
    if not _TEXTS.isdisjoint(column.identifier.split("_")) and column.longest > _LONG:
        return True
    if column.longest <= _LONGER:
        return False
    words = f"length(regexp_replace(trim({column.key}), '[^ ]+', '', 'g')) + 1"
    return (questions.value(f"avg({words})") or 0) >= _WORDS
