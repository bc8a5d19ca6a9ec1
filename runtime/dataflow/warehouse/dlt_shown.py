"""A state's tables as a DuckDB connection has them: fetched when something reads them, once.

What asks a workflow's tables is written for DuckDB, so each table is a view on rows that are
fetched from the destination by its driver. The library's own small tables are in the state itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.dlt_fetched import fetched_files
from dataflow.warehouse.dlt_types import held_expression, refuse_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.dlt_destination import DltClient, DltDestination
    from dataflow.warehouse.dlt_known import State

LIBRARY = "dataflow"
_LOG_COLUMNS = {
    "batches": {
        "table_name": "VARCHAR",
        "run_id": "VARCHAR",
        "fingerprint": "VARCHAR",
        "loaded_at": "TIMESTAMPTZ",
    },
    "watermarks": {"table_name": "VARCHAR", "last_value": "VARCHAR", "saved_at": "TIMESTAMPTZ"},
    "partitions": {"table_name": "VARCHAR", "partition_key": "VARCHAR"},
}
# Of each table, whose rows it got last is all that is asked for.
_BATCHES_KEPT = 50


@dataclass(frozen=True)
class Place:
    """Where a table is, and its columns with their DuckDB types."""

    dataset: str
    table: str
    columns: Mapping[str, str]

    @staticmethod
    def of(told: Mapping[str, Any]) -> Place:
        """As a state has it."""
        return Place(told["dataset"], told["table"], told["columns"])

    def told(self) -> dict[str, Any]:
        """For a state."""
        return {"dataset": self.dataset, "table": self.table, "columns": dict(self.columns)}


def places_of(client: DltClient, state: State) -> dict[str, Place]:
    """All tables of a state by schema and name: those of loads, and what dbt has built."""
    found = {name: Place.of(told) for name, told in state["tables"].items()}
    for schema, dataset in state["schemas"].items():
        for table, columns in client.relations(dataset).items():
            found[f"{schema}.{table}"] = Place(dataset, table, columns)
    return found


def show_tables(
    connection: DuckDBPyConnection,
    catalog: str,
    destination: DltDestination,
    client: DltClient,
    state: State,
    *,
    copies: bool = False,
) -> None:
    """Make views of all tables of a state, and tables of what the library notes.

    Args:
        catalog: The catalog, as DuckDB has it; it is made.
        destination: Where they are fetched from.
        client: An open connection of it, which may be closed afterwards.
        copies: Make tables in place of views.
    """
    own = quote_identifier(catalog)
    connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {own}")
    files = fetched_files()
    connection.register_filesystem(files)
    # What is fetched is kept on the disk already.
    connection.execute("SET enable_external_file_cache = false")
    files.is_open = copies
    for name, place in places_of(client, state).items():
        schema, _, table = name.partition(".")
        kinds = _arrow(connection, place.columns)
        address = files.add(kinds, partial(_fetch, destination, place, kinds))
        columns = ", ".join(
            f"CAST({quote_identifier(column)} AS {kind}) AS {quote_identifier(column)}"
            for column, kind in place.columns.items()
        )
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {own}.{quote_identifier(schema)}")
        connection.execute(
            f"CREATE {'TABLE' if copies else 'VIEW'} {own}.{quote_identifier(schema)}."
            f"{quote_identifier(table)} AS SELECT {columns} "
            f"FROM read_parquet({quote_literal(address)})"
        )
    files.is_open = True
    put_log(connection, catalog, state["log"])


def _fetch(destination: DltDestination, place: Place, schema: pa.Schema, path: Path) -> None:
    """Write all rows of a table into a Parquet file."""
    import pyarrow.parquet as pq

    with destination.open(place.dataset) as client, pq.ParquetWriter(path, schema) as writer:
        for batch in client.fetch(client.relation(place.dataset, place.table), schema):
            writer.write_batch(batch)


def put_log(connection: DuckDBPyConnection, catalog: str, log: Mapping[str, Any]) -> None:
    """Make the library's own tables, of what a state has of them."""
    own = quote_identifier(catalog)
    for name, rows in log.items():
        columns = _LOG_COLUMNS[name]
        kinds = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {own}.{LIBRARY}")
        connection.execute(f"CREATE TABLE {own}.{LIBRARY}.{name} ({kinds})")
        if rows:
            values = ", ".join(
                "(" + ", ".join("NULL" if v is None else quote_literal(v) for v in row) + ")"
                for row in rows
            )
            connection.execute(f"INSERT INTO {own}.{LIBRARY}.{name} VALUES {values}")


def log_of(connection: DuckDBPyConnection, catalog: str) -> dict[str, Any]:
    """What the library's own tables have, as a state keeps it."""
    there = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'dataflow' "
        f"AND database_name = {quote_literal(catalog)}"
    ).fetchall()
    log = {}
    for (name,) in there:
        if name not in _LOG_COLUMNS:
            continue
        columns = ", ".join(f"CAST({column} AS VARCHAR)" for column in _LOG_COLUMNS[name])
        last = (
            "QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY loaded_at DESC) "
            f"<= {_BATCHES_KEPT} ORDER BY loaded_at"
            if name == "batches"
            else "ORDER BY 1, 2"
        )
        query = f"SELECT {columns} FROM {quote_identifier(catalog)}.{LIBRARY}.{name} {last}"
        log[name] = [list(row) for row in connection.execute(query).fetchall()]
    return log


def new_tables(connection: DuckDBPyConnection, catalog: str) -> Iterator[tuple[str, str]]:
    """The tables that were made in the catalog of `show_tables`: schema, name and a query.

    Raises:
        BadInputError: A value in one is of those that not every destination holds.
    """
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        f"WHERE database_name = {quote_literal(catalog)} AND schema_name <> '{LIBRARY}' "
        "ORDER BY ALL"
    ).fetchall()
    for schema, table in rows:
        place = ".".join(map(quote_identifier, (catalog, schema, table)))
        yield f"{schema}.{table}", held_relation(connection, place)


def held_relation(connection: DuckDBPyConnection, place: str) -> str:
    """What may stand after FROM for a table, in types that destinations hold.

    Raises:
        BadInputError: A value in it is of those that not every destination holds.
    """
    described = connection.execute(f"DESCRIBE FROM {place}").fetchall()
    kinds = {str(name): str(kind) for name, kind, *_ in described}
    refuse_values(connection, place, kinds)
    columns = ", ".join(held_expression(name, kind) for name, kind in kinds.items())
    return f"(SELECT {columns} FROM {place})"


def _arrow(connection: DuckDBPyConnection, columns: Mapping[str, str]) -> pa.Schema:
    nulls = ", ".join(
        f"CAST(NULL AS {kind}) AS {quote_identifier(name)}" for name, kind in columns.items()
    )
    return connection.execute(f"SELECT {nulls} LIMIT 0").to_arrow_table().schema
