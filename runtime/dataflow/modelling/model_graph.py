"""What a dbt project makes, as far as others have to know: its tables and its tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Schema and name of a table.
Relation = tuple[str, str]
# Workflow, schema and name of a table of another workflow; without a schema if only dbt knows it.
UpstreamRelation = tuple[str, str, str]

_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class ModelColumn:
    """A column as the project describes it."""

    name: str
    type: str = ""
    description: str = ""


@dataclass(frozen=True)
class Model:
    """A table or view that dbt makes: of a model, a seed or a snapshot.

    Args:
        name: By which dbt knows it, where that is not the table's.
        sources: The tables that it is made from.
        upstream: The tables of other workflows that it is made from.
        sql: The text of the model, as its author wrote it.
    """

    relation: Relation
    kind: str = "model"
    materialized: str = "view"
    sources: Sequence[Relation] = ()
    description: str = ""
    columns: Sequence[ModelColumn] = ()
    tags: Sequence[str] = ()
    sql: str = ""
    language: str = "sql"
    upstream: Sequence[UpstreamRelation] = ()
    name: str = ""


@dataclass(frozen=True)
class ModelTest:
    """A test of a table, or several of one kind on one column.

    Args:
        name: See `name_of_test`.
        is_error: Whether a run in which it does not pass fails.
    """

    relation: Relation
    name: str
    is_error: bool = True
    description: str = ""


@dataclass(frozen=True)
class ModelGraph:
    """The tables and tests of a dbt project."""

    models: Sequence[Model] = ()
    tests: Sequence[ModelTest] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ModelGraph:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        models = [
            Model(
                **{
                    **model,
                    "relation": _relation(model["relation"]),
                    "sources": tuple(map(_relation, model["sources"])),
                    "columns": tuple(ModelColumn(**column) for column in model["columns"]),
                    "tags": tuple(model["tags"]),
                    "upstream": tuple(_upstream(each) for each in model["upstream"]),
                    "name": str(model["name"]),
                }
            )
            for model in values["models"]
        ]
        tests = [
            ModelTest(**{**test, "relation": _relation(test["relation"])})
            for test in values["tests"]
        ]
        return cls(tuple(models), tuple(tests))


def name_of_test(test: str, column: str | None = None) -> str:
    """The name of a test, the same whether it is read from the project's files or told by dbt.

    dbt's own names hold the model's, and a hash where they would be long. Tests of one kind on one
    column have one name.

    >>> name_of_test("not_null", "id"), name_of_test("dbt_utils.at_least_one", "größe")
    ('not_null_id', 'dbt_utils_at_least_one_gr__e')
    """
    return _NOT_OF_A_NAME.sub("_", f"{test}_{column}" if column else test)


def merged_tests(tests: Sequence[ModelTest]) -> tuple[ModelTest, ...]:
    """Each table and name once: an error if one of those that share them is."""
    found: dict[tuple[Relation, str], ModelTest] = {}
    for test in tests:
        known = found.get((test.relation, test.name))
        if known is None or (test.is_error and not known.is_error):
            found[test.relation, test.name] = test
    return tuple(found.values())


def _relation(value: Sequence[str]) -> Relation:
    schema, name = value
    return str(schema), str(name)


def _upstream(value: Sequence[str]) -> UpstreamRelation:
    workflow_id, schema, name = value
    return str(workflow_id), str(schema), str(name)
