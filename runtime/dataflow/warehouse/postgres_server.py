"""The Postgres server that tables live in: reaching it, and saying what is wrong with it.

Python's driver makes and renames schemas; DuckDB's extension moves rows, much faster.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from dataflow.shared.duckdb_extensions import load_extensions
from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.shared.postgres_address import shown_address
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from duckdb import DuckDBPyConnection

EXTRA = "postgres-warehouse"
# The catalog by which DuckDB knows the server.
CATALOG = "postgres_server"
_CONNECT_SECONDS = 10
# What libpq, psycopg and DuckDB's extension say of a server that is not there, or not for us.
_UNREACHABLE = (
    "connection to server",
    "could not translate host name",
    "server closed the connection",
    "terminating connection",
    "connection refused",
    "the connection is lost",
    "no connection to the server",
    "ssl syscall error",
    "unable to connect to postgres",
    "the database system is",
)


@dataclass(frozen=True)
class PostgresServer:
    """A database on a Postgres server.

    Args:
        url: ``postgresql://user:password@host:port/database``, with libpq's options.
    """

    url: str

    @cached_property
    def location(self) -> str:
        """Where it is, without login."""
        return f"postgresql://{shown_address(self.url)}"

    @cached_property
    def options(self) -> dict[str, Any]:
        """What the URL says, as libpq's options."""
        with self.faults():
            from psycopg.conninfo import conninfo_to_dict

            return dict(conninfo_to_dict(self.url))

    @property
    def database(self) -> str:
        """The name of the database."""
        return str(self.options.get("dbname") or self.options.get("user") or "postgres")

    @contextmanager
    def connect(self, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
        """A connection of Python's driver, in UTC; one transaction, unless ``autocommit``.

        Raises:
            WarehouseError: The server cannot be reached, or refuses something.
            MissingDependencyError: The driver is not installed.
        """
        with self.faults(), self.open(autocommit=autocommit) as connection:
            yield connection

    def open(self, *, autocommit: bool = False) -> psycopg.Connection[Any]:
        """The same, to be closed by whoever calls; faults are the driver's own."""
        try:
            import psycopg
        except ImportError as error:
            raise _missing("psycopg") from error
        options = {
            "connect_timeout": _CONNECT_SECONDS,
            **self.options,
            "options": "-c TimeZone=UTC",
        }
        return psycopg.connect(**options, autocommit=autocommit)

    def attach(
        self, connection: DuckDBPyConnection, name: str = CATALOG, *, read_only: bool = False
    ) -> None:
        """Let a DuckDB connection reach the database as a catalog.

        Raises:
            WarehouseError: The server cannot be reached.
            MissingDependencyError: DuckDB's extension is not installed.
        """
        import duckdb

        load_extensions(connection, ["postgres_scanner"], EXTRA)
        mode = ", READ_ONLY" if read_only else ""
        with self.faults():
            try:
                connection.execute(
                    f"ATTACH {quote_literal(self._address)} AS {quote_identifier(name)} "
                    f"(TYPE postgres{mode})"
                )
            except duckdb.Error as error:
                raise self.fault(str(error)) from None

    @property
    def _address(self) -> str:
        from psycopg.conninfo import make_conninfo

        own = {"connect_timeout": _CONNECT_SECONDS, **self.options}
        own["options"] = f"{own.get('options', '')} -c TimeZone=UTC".strip()
        return make_conninfo("", **own)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Tell what an error of the driver means for a person."""
        try:
            import psycopg
        except ImportError as error:
            raise _missing("psycopg") from error
        try:
            yield
        except psycopg.ProgrammingError as error:
            if "missing" in str(error) or "invalid" in str(error):
                raise BadInputError(
                    f"The address of the warehouse is wrong: {self._plain(str(error))}",
                    "It is written postgresql://user:password@host:port/database.",
                ) from None
            raise self.fault(str(error)) from error
        except psycopg.Error as error:
            raise self.fault(str(error)) from error

    def is_unreachable(self, said: str) -> bool:
        """Whether an error is about the server, not about a statement."""
        return any(sign in said.lower() for sign in _UNREACHABLE)

    def fault(self, said: str) -> WarehouseError:
        """What an error of the server, or of not reaching it, means for a person."""
        text = self._plain(" ".join(said.split()))
        if self.is_unreachable(said):
            return WarehouseError(
                f"The warehouse at {self.location} cannot be reached: {text}",
                "See that the server is up and takes this login, and run again; the tables are "
                "those of the last good run.",
            )
        if "permission denied" in said.lower():
            return WarehouseError(
                f"The warehouse at {self.location} refuses: {text}",
                f"Let the user make schemas: GRANT CREATE ON DATABASE {self.database} TO ...",
            )
        return WarehouseError(
            f"Working with the warehouse at {self.location} failed: {text}",
            "The tables are those of the last good run. Put right what the server says, and run "
            "again.",
        )

    def _plain(self, text: str) -> str:
        secret = urlsplit(self.url).password
        for each in filter(None, {secret, secret and unquote(secret)}):
            text = text.replace(str(each), "***")
        return text.replace(self.url, self.location)


def _missing(what: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"The warehouse is a Postgres database, and {what} is not installed.",
        f"Install it: pip install 'dataflow-runtime[{EXTRA}]'",
    )
