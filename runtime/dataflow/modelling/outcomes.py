"""What came of a build: the tables that dbt made, and how its tests ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataflow.modelling.manifest import Manifest
    from dataflow.modelling.model_graph import Relation

# How tests end, the best first; dbt's other words mean that a test was not made.
_ENDS = ("pass", "warn", "fail", "error")


@dataclass(frozen=True)
class BuiltTable:
    """A table or view that dbt made.

    Args:
        descriptions: What is said of its columns, by their names in lower case.
        sampled: The columns of which values may be shown, in lower case.
    """

    relation: Relation
    seconds: float
    descriptions: Mapping[str, str] = field(default_factory=dict)
    sampled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TestOutcome:
    """How a test of a table ended, or several that share a name.

    Args:
        status: ``pass``, ``warn``, ``fail``, or ``error`` for one that could not be made.
        failing_rows: How many rows did not pass.
        said: What dbt says of those that did not pass.
    """

    __test__ = False

    relation: Relation
    name: str
    status: str
    failing_rows: int = 0
    said: str = ""
    seconds: float = 0.0
    is_error: bool = True


@dataclass(frozen=True)
class BuildResult:
    """What dbt built.

    Args:
        models: Schema and name of each table or view built, in order.
        tables: The same, and seeds and snapshots, with what is known of each.
        outcomes: What came of each test.
    """

    models: list[str]
    tests: int
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    tables: list[BuiltTable] = field(default_factory=list)
    outcomes: list[TestOutcome] = field(default_factory=list)


def built_tables(manifest: Manifest, results: Iterable[Any]) -> list[BuiltTable]:
    """The tables among dbt's results, in order."""
    found = ((result, manifest.relation(result.node.unique_id)) for result in results)
    return [
        BuiltTable(
            relation,
            result.execution_time,
            manifest.columns(relation),
            manifest.sampled_columns(relation),
        )
        for result, relation in found
        if relation and result.status == "success"
    ]


def outcomes_of_tests(manifest: Manifest, results: Iterable[Any]) -> list[TestOutcome]:
    """The tests among dbt's results, each table and name once: with the worst of its ends."""
    found: dict[tuple[Relation, str], TestOutcome] = {}
    for result in results:
        status = "error" if result.status == "runtime error" else str(result.status)
        tested = manifest.tested(result.node.unique_id)
        if tested is None or status not in _ENDS:
            continue
        severity = getattr(result.node.config, "severity", None)
        outcome = TestOutcome(
            *tested,
            status,
            result.failures or 0,
            "" if status == "pass" else " ".join((result.message or "").split()),
            result.execution_time,
            str(severity or "error").lower() == "error",
        )
        known = found.get(tested)
        found[tested] = _both(known, outcome) if known else outcome
    return list(found.values())


def _both(one: TestOutcome, other: TestOutcome) -> TestOutcome:
    worse = max(one, other, key=lambda each: _ENDS.index(each.status))
    return replace(
        worse,
        failing_rows=one.failing_rows + other.failing_rows,
        said="; ".join(filter(None, (one.said, other.said))),
        seconds=one.seconds + other.seconds,
        is_error=one.is_error or other.is_error,
    )
