"""What the rows of a table are about, where there is one row for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

# Names that tell people nothing.
_MEANINGLESS = frozenset("uuid guid hash token url uri link email mail".split())  # noqa: SIM905
_LONGEST_NAME = 60
# Of more rows nobody reads a ranking; they can be sorted below it.
_MOST_ENTITIES = 5000
_UUID = r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}|[0-9a-f]{32,}"


def entity_of(questions: Questions, profiles: list[ColumnProfile], primary_key: list[str]) -> str:
    """The identifier of the column that names each row; empty if none does.

    A name says more than a key does.
    """
    unique = [
        column
        for column in profiles
        if column.text
        and column.unique
        and 1 < column.rows <= _MOST_ENTITIES
        and column.longest <= _LONGEST_NAME
        and _MEANINGLESS.isdisjoint(column.identifier.split("_"))
    ]
    are_meaningless = questions.each(
        unique,
        lambda column: questions.holds(f"regexp_full_match({column.key}, '{_UUID}')", column),
    )
    named = [one for one, is_none in zip(unique, are_meaningless, strict=True) if not is_none]
    best = min(named, key=lambda column: column.name in primary_key, default=None)
    return best.identifier if best else ""
