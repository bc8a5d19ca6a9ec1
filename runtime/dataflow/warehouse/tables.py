"""How the tables of one workflow are called on a DuckDB connection, and how they are made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Tables:
    """The tables in the current catalog of a connection, as DuckDB's own catalogs take changes.

    A catalog of another database, which DuckDB writes through an extension, may lack statements;
    its kind of warehouse says here what takes their place.

    Args:
        prefix: What the schemas of the workflow begin with there, such as ``sales__``.
    """

    prefix: str = ""

    def schema(self, name: str) -> str:
        """A schema of the workflow, such as ``raw``, as SQL."""
        return quote_identifier(self.prefix + name) if self.prefix else name

    def relation(self, name: str) -> str:
        """A table of the workflow by its schema and plain name, such as ``raw.sales``, as SQL."""
        schema, _, table = name.partition(".")
        return f"{self.schema(schema)}.{quote_identifier(table)}"

    def names(self, connection: DuckDBPyConnection, schema: str) -> set[str]:
        """The tables of a schema."""
        # Not a parameter: the first one that DuckDB is given makes it import pandas.
        found = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() "
            f"AND schema_name = {quote_literal(self.prefix + schema)}"
        ).fetchall()
        return {str(name) for (name,) in found}

    def replace(self, connection: DuckDBPyConnection, target: str, rows: str) -> None:
        """Make a table of rows, in place of the one that there may be.

        Args:
            target: The table, as SQL.
            rows: What may stand after FROM.
        """
        connection.execute(f"CREATE OR REPLACE TABLE {target} AS FROM {rows}")

    def add_column(
        self, connection: DuckDBPyConnection, target: str, column: str, kind: str
    ) -> None:
        """Give a table one more column, without values; its name is SQL."""
        connection.execute(f"ALTER TABLE {target} ADD COLUMN {column} {kind}")

    def retype(
        self, connection: DuckDBPyConnection, target: str, column: str, kind: str, using: str
    ) -> None:
        """Give a column another type.

        Args:
            column: As SQL.
            using: Its values in that type, as SQL.
        """
        connection.execute(f"ALTER TABLE {target} ALTER {column} TYPE {kind} USING {using}")


# Those of a DuckDB file.
OWN_TABLES = Tables()
