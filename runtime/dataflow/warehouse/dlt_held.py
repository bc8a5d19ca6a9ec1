"""The tables of one workflow in a destination of dlt's as the runs of another one read them.

A table is never changed once it is written. So whoever holds a state holds its tables: they are not
dropped meanwhile.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.dlt_shown import show_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.dlt_states import DltStates


@dataclass(frozen=True)
class DltHeld:
    """A state of one workflow that another one, the reader, holds."""

    states: DltStates
    reader: str

    def exists(self) -> bool:
        """Whether one is held."""
        with self.states.open() as client:
            return self.states.held(client, self.reader) is not None

    def hold(self) -> None:
        """Hold the present state."""
        with self.states.open() as client:
            self.states.hold(client, self.reader)

    def release(self) -> None:
        """Let go of it."""
        with self.states.open() as client:
            self.states.release(client, self.reader)

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Let a connection read the tables under the workflow's name."""
        known = connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()
        if (name,) in known:
            return
        with self.states.open() as client:
            state = self.states.held(client, self.reader)
            if state is not None:
                show_tables(connection, name, self.states.destination, client, state)

    @contextmanager
    def connect(self) -> Iterator[DuckDBPyConnection]:
        """A connection on which they are the current catalog."""
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            self.attach(connection, self.states.workflow_id)
            connection.execute(f"USE {quote_identifier(self.states.workflow_id)}")
            yield connection

    def dbt_attachment(self, name: str) -> Any:
        """Nothing: dbt reads them where they are."""
        del name
