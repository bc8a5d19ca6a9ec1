"""What a run tells of a table that it made: its columns and rows, asked of the warehouse."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dagster import MetadataValue, TableColumn, TableSchema

from dataflow.runs.table_sample import markdown_table, sample_of, shown_columns
from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from duckdb import DuckDBPyConnection

    from dataflow.modelling.model_graph import Relation
    from dataflow.warehouse.kind import Warehouse

# A view has no count of its rows; to count them may be as much work as to make a table of them.
_SECONDS_FOR_VIEWS = 1.0


@dataclass(frozen=True)
class TableFacts:
    """The columns of a table, with their types, and how many rows it has.

    Args:
        rows: None for a view whose rows take long to count.
        sample: A few rows, as a table in Markdown; empty where no value may be shown.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    sample: str = ""

    def metadata(self, descriptions: Mapping[str, str] | None = None) -> dict[str, Any]:
        """As Dagster's UI shows them.

        Args:
            descriptions: What is said of the columns, by their names in lower case.
        """
        said = descriptions or {}
        columns = [
            TableColumn(name, kind, description=said.get(name.lower()) or None)
            for name, kind in self.columns.items()
        ]
        about: dict[str, Any] = {}
        if columns:
            about["dagster/column_schema"] = TableSchema(columns)
        if self.rows is not None:
            about["dagster/row_count"] = self.rows
        if self.sample:
            about["sample"] = MetadataValue.md(self.sample)
        return about


def facts_of_tables(
    warehouse: Warehouse, relations: Mapping[Relation, frozenset[str]]
) -> dict[Relation, TableFacts]:
    """Columns and rows of some tables and views; nothing of those that are not there.

    Args:
        relations: The columns of each of which a sample may be shown, in lower case.
    """
    import duckdb

    wanted = list(relations)
    found: dict[Relation, dict[str, str]] = {}
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = current_database() AND NOT internal "
            "ORDER BY schema_name, table_name, column_index"
        ).fetchall()
        for schema, table, column, kind in rows:
            found.setdefault((schema, table), {})[column] = kind
        views = set(
            connection.execute(
                "SELECT schema_name, view_name FROM duckdb_views() "
                "WHERE database_name = current_database() AND NOT internal"
            ).fetchall()
        )
        counts: dict[Relation, int] = {}
        samples: dict[Relation, str] = {}

        def look_at(relation: Relation) -> None:
            counts[relation] = _count(connection, relation)
            if names := shown_columns(found[relation], relations[relation]):
                samples[relation] = markdown_table(names, sample_of(connection, relation, names))

        for each in wanted:
            if each in found and each not in views:
                look_at(each)
        until = time.monotonic() + _SECONDS_FOR_VIEWS
        with _interrupted_after(connection, _SECONDS_FOR_VIEWS):
            for each in wanted:
                if each not in views or time.monotonic() > until:
                    continue
                try:
                    look_at(each)
                except duckdb.Error:
                    # It takes long, or the view is of a table that is gone.
                    continue
    return {
        each: TableFacts(found[each], counts.get(each), samples.get(each, ""))
        for each in wanted
        if each in found
    }


def _count(connection: DuckDBPyConnection, relation: Relation) -> int:
    table = ".".join(map(quote_identifier, relation))
    row: Any = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(row[0])


@contextmanager
def _interrupted_after(connection: DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
