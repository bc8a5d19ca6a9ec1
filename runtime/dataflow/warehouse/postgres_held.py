"""The tables of one workflow in Postgres as the runs of another one read them: by views.

A view holds on to its table, under whatever name the schema goes on. So a run reads the same from
its first step to its last, and what it reads is not dropped meanwhile.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.postgres_schemas import drop_schemas, known_schemas, short_name
from dataflow.warehouse.postgres_views import LIBRARY, show_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.postgres_server import PostgresServer

_SERVER_OF_OTHERS = "postgres_server_of_others"


@dataclass(frozen=True)
class PostgresHeld:
    """Views of the tables of one workflow for another, the reader."""

    server: PostgresServer
    workflow_id: str
    reader: str

    @staticmethod
    def prefix_for(workflow_id: str, reader: str) -> str:
        """What the schemas of the views begin with."""
        return f"{workflow_id}+for+{short_name(reader)}__"

    @property
    def _prefix(self) -> str:
        return self.prefix_for(self.workflow_id, self.reader)

    def exists(self) -> bool:
        """Whether there are views."""
        with self.server.connect() as connection:
            return bool(known_schemas(connection, self._prefix))

    def hold(self) -> None:
        """Make views of the tables as they are now."""
        with self.server.connect() as connection:
            drop_schemas(connection, self._prefix)
            live = f"{self.workflow_id}__"
            rows = connection.execute(
                "SELECT n.nspname::text, c.relname::text FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND starts_with(n.nspname, %s) ORDER BY 1",
                [live],
            ).fetchall()
            for schema, name in rows:
                plain = schema.removeprefix(live)
                if plain == LIBRARY:
                    continue
                own = quote_identifier(self._prefix + plain)
                table = quote_identifier(name)
                statement = (
                    f"CREATE SCHEMA IF NOT EXISTS {own}; CREATE VIEW {own}.{table} AS "
                    f"SELECT * FROM {quote_identifier(schema)}.{table}"
                )
                connection.execute(statement.encode())

    def release(self) -> None:
        """Drop the views."""
        with self.server.connect() as connection:
            drop_schemas(connection, self._prefix)

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Let a connection read them under the workflow's name."""
        known = connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()
        if (name,) in known:
            return
        if (_SERVER_OF_OTHERS,) not in known:
            self.server.attach(connection, _SERVER_OF_OTHERS, read_only=True)
        show_tables(connection, name, self._prefix, _SERVER_OF_OTHERS)

    @contextmanager
    def connect(self) -> Iterator[DuckDBPyConnection]:
        """A connection on which they are the current catalog."""
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            self.attach(connection, self.workflow_id)
            connection.execute(f"USE {quote_identifier(self.workflow_id)}")
            yield connection

    def dbt_attachment(self, name: str) -> None:
        """Nothing: dbt-postgres reads them in its own database."""
        del name
