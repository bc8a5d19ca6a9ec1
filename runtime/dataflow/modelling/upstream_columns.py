"""Which columns of other workflows' tables the models use, and which of those have changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.warehouse.upstream_tables import (
    changed_columns,
    note_columns,
    noted_columns,
    read_tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.modelling.model_graph import Model, ModelGraph
    from dataflow.warehouse.upstream_tables import ColumnChange, UpstreamTable

_WORD = re.compile(r"\w+|\*")


def note_columns_read(connection: DuckDBPyConnection, graph: ModelGraph) -> list[str]:
    """Note which columns the tables of other workflows had that models have just read.

    Args:
        connection: To the workflow's own tables, with those of the others attached by their ids.

    Returns:
        What has changed, of what the models use, since that was noted last: a sentence for each.
    """
    names = {table[0] for model in graph.models for table in model.upstream}
    tables = [table for name in sorted(names) for table in read_tables(connection, name, name)]
    read = list(_read(graph, tables))
    changes = [str(change) for change, _ in changes_used(graph, noted_columns(connection), read)]
    note_columns(connection, read)
    return changes


def changes_used(
    graph: ModelGraph, before: Iterable[UpstreamTable], now: Iterable[UpstreamTable]
) -> Iterator[tuple[ColumnChange, Model]]:
    """The columns that have changed and that models use, each with the first of those models."""
    for change in changed_columns(before, now):
        for model in graph.models:
            if any(_is(change.table, name) for name in model.upstream) and _names(model, change):
                yield change, model
                break


def _read(graph: ModelGraph, tables: Iterable[UpstreamTable]) -> Iterator[UpstreamTable]:
    wanted = {name for model in graph.models for name in model.upstream}
    for table in tables:
        if any(_is(table, name) for name in wanted):
            yield table


def _is(table: UpstreamTable, name: tuple[str, str, str]) -> bool:
    workflow_id, schema, known_as = name
    return (
        table.workflow_id == workflow_id
        and schema in ("", table.schema)
        and table.name.lower() == known_as.lower()
    )


def _names(model: Model, change: ColumnChange) -> bool:
    """Whether the text of a model names a column, or takes all there are."""
    words = {word.lower() for word in _WORD.findall(model.sql)}
    return "*" in words or set(_WORD.findall(change.column.lower())) <= words
