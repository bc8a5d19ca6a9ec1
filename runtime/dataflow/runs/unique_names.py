"""Op names that are unique in a code location.

Dagster refuses a location in which two different ops, or nested graphs, have one name. Authors who
write ``@op def extract_op`` in each of two workflows are right to: they do not share a namespace.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from dagster import GraphDefinition, OpDefinition
from dagster._core.definitions.dependency import NodeInvocation

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from dagster import JobDefinition
    from dagster._core.definitions.node_definition import NodeDefinition


def with_unique_names(
    jobs: Mapping[str, Mapping[str, JobDefinition]],
) -> dict[str, dict[str, JobDefinition]]:
    """Rename the op definitions whose names occur in more than one workflow.

    Each step keeps the name that the author gave it, as an alias, so run history, step keys and
    run config stay as they are. Which names change does not depend on the order of the workflows.

    Args:
        jobs: The jobs of each workflow, by workflow id and by their names.

    Returns:
        The same jobs, those with such names rebuilt.
    """
    known: dict[str, dict[int, NodeDefinition]] = defaultdict(dict)
    for own in jobs.values():
        for job in own.values():
            for node in (*job.all_node_defs, job.graph):
                known[node.name][id(node)] = node
    shared = {name for name, nodes in known.items() if len(nodes) > 1}
    renamed: dict[str, dict[str, JobDefinition]] = {}
    for workflow_id, own in jobs.items():
        # What two jobs of one workflow share stays one definition.
        renaming = _Renaming(workflow_id, shared)
        renamed[workflow_id] = {
            name: renaming.of_job(job) if _has_any(job, shared) else job
            for name, job in own.items()
        }
    return renamed


def _has_any(job: JobDefinition, names: Set[str]) -> bool:
    return any(node.name in names for node in (*job.all_node_defs, job.graph))


class _Renaming:
    """Renames what one job consists of. A definition that it uses twice stays one definition."""

    def __init__(self, workflow_id: str, names: Set[str]) -> None:
        self._workflow_id = workflow_id
        self._names = names
        self._done: dict[int, NodeDefinition] = {}

    def of_job(self, job: JobDefinition) -> JobDefinition:
        # The job's own name is set apart from its graph's, so that only the graph's changes.
        return job._copy(graph_def=self._of_graph(job.graph), name=job.name)

    def _of_node(self, node: NodeDefinition) -> NodeDefinition:
        if id(node) not in self._done:
            self._done[id(node)] = self._renamed(node)
        return self._done[id(node)]

    def _renamed(self, node: NodeDefinition) -> NodeDefinition:
        if isinstance(node, OpDefinition):
            if node.name not in self._names:
                return node
            return node.with_replaced_properties(name=self._new_name(node.name))
        if isinstance(node, GraphDefinition):
            return self._of_graph(node)
        return node

    def _of_graph(self, graph: GraphDefinition) -> GraphDefinition:
        dependencies = {
            self._of_invocation(key): inputs for key, inputs in _invocations(graph).items()
        }
        return GraphDefinition(
            name=self._new_name(graph.name),
            description=graph.description,
            node_defs=[self._of_node(node) for node in graph.node_defs],
            dependencies=dependencies,
            input_mappings=graph.input_mappings,
            output_mappings=graph.output_mappings,
            config=graph.config_mapping,
            tags=graph.tags,
            input_assets=graph._input_assets,
            composition_fn=graph._composition_fn,
        )

    def _of_invocation(self, invocation: NodeInvocation) -> NodeInvocation:
        return invocation._replace(
            name=self._new_name(invocation.name), alias=invocation.alias or invocation.name
        )

    def _new_name(self, name: str) -> str:
        # Two underscores: no workflow id has them, so no two of these can be the same.
        return f"{self._workflow_id}__{name}" if name in self._names else name


def _invocations(graph: GraphDefinition) -> dict[NodeInvocation, Mapping[str, Any]]:
    """A graph's nodes and what their inputs depend on, those included that depend on nothing."""
    found = {
        key if isinstance(key, NodeInvocation) else NodeInvocation(key): inputs
        for key, inputs in graph.dependencies.items()
    }
    named = {invocation.name for invocation in found}
    return found | {
        NodeInvocation(node.name): {} for node in graph.node_defs if node.name not in named
    }
