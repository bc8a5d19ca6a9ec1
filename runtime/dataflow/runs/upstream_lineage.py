"""Where the assets of one workflow are made from those of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import AssetKey, AssetSpec

from dataflow.modelling.known_graph import known_graph
from dataflow.shared.config import workflow_config
from dataflow.shared.errors import DataflowError
from dataflow.shared.upstream import is_workflow_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.modelling.model_graph import ModelGraph, Relation, UpstreamRelation
    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project

_RAW = "raw"


def with_upstream(
    project: Project, config: WorkflowConfig, graph: ModelGraph, specs: Sequence[AssetSpec]
) -> list[AssetSpec]:
    """The assets of a workflow, with what they are made from in those that it comes after.

    Models are made from the tables that they read. Where none reads any of a workflow, the sources
    come after its last tables: it is the author's code then that reads them, or nothing does.
    """
    after = config.workflow.after
    if not after:
        return list(specs)
    before: dict[tuple[str, ...], list[AssetKey]] = {}
    read = set()
    for model in graph.models:
        for table in model.upstream:
            if key := _key_of(project, table):
                before.setdefault(model.relation, []).append(key)
                read.add(table[0])
    of_sources = [
        key for name in after if name.partition("/")[0] not in read for key in _named(project, name)
    ]
    found = []
    for spec in specs:
        deps = before.get(tuple(spec.key.path[1:]), [])
        if spec.key.path[1] == "source":
            deps = of_sources
        found.append(spec.replace_attributes(deps=[*spec.deps, *deps]) if deps else spec)
    return found


def _key_of(project: Project, table: UpstreamRelation) -> AssetKey | None:
    workflow_id, schema, name = table
    if not is_workflow_folder(project.workflow_dir(workflow_id)):
        # A database that the author's profile attaches.
        return None
    if schema:
        return AssetKey([workflow_id, schema, name])
    made = [each for each in _tables(project, workflow_id) if each[1].lower() == name.lower()]
    # Of several of one name, dbt is told the one in marts.
    made.sort(key=lambda relation: relation[0] != "marts")
    return AssetKey([workflow_id, *made[0]]) if made else None


def _named(project: Project, name: str) -> Iterator[AssetKey]:
    """The assets that an entry of `after` stands for."""
    if not is_workflow_folder(project.workflow_dir(name)):
        yield AssetKey(name.split("/"))
        return
    models = known_graph(project, name).models
    before = {relation for model in models for relation in model.sources}
    last = [model.relation for model in models if model.relation not in before]
    for relation in last or _tables(project, name):
        yield AssetKey([name, *relation])


def _tables(project: Project, workflow_id: str) -> list[Relation]:
    """What a workflow makes: its models, and what it loads where it has none."""
    made = [model.relation for model in known_graph(project, workflow_id).models]
    if made:
        return made
    try:
        loaded = workflow_config(workflow_id, project).tables
    except DataflowError:
        # It is broken, and says so itself.
        return []
    return [(_RAW, table.load.table) for table in loaded]
