"""Building models by an engine beside the warehouse: it sees the tables before, and is asked after.

Between dbt's parse and its build the manifest gets what the engine asks for: the schemas of other
workflows' tables, and where it writes its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.modelling.packages import UPSTREAM_PACKAGE
from dataflow.modelling.placing import parse
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.shown import quoted
from dataflow.warehouse.dbt_engine import DbtTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dataflow.warehouse.dbt_engine import DbtEngine, HasDbtEngine
    from dataflow.warehouse.kind import HeldTables

_MADE = ("model", "seed", "snapshot")


def build_by_engine(
    warehouse: HasDbtEngine,
    upstream: Mapping[str, HeldTables],
    callbacks: list[Callable[[Any], None]],
    arguments: Sequence[str],
) -> Any:
    """Have dbt parse a project, and an engine build it; what it made is then in the warehouse.

    Args:
        upstream: The tables of other workflows, by the ids of those.
        arguments: dbt's, with the command ``build`` among them.

    Returns:
        dbt's result; that of the parse, if it failed.

    Raises:
        BadInputError: A model is of a kind that the engine does not make, or has types that the
            warehouse does not hold.
        WarehouseError: The engine cannot be had, or what it made cannot be kept.
    """
    from dbt.cli.main import dbtRunner

    parsed = parse(arguments)
    if parsed.exception is not None or not parsed.success:
        return parsed
    manifest: Any = parsed.result
    for node in manifest.nodes.values():
        _refuse_unknown_kind(warehouse, node)
    tables = {
        node.unique_id: _table(node)
        for node in (*manifest.nodes.values(), *manifest.sources.values())
        if node.resource_type in (*_MADE, "source")
    }
    selects = "--select" in arguments
    # What is built anew nobody reads before.
    read = [
        table for unique_id, table in tables.items() if selects or unique_id.startswith("source.")
    ]
    sources = list(manifest.sources.values())
    schemas = [(source, source.schema) for source in sources]
    try:
        with warehouse.dbt_engine(read, upstream) as engine:
            for source in sources:
                source.schema = engine.schema_of(tables[source.unique_id])
                source.relation_name = f"{source.schema}.{source.identifier}"
            for node in manifest.nodes.values():
                if node.resource_type in (*_MADE, "test"):
                    for key, value in engine.settings_of(_table(node)).items():
                        node.config[key] = value
            watched = [_before_statements(engine), *callbacks]
            outcome = dbtRunner(manifest=manifest, callbacks=watched).invoke(list(arguments))
            try:
                engine.keep(_made(outcome, tables))
            except DataflowError:
                # What dbt says comes first.
                if outcome.success:
                    raise
            return outcome
    finally:
        for source, schema in schemas:
            source.schema = schema
            if source.package_name == UPSTREAM_PACKAGE:
                # By this the manifest's readers know that it is another workflow's.
                source.database = source.source_name


def _before_statements(engine: DbtEngine) -> Callable[[Any], None]:
    def on_event(_: Any) -> None:
        engine.before_statement()

    return on_event


def _table(node: Any) -> DbtTable:
    is_source = node.resource_type == "source"
    return DbtTable(
        node.schema,
        node.identifier if is_source else node.alias,
        node.source_name if is_source and node.package_name == UPSTREAM_PACKAGE else "",
        is_view=not is_source and node.config.materialized == "view",
    )


def _made(outcome: Any, tables: Mapping[str, DbtTable]) -> list[DbtTable]:
    """What dbt has made, also where something else then failed."""
    results = getattr(outcome.result, "results", None) or []
    return [
        tables[result.node.unique_id]
        for result in results
        if result.node.resource_type in _MADE and result.status == "success"
    ]


def _refuse_unknown_kind(warehouse: HasDbtEngine, node: Any) -> None:
    kind = str(node.config.materialized)
    known = sorted(warehouse.dbt_makes)
    if kind not in known or getattr(node, "language", "sql") == "python":
        what = f"is {kind}" if kind not in known else "is written in Python"
        raise BadInputError(
            f"The {node.resource_type} {quoted(node.name)} {what}, which the warehouse does not "
            "build; nothing was built.",
            "Make it a table or a view, in SQL: `materialized='table'`.",
        )
    for key in ("file_format", "location_root", "partition_by", "clustered_by"):
        if node.config.get(key) is not None and node.resource_type in _MADE:
            raise BadInputError(
                f"The {node.resource_type} {quoted(node.name)} sets {key}, which the warehouse "
                "decides; nothing was built.",
                f"Take {key} out of the model's config.",
            )
