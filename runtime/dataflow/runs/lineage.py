"""A workflow's tables as assets: source, raw tables, each dbt model, dashboard; and their checks.

All of it is read from what the workflow has anyway: config.yaml, the dbt project, the dashboard's
queries. No file says it again. Runs tell what became of the assets: see `asset_events`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckSpec,
    AssetKey,
    AssetSpec,
    MetadataValue,
    TableColumn,
    TableSchema,
)
from dagster._utils.tags import is_valid_tag_key

from dataflow.publish.folders import dashboard_folder, source_queries
from dataflow.runs.freshness import overdue_policy
from dataflow.runs.partitioning import partitions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dagster import PartitionsDefinition

    from dataflow.modelling.model_graph import Model, ModelGraph, Relation
    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.contract import Contract
    from dataflow.shared.project import Project

CONTRACT_CHECK = "contract"
_RAW = "raw"
_KIND = "dagster/kind/"
# Schema and name of a table in a query.
_TABLE_NAME = re.compile(r'(?:"([^"]+)"|\b(\w+))\s*\.\s*(?:"([^"]+)"|(\w+))')
# Of a longer model people read the file.
_MOST_SQL = 20_000


@dataclass(frozen=True)
class Lineage:
    """The assets of one workflow, in the order in which they are made, and their checks.

    Args:
        models: Those that dbt makes, with the names by which dbt knows them.
    """

    specs: list[AssetSpec] = field(default_factory=list)
    checks: list[AssetCheckSpec] = field(default_factory=list)
    models: dict[AssetKey, str] = field(default_factory=dict)


def table_key(workflow_id: str, relation: Relation) -> AssetKey:
    """The asset of a table or view."""
    return AssetKey([workflow_id, *relation])


def source_key(workflow_id: str, config: WorkflowConfig, table: str) -> AssetKey:
    """The asset of the source that a table is loaded from: of the first, it has no name."""
    is_first = config.tables[0].load.table == table
    return AssetKey([workflow_id, "source", *([] if is_first else [table])])


def dashboard_key(workflow_id: str) -> AssetKey:
    """The asset of a workflow's pages."""
    return AssetKey([workflow_id, "dashboard"])


def read_lineage(project: Project, workflow_id: str, config: WorkflowConfig) -> Lineage:
    """Read a workflow's assets from its files; without dbt, and within milliseconds."""
    # A run asks only for the keys of assets, not for what dbt makes.
    from dataflow.modelling.known_graph import known_graph
    from dataflow.runs.upstream_lineage import with_upstream

    graph = known_graph(project, workflow_id)
    specs = [*_loaded(workflow_id, config), *(_model(workflow_id, each) for each in graph.models)]
    specs = with_upstream(project, config, graph, specs)
    if dashboard_folder(project, workflow_id).is_dir():
        specs.append(_dashboard(project, workflow_id, specs, graph))
    schedule = config.workflow.schedule
    if schedule:
        # A source is not made here, and cannot be late here.
        overdue = overdue_policy(schedule, config.workflow.timezone)
        made = ("raw", "dashboard", *(model.relation[0] for model in graph.models))
        specs = [
            spec.replace_attributes(freshness_policy=overdue) if spec.key.path[1] in made else spec
            for spec in specs
        ]
    there = {spec.key for spec in specs}
    checks = [
        *_contract_checks(workflow_id, config),
        *(
            AssetCheckSpec(
                test.name,
                asset=table_key(workflow_id, test.relation),
                description=test.description or None,
                blocking=test.is_error,
            )
            for test in graph.tests
        ),
    ]
    unique = {check.key: check for check in checks if check.asset_key in there}
    models = {table_key(workflow_id, model.relation): model.name for model in graph.models}
    return Lineage(list({spec.key: spec for spec in specs}.values()), list(unique.values()), models)


def with_words_of(spec: AssetSpec, author: AssetSpec) -> AssetSpec:
    """An asset that the author's code describes as well: what it says there is what is shown."""
    deps = {dep.asset_key: dep for dep in (*spec.deps, *author.deps)}
    # Dagster takes three kinds at most.
    tags = {k: v for k, v in spec.tags.items() if not (author.kinds and k.startswith(_KIND))}
    return author.replace_attributes(
        deps=list(deps.values()),
        description=author.description or spec.description,
        metadata={**spec.metadata, **author.metadata},
        tags={**tags, **author.tags},
        group_name=author.group_name or spec.group_name,
        freshness_policy=author.freshness_policy or spec.freshness_policy,
        partitions_def=author.partitions_def or spec.partitions_def,
    )


def _loaded(workflow_id: str, config: WorkflowConfig) -> Iterator[AssetSpec]:
    workflow = config.workflow
    parts = partitions_of(workflow, workflow.partition) if workflow.partition else None
    for table in config.tables:
        kind = str(getattr(table.source, "type", ""))
        source = source_key(workflow_id, config, table.load.table)
        named = f" {table.name}" if table.name else ""
        yield AssetSpec(
            source,
            description=f"The source{named} that config.yaml names.",
            group_name=workflow_id,
            kinds=_kinds(kind),
        )
        yield _raw(workflow_id, table.load.table, source, table.contract, parts)
        for name, child in table.child_tables.items():
            said = f"The items of {child.path} in the rows of {table.load.table}."
            yield _raw(workflow_id, name, source, child.contract, parts, said)


def _raw(
    workflow_id: str,
    table: str,
    source: AssetKey,
    contract: Contract | None,
    parts: PartitionsDefinition | None,
    said: str = "The rows as they were loaded.",
) -> AssetSpec:
    return AssetSpec(
        table_key(workflow_id, (_RAW, table)),
        deps=[source],
        description=said,
        group_name=workflow_id,
        kinds={"duckdb"},
        metadata=_about_table(workflow_id, (_RAW, table), _agreed(contract)),
        partitions_def=parts,
    )


def _agreed(contract: Contract | None) -> list[TableColumn]:
    columns = contract.columns if contract else {}
    return [
        TableColumn(name, column.type, description=f"In {column.unit}." if column.unit else None)
        for name, column in columns.items()
    ]


def _model(workflow_id: str, model: Model) -> AssetSpec:
    columns = [
        TableColumn(column.name, column.type or "", description=column.description or None)
        for column in model.columns
    ]
    about: dict[str, Any] = {"materialized": model.materialized}
    if model.sql:
        text = model.sql[:_MOST_SQL]
        about["code"] = MetadataValue.md(f"```{model.language}\n{text}\n```")
    return AssetSpec(
        table_key(workflow_id, model.relation),
        deps=[table_key(workflow_id, each) for each in model.sources],
        description=model.description or None,
        group_name=workflow_id,
        kinds={"duckdb", "dbt"},
        tags={tag: "" for tag in model.tags if is_valid_tag_key(tag)},
        metadata={**_about_table(workflow_id, model.relation, columns), **about},
    )


def _about_table(
    workflow_id: str, relation: Relation, columns: list[TableColumn]
) -> Mapping[str, Any]:
    about: dict[str, Any] = {"dagster/table_name": ".".join((workflow_id, *relation))}
    if columns:
        about["dagster/column_schema"] = TableSchema(columns)
    return about


def _dashboard(
    project: Project, workflow_id: str, specs: list[AssetSpec], graph: ModelGraph
) -> AssetSpec:
    tables = {spec.key: tuple(spec.key.path[1:]) for spec in specs if len(spec.key.path) == 3}
    queries = source_queries(project, workflow_id).values()
    asked = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in queries)
    named = {
        (part[0] or part[1], part[2] or part[3]) for part in _TABLE_NAME.findall(asked.lower())
    }
    read = [
        key for key, (schema, name) in tables.items() if (schema.lower(), name.lower()) in named
    ]
    if not read:
        before = {dep.asset_key for spec in specs for dep in spec.deps}
        last = {table_key(workflow_id, model.relation) for model in graph.models} - before
        read = sorted(last) or [key for key in tables if key.path[1] == _RAW]
    return AssetSpec(
        dashboard_key(workflow_id),
        deps=read,
        description=f"The pages under /{workflow_id}/.",
        group_name=workflow_id,
        kinds={"evidence"},
    )


def _contract_checks(workflow_id: str, config: WorkflowConfig) -> Iterator[AssetCheckSpec]:
    for table in config.tables:
        agreed = {table.load.table: table.contract}
        agreed |= {name: child.contract for name, child in table.child_tables.items()}
        for name, contract in agreed.items():
            if contract is not None:
                yield AssetCheckSpec(
                    CONTRACT_CHECK,
                    asset=table_key(workflow_id, (_RAW, name)),
                    description="The rows are as the contract in config.yaml says.",
                )


def _kinds(kind: str) -> set[str]:
    return {kind} if re.fullmatch(r"[a-z0-9_]+", kind) else set()
