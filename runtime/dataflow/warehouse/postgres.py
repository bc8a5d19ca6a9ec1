"""The warehouse ``postgres``: schemas of a Postgres database, named after their workflow."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dataflow.shared.config_types import Section, Text
from dataflow.shared.errors import BadInputError
from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import LoadRequest, LoadResult, WarehouseKind
from dataflow.warehouse.load import load_rows
from dataflow.warehouse.load_log import watermark_of
from dataflow.warehouse.postgres_held import PostgresHeld
from dataflow.warehouse.postgres_rename import rename_workflow
from dataflow.warehouse.postgres_server import CATALOG, PostgresServer
from dataflow.warehouse.postgres_states import PostgresStates
from dataflow.warehouse.postgres_tables import (
    MOST_BYTES,
    PostgresTables,
    as_taken,
    refuse_long_name,
)
from dataflow.warehouse.postgres_views import copy_tables, keep_new_tables, show_tables
from dataflow.warehouse.run_states import WithRunStates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project

# The variable in which dbt finds the login's password.
PASSWORD_VARIABLE = "DATAFLOW_POSTGRES_PASSWORD"  # noqa: S105
_NUL = "NULL-byte"
_BY_DBT = ("sslmode", "sslcert", "sslkey", "sslrootcert")


class PostgresSettings(Section):
    """Tables in one Postgres database, in schemas of each workflow's own."""

    type: Literal["postgres"] = Field(description="Schemas of a Postgres database.")
    url: Text = Field(
        description="postgresql://user:password@host:port/database; a login by ${VARIABLE}."
    )


@dataclass(frozen=True)
class PostgresSchemas:
    """The schemas of one workflow whose names begin alike, as a warehouse.

    Args:
        prefix: What they begin with.
    """

    server: PostgresServer
    workflow_id: str
    prefix: str

    @property
    def location(self) -> str:
        """The database, and which of its schemas."""
        return f"{self.server.location}, schemas {self.prefix}*"

    @property
    def _tables(self) -> PostgresTables:
        return PostgresTables(self.prefix)

    def exists(self) -> bool:
        """Whether there are such schemas."""
        with self.server.connect() as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_namespace WHERE starts_with(nspname, %s)", [self.prefix]
            ).fetchone()
        return row is not None

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A DuckDB connection on which the tables are views of those in Postgres.

        A table that is made on it is written into Postgres when the block ends well; what changes
        one that is there is refused.
        """
        if read_only and not self.exists():
            raise WarehouseError(
                f"The workflow {self.workflow_id} has no tables in {self.server.location} yet.",
                f"Run the workflow first: dataflow workflow run {self.workflow_id}",
            )
        with self._duckdb(read_only=read_only) as connection:
            show_tables(connection, self.workflow_id, self.prefix)
            connection.execute(f"USE {quote_identifier(self.workflow_id)}")
            yield connection
            if not read_only:
                keep_new_tables(connection, self.workflow_id, self.prefix)

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file in one transaction of Postgres."""
        refuse_long_name(request.table, "table")
        with self._duckdb() as connection, as_taken(connection, rows) as taken:
            connection.execute(f"USE {CATALOG}")
            try:
                return load_rows(connection, taken, request, self._tables)
            except WarehouseError as error:
                raise self._told(error, request.table) from error

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        if not self.exists():
            return None
        with self._duckdb(read_only=True) as connection:
            connection.execute(f"USE {CATALOG}")
            return watermark_of(connection, table, self._tables)

    def dbt_variables(self) -> dict[str, str]:
        """The login's password, and the time zone, for dbt's own connections."""
        return {PASSWORD_VARIABLE: self.server.options.get("password") or "", "PGTZ": "UTC"}

    def dbt_output(self) -> Mapping[str, Any]:
        """How dbt-postgres reaches the database."""
        options = self.server.options
        return {
            "type": "postgres",
            "host": options.get("host", "localhost"),
            "port": int(options.get("port") or 5432),
            "user": options.get("user", ""),
            "password": f"{{{{ env_var('{PASSWORD_VARIABLE}') }}}}",
            "dbname": self.server.database,
            # What has no schema of its own.
            "schema": "main",
            "threads": 2,
            **{name: options[name] for name in _BY_DBT if name in options},
        }

    def dbt_place(self, schema: str, upstream: str = "") -> tuple[str, str]:
        """Where a schema of the workflow, or one of another workflow that it reads, is."""
        held = upstream and PostgresHeld.prefix_for(upstream, self.workflow_id)
        name = (held or self.prefix) + schema
        if len(name.encode()) > MOST_BYTES:
            raise BadInputError(
                f"The schema {schema!r} of {self.workflow_id} is called {name!r} in Postgres, "
                f"which keeps {MOST_BYTES} bytes of a name.",
                "Give the schema a shorter name in dbt_project.yml.",
            )
        return self.server.database, name

    def is_about(self, said: str) -> bool:
        """Whether an error that dbt tells is the server's, not a model's."""
        return self.server.is_unreachable(said)

    def fault(self, said: str) -> WarehouseError:
        """A server that is away or refuses."""
        return self.server.fault(said)

    @contextmanager
    def _duckdb(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            self.server.attach(connection, read_only=read_only)
            try:
                yield connection
            except duckdb.Error as error:
                if self.server.is_unreachable(str(error)):
                    raise self.server.fault(str(error)) from None
                raise

    def _told(self, error: WarehouseError, table: str) -> Exception:
        said = f"{error.reason} {error.__cause__ or ''}"
        if self.server.is_unreachable(said):
            return self.server.fault(str(error.__cause__ or error.reason))
        if _NUL in said:
            return BadInputError(
                f"A text for raw.{table} has a NUL character, which Postgres does not hold; "
                "nothing was loaded.",
                "Take it out in transform.py, or in the source.",
            )
        return error


@dataclass(frozen=True)
class PostgresWarehouse(WithRunStates, PostgresSchemas):
    """The present state of a workflow's schemas, which a run changes as a whole."""

    states: PostgresStates = field(compare=False, kw_only=True)

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> PostgresSchemas:
        """The schemas that a run works on."""
        prefix = self.states.begin(run_id, resumes, state)
        return PostgresSchemas(self.server, self.workflow_id, prefix)

    @property
    def _states(self) -> PostgresStates:
        return self.states

    @contextmanager
    def compare(self, before: str, after: str) -> Iterator[DuckDBPyConnection]:
        """Two states as the catalogs `before` and `after`."""
        earlier = self.states.prefix_of(before)
        later = self.states.prefix_of(after) if after else self.prefix
        with (
            TemporaryDirectory(prefix="dataflow-states-") as folder,
            self._duckdb(read_only=True) as connection,
        ):
            for name, prefix in {"before": earlier, "after": later}.items():
                copy_tables(connection, name, prefix, Path(folder) / f"{name}.duckdb")
            yield connection

    def rename(self, new: str) -> None:
        """Rename the schemas of all states."""
        rename_workflow(self.server, self.workflow_id, new)

    def held_for(self, project: Project, workflow_id: str, reader: str) -> PostgresHeld:
        """Views of the tables, for the runs of another workflow."""
        del project
        return PostgresHeld(self.server, workflow_id, reader)


def _open(settings: PostgresSettings, project: Project, workflow_id: str) -> PostgresWarehouse:
    del project
    server = PostgresServer(settings.url)
    states = PostgresStates(server, workflow_id)
    return PostgresWarehouse(server, workflow_id, states.live, states=states)


KIND = WarehouseKind(PostgresSettings, _open, is_shared=True)
