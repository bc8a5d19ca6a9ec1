"""The tables beside a dataset's own that the site's components ask: `<table>_daily`, `_groups`.

With a date there is a row for each day and combination of categories, else one for each of these.
Which columns are needed depends on the components that a page has; see docs/dashboards.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_OF_PERIODS = frozenset({"Overview", "Trend"})
_OF_DAYS = frozenset({"Freshness", "Filters", *_OF_PERIODS})
_WHERE = "docs/dashboards.md, 'What a dataset says', has an example"


@dataclass(frozen=True)
class Measure:
    """A measure of a dataset, and whether it is a mean."""

    name: str
    is_mean: bool


@dataclass(frozen=True)
class Asked:
    """What a page's components ask of a dataset.

    Args:
        components: Their names, and of those with a column, the column: ``Ranking``, ``country``.
        has_date: Whether the dataset names a date.
        is_series: Whether it has a row for each date, and rows are not counted.
    """

    components: Sequence[tuple[str, str]] = ()
    has_date: bool = False
    is_series: bool = False
    categories: Sequence[str] = ()
    measures: Sequence[Measure] = field(default=())


def derived_faults(
    table: str, asked: Asked, tables: Mapping[str, Sequence[str]], awaited: Collection[str] = ()
) -> Iterator[str]:
    """What lacks of the table that components derive from a dataset's, in words.

    Args:
        tables: The columns of each table that the workflow publishes.
        awaited: Tables that the next run publishes, whose columns nobody knows yet.
    """
    components, columns = _needed(asked)
    name = f"{table}{'_daily' if asked.has_date else '_groups'}"
    if not components or name in awaited:
        return
    wanted = ", ".join(columns)
    tags = " and ".join(f"<{each}>" for each in components)
    rows = "a row for each day and combination of categories" if asked.has_date else ""
    rows = rows or "a row for each combination of categories"
    if name not in tables:
        remedy = "or leave `date` out" if asked.has_date else "or leave `categories` out"
        yield (
            f"{tags} of {table!r} read {name}, which no query in sources publishes; write "
            f"sources/{name}.sql with {rows} and the columns {wanted}, {remedy} ({_WHERE})"
        )
        return
    known = {column.lower() for column in tables[name]}
    lacking = [column for column in columns if column.lower() not in known]
    if lacking:
        yield f"{name} lacks {', '.join(lacking)}, which {tags} of {table!r} read ({_WHERE})"


def _needed(asked: Asked) -> tuple[list[str], list[str]]:
    """The components that read a derived table, and the columns that they need there."""
    reading: dict[str, None] = {}
    columns: dict[str, None] = {}
    for component, column in asked.components:
        is_ranking = component in ("Ranking", "Map") and column in asked.categories
        is_filter = component == "Filters" and (asked.has_date or bool(asked.categories))
        if not (is_ranking or is_filter or (asked.has_date and component in _OF_DAYS)):
            continue
        reading[component] = None
        if asked.has_date:
            columns["day"] = None
        if component in _OF_PERIODS:
            columns |= dict.fromkeys(("first_at", "last_at"))
        if is_filter:
            columns |= dict.fromkeys(asked.categories)
        if component in ("Trend", "Ranking", "Map") and column in asked.categories:
            columns[column] = None
        if component in _OF_PERIODS or is_ranking:
            columns |= dict.fromkeys(_of_measures(asked))
        if is_filter or is_ranking or (component in _OF_PERIODS and not asked.is_series):
            columns["row_count"] = None
    return list(reading), list(columns)


def _of_measures(asked: Asked) -> Iterator[str]:
    for measure in asked.measures:
        yield f"{measure.name}_sum"
        if measure.is_mean:
            yield f"{measure.name}_count"
