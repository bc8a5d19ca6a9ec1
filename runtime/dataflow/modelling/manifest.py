"""The tables and tests of a dbt project as dbt's manifest has them: exact, once dbt has run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from dataflow.modelling.model_graph import (
    Model,
    ModelColumn,
    ModelGraph,
    ModelTest,
    Relation,
    UpstreamRelation,
    merged_tests,
    name_of_test,
)

_MADE = ("model", "seed", "snapshot")


class Manifest:
    """dbt's ``manifest.json``, looked up by the ids that dbt gives things."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._nodes: Mapping[str, Any] = values["nodes"]
        self._sources: Mapping[str, Any] = values["sources"]
        self.has_unit_tests = bool(values.get("unit_tests"))
        # What lies in another database is another workflow's.
        self._databases = {
            node.get("database") for node in self._nodes.values() if node["resource_type"] in _MADE
        }

    def graph(self) -> ModelGraph:
        """All that the project makes and tests; unit tests are no tests of a table."""
        models = [
            self._model(node)
            for unique_id, node in self._nodes.items()
            if node["resource_type"] in _MADE and self.relation(unique_id)
        ]
        tests = []
        for unique_id, node in self._nodes.items():
            tested = self.tested(unique_id)
            if tested:
                severity = str(node["config"].get("severity") or "error").lower()
                said = " ".join(str(node.get("description") or "").split())
                tests.append(ModelTest(*tested, is_error=severity == "error", description=said))
        return ModelGraph(tuple(models), merged_tests(tests))

    def relation(self, unique_id: str) -> Relation | None:
        """The table or view of a node or source; None if it has none of its own."""
        if source := self._sources.get(unique_id):
            return None if self._upstream(unique_id) else (source["schema"], source["identifier"])
        node = self._nodes.get(unique_id)
        if not node or node["resource_type"] not in _MADE:
            return None
        is_there = node["config"].get("materialized") != "ephemeral"
        return (node["schema"], node["alias"]) if is_there else None

    def tested(self, unique_id: str) -> tuple[Relation, str] | None:
        """The table that a test is about, and the test's name; None if it is no test of one."""
        node = self._nodes.get(unique_id)
        if not node or node["resource_type"] != "test":
            return None
        first = [node.get("attached_node"), *node["depends_on"]["nodes"]]
        about = (self.relation(each) for each in first if each)
        relation = next((each for each in about if each), None)
        if relation is None:
            return None
        generic = node.get("test_metadata")
        if not generic:
            return relation, name_of_test(node["name"])
        of_package = f"{generic['namespace']}." if generic.get("namespace") else ""
        column = node.get("column_name") or (generic.get("kwargs") or {}).get("column_name")
        return relation, name_of_test(f"{of_package}{generic['name']}", column)

    def columns(self, relation: Relation) -> dict[str, str]:
        """The described columns of a table, in lower case, with what is said of each."""
        return {
            str(column["name"]).lower(): column.get("description") or ""
            for column in self._columns_of(relation)
        }

    def sampled_columns(self, relation: Relation) -> frozenset[str]:
        """The columns, in lower case, whose ``meta`` says ``sample: true``."""
        return frozenset(
            str(column["name"]).lower()
            for column in self._columns_of(relation)
            if _meta_of(column).get("sample") is True
        )

    def _columns_of(self, relation: Relation) -> list[Mapping[str, Any]]:
        return list(self._columns.get(relation, {}).values())

    @cached_property
    def _columns(self) -> Mapping[Relation, Mapping[str, Mapping[str, Any]]]:
        """What is said of the columns of each table; of two nodes with one table, the first's."""
        found: dict[Relation, Mapping[str, Mapping[str, Any]]] = {}
        for unique_id, node in (*self._nodes.items(), *self._sources.items()):
            if relation := self.relation(unique_id):
                found.setdefault(relation, node["columns"])
        return found

    def _model(self, node: Mapping[str, Any]) -> Model:
        return Model(
            relation=(node["schema"], node["alias"]),
            kind=node["resource_type"],
            materialized=node["config"].get("materialized") or "",
            sources=tuple(dict.fromkeys(self._tables_before(node, set()))),
            description=node.get("description") or "",
            columns=tuple(
                ModelColumn(
                    column["name"], column.get("data_type") or "", column.get("description") or ""
                )
                for column in node["columns"].values()
            ),
            tags=tuple(node.get("tags") or ()),
            sql=node.get("raw_code") or "",
            language=node.get("language") or "sql",
            upstream=tuple(dict.fromkeys(self._upstream_before(node, set()))),
            name=node["name"],
        )

    def _upstream(self, unique_id: str) -> UpstreamRelation | None:
        """The table of another workflow that a source is; None if it is none."""
        source = self._sources.get(unique_id)
        if not source or not self._databases or source.get("database") in self._databases:
            return None
        return source["database"], source["schema"], source["identifier"]

    def _upstream_before(
        self, node: Mapping[str, Any], seen: set[str]
    ) -> Iterator[UpstreamRelation]:
        """The tables of other workflows that a node is made from, also through what is no table."""
        for unique_id in (node.get("depends_on") or {}).get("nodes") or ():
            if found := self._upstream(unique_id):
                yield found
            elif unique_id in self._nodes and unique_id not in seen:
                seen.add(unique_id)
                if not self.relation(unique_id):
                    yield from self._upstream_before(self._nodes[unique_id], seen)

    def _tables_before(self, node: Mapping[str, Any], seen: set[str]) -> Iterator[Relation]:
        """What a node is made from: through the ones that are no table, to those that are."""
        for unique_id in (node.get("depends_on") or {}).get("nodes") or ():
            relation = self.relation(unique_id)
            if relation:
                yield relation
            elif unique_id not in seen and unique_id in self._nodes:
                seen.add(unique_id)
                yield from self._tables_before(self._nodes[unique_id], seen)


def _meta_of(column: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the author noted of a column: under ``config`` as dbt wants it now, or beside it."""
    return {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
