"""What the steps of a workflow's job tell of the assets that they make and check."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetMaterialization,
    AssetObservation,
)

from dataflow.runs.asset_events import tell
from dataflow.runs.lineage import CONTRACT_CHECK, dashboard_key, source_key, table_key
from dataflow.runs.table_facts import TableFacts, facts_of_tables
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened
from dataflow.sources.errors import AccessRefusedError, ContractError
from dataflow.warehouse.run_warehouse import RunWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dataflow.modelling.model_graph import Relation
    from dataflow.modelling.outcomes import BuiltTable, TestOutcome
    from dataflow.runs.asset_events import AssetEvent
    from dataflow.runs.context import RunContext
    from dataflow.runs.stored_table import StoredTable
    from dataflow.shared.contract import Contract
    from dataflow.shared.named_source import SourceTable
    from dataflow.warehouse.kind import LoadRequest, LoadResult

log = get_logger(__name__)

_LONGEST_WORDS = 500


@dataclass(frozen=True)
class LoadedTable:
    """A table that a step has loaded.

    Args:
        seconds: How long that took.
    """

    request: LoadRequest
    result: LoadResult
    seconds: float


@contextmanager
def telling_of_sources(run: RunContext) -> Iterator[ToldOfSources]:
    """Tell, at the end of the block, what the sources gave; also if it raises."""
    told = ToldOfSources(run)
    try:
        yield told
    finally:
        tell(run, told.events, at_end=run.is_locked)


class ToldOfSources:
    """What an extract tells: how many rows its sources gave, and whether contracts were kept."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self.events: list[AssetEvent] = []

    def of(self, table: SourceTable, extracted: Iterable[StoredTable]) -> list[StoredTable]:
        """Take the tables of one source as they come, and note what is to be told of them.

        Raises:
            ContractError: They are not as their contract says; that is noted too.
        """
        run, started = self._run, time.monotonic()
        name = table.load.table
        stored: list[StoredTable] = []
        try:
            stored.extend(extracted)
        except AccessRefusedError as error:
            from dataflow.runs.refused_login import tell_of_login

            tell_of_login(error, run.project, run.workflow_id, table.name)
            raise
        except ContractError as error:
            failed = [name, *table.child_tables][len(stored)]
            self.events.append(_broken_contract(run, failed, error))
            raise
        about = {"rows": stored[0].rows, "seconds": round(time.monotonic() - started, 3)}
        key = source_key(run.workflow_id, run.settings, name)
        self.events.append(AssetObservation(key, metadata=about))
        self.events += [
            _kept_contract(run, each.table or name, each.metadata["contract"])
            for each in stored
            if each.metadata.get("contract")
        ]
        return stored


def tell_of_loaded_tables(run: RunContext, tables: Iterable[LoadedTable]) -> None:
    """Tell of the tables that a run has loaded: rows, columns, what was put aside."""
    loaded = {_relation(each.result.table): each for each in tables}
    facts = _facts(run, {each: _sampled(run, each[1]) for each in loaded})
    tell(
        run,
        [
            AssetMaterialization(
                table_key(run.workflow_id, relation),
                partition=each.request.partition,
                metadata={
                    **facts.get(relation, TableFacts()).metadata(),
                    "dagster/row_count": each.result.rows_in_table,
                    "rows_loaded": each.result.rows_loaded,
                    **_of_partition(each),
                    **_rejected(each.request.rejected, _contract(run, relation[1]) is not None),
                    "seconds": round(each.seconds, 3),
                },
            )
            for relation, each in loaded.items()
        ],
        at_end=isinstance(run.warehouse, RunWarehouse),
    )


def tell_of_models(
    run: RunContext, tables: Iterable[BuiltTable], outcomes: Iterable[TestOutcome]
) -> None:
    """Tell of the tables that dbt has made, and how its tests ended, in a build that failed too."""
    made = {each.relation: each for each in tables}
    facts = _facts(run, {relation: each.sampled for relation, each in made.items()})
    materializations = [
        AssetMaterialization(
            table_key(run.workflow_id, relation),
            metadata={
                **facts.get(relation, TableFacts()).metadata(each.descriptions),
                "seconds": round(each.seconds, 3),
            },
        )
        for relation, each in made.items()
    ]
    evaluations = [_evaluation(run.workflow_id, each) for each in outcomes]
    is_at_end = isinstance(run.warehouse, RunWarehouse)
    tell(run, [*materializations, *evaluations], at_end=is_at_end)


def tell_of_dashboard(run: RunContext, tables: Mapping[str, int], seconds: float) -> None:
    """Tell of the tables that a run has published for the pages."""
    about: dict[str, Any] = {
        "rows": sum(tables.values()),
        "tables": dict(tables),
        "seconds": round(seconds, 3),
    }
    made = AssetMaterialization(dashboard_key(run.workflow_id), metadata=about)
    tell(run, [made], at_end=run.is_locked)


def _of_partition(table: LoadedTable) -> dict[str, int]:
    if table.request.partition is None:
        return {}
    return {"dagster/partition_row_count": table.result.rows_loaded}


def _facts(
    run: RunContext, relations: Mapping[Relation, frozenset[str]]
) -> dict[Relation, TableFacts]:
    if not relations:
        return {}
    try:
        return facts_of_tables(run.warehouse, relations)
    except Exception as error:  # what is told of tables must not fail the run that made them
        log.warning(f"The columns of the new tables could not be looked up: {error}")
        return {}


def _relation(table: str) -> Relation:
    schema, _, name = table.partition(".")
    return schema, name


def _contract(run: RunContext, table: str) -> Contract | None:
    for each in run.settings.tables:
        child = each.child_tables.get(table)
        if each.load.table == table or child:
            return child.contract if child else each.contract
    return None


def _sampled(run: RunContext, table: str) -> frozenset[str]:
    """The columns of a raw table whose contract lets their values be shown, in lower case."""
    contract = _contract(run, table)
    columns = contract.columns if contract else {}
    return frozenset(name.lower() for name, column in columns.items() if column.sample)


def _rejected(rows: Path | None, has_contract: bool) -> dict[str, int]:
    if rows is None:
        return {"rejected_rows": 0} if has_contract else {}
    import pyarrow.parquet as pq

    return {"rejected_rows": pq.read_metadata(rows).num_rows}


def _kept_contract(run: RunContext, table: str, report: Mapping[str, Any]) -> AssetCheckEvaluation:
    """How rows that were loaded differed from their contract."""
    found = {key: value for key, value in report.items() if value}
    return AssetCheckEvaluation(
        table_key(run.workflow_id, ("raw", table)),
        CONTRACT_CHECK,
        passed=not found,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "failing_rows": report.get("rejected_rows", 0),
            **{k: list(v) if isinstance(v, (list, tuple)) else v for k, v in found.items()},
        },
    )


def _broken_contract(run: RunContext, table: str, error: ContractError) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        table_key(run.workflow_id, ("raw", table)),
        CONTRACT_CHECK,
        passed=False,
        severity=AssetCheckSeverity.ERROR,
        description=shortened(redact(error.reason), _LONGEST_WORDS),
        metadata={"failing_rows": error.failing_rows},
    )


def _evaluation(workflow_id: str, outcome: TestOutcome) -> AssetCheckEvaluation:
    is_warning = outcome.status == "warn" or (outcome.status == "pass" and not outcome.is_error)
    return AssetCheckEvaluation(
        table_key(workflow_id, outcome.relation),
        outcome.name,
        passed=outcome.status == "pass",
        severity=AssetCheckSeverity.WARN if is_warning else AssetCheckSeverity.ERROR,
        description=shortened(redact(outcome.said), _LONGEST_WORDS) or None,
        metadata={
            "failing_rows": outcome.failing_rows,
            "seconds": round(outcome.seconds, 3),
        },
    )
