"""Runs that do a part of what a workflow does: its load, models, one of these, or its dashboard.

It travels as a tag of the run, like what is read of a source. The job is the workflow's own, and
the steps that are not wanted have nothing to do; lock, promotion and history are those of any run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import PART_TAG
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import count_rows, quote_identifier
from dataflow.warehouse.kind import LoadResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duckdb import DuckDBPyConnection

    from dataflow.runs.context import RunContext

LOAD, MODELS, DASHBOARD = "load", "models", "dashboard"
PARTS = (LOAD, MODELS, DASHBOARD)


def part_tags(parts: Iterable[str]) -> dict[str, str]:
    """The tags of a run for these parts alone; none for a whole run.

    Args:
        parts: ``load``, ``models``, ``dashboard``, or the names of models.

    >>> part_tags(["dashboard", "stg_sales", "load"])
    {'dataflow/part': 'load,stg_sales,dashboard'}
    """
    wanted = set(parts)
    return {PART_TAG: ",".join(sorted(wanted, key=_order))} if wanted else {}


def _order(part: str) -> tuple[int, str]:
    """What comes first in a run; models by their names."""
    return (PARTS.index(part) if part in PARTS else PARTS.index(MODELS), part)


def parts_of(tags: Mapping[str, str]) -> frozenset[str]:
    """The parts that a run with these tags is for; empty for a whole run.

    Raises:
        BadInputError: A tag that somebody wrote by hand names none.
    """
    named = tags.get(PART_TAG, "")
    found = frozenset(filter(None, (each.strip() for each in named.split(","))))
    if PART_TAG in tags and not found:
        raise BadInputError(
            f"The tag {PART_TAG} of the run is {quoted(named)}.",
            f"Write {', '.join(PARTS)} or the name of a model, or leave it out.",
        )
    return found


def models_of(parts: frozenset[str]) -> frozenset[str]:
    """The models that are named among the parts; empty if none or all are to be built."""
    return frozenset() if MODELS in parts else parts - set(PARTS)


def is_on_what_is_loaded(tags: Mapping[str, str]) -> bool:
    """Whether a run asks no source, and so has no partition and nothing to read.

    Raises:
        BadInputError: See `parts_of`.
    """
    parts = parts_of(tags)
    return bool(parts) and LOAD not in parts


def makes_models(parts: Iterable[str]) -> bool:
    """Whether a run for these parts makes tables that others read; a whole run does."""
    wanted = set(parts)
    return not wanted or bool(wanted - {LOAD, DASHBOARD})


def loaded_before(run: RunContext) -> LoadResult:
    """The tables that an earlier run has loaded, as a load would tell of them.

    Raises:
        BadInputError: Not all of them are there.
    """
    names = [table.load.table for table in run.settings.tables]
    if not names:
        return LoadResult("", 0, 0)
    if not run.warehouse.exists():
        raise _no_tables(run, names)
    with run.warehouse.connect(read_only=True) as connection:
        lacking = [name for name in names if not _is_there(connection, name)]
        if lacking:
            raise _no_tables(run, lacking)
        results = [
            LoadResult(f"raw.{name}", 0, count_rows(connection, f"raw.{quote_identifier(name)}"))
            for name in names
        ]
    return replace(results[0], more=results[1:])


def _is_there(connection: DuckDBPyConnection, name: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = 'raw' AND lower(table_name) = lower(?)",
        [name],
    ).fetchone()
    return found is not None


def _no_tables(run: RunContext, names: Iterable[str]) -> BadInputError:
    listed = ", ".join(f"raw.{name}" for name in names)
    return BadInputError(
        f"{run.workflow_id} has not loaded {listed} yet, so there is nothing to make a part from.",
        f"Run it whole first: dataflow workflow run {run.workflow_id}",
    )
