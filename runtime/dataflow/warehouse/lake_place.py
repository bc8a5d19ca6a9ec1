"""One DuckLake: where its catalog and its files are, and how a DuckDB connection gets at it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dataflow.shared.duckdb_extensions import load_extensions
from dataflow.shared.errors import BadInputError
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.lake_engines import lake_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

EXTRA = "ducklake"
_CATALOG_SECRET = "dataflow_lake_catalog"  # noqa: S105
_STORE_SECRET = "dataflow_lake_store"  # noqa: S105
_UNREACHABLE = (
    "could not connect",
    "unable to connect",
    "connection refused",
    "connection to server",
    "could not translate host",
    "server closed the connection",
    "terminating connection",
    "no connection to the server",
    'failed to execute query "rollback"',
    'failed to execute query "commit"',
    "ssl connection has been closed",
    "could not establish connection",
    "connection error for http",
    "could not resolve host",
    "http get error",
    "http put error",
    "http head error",
    "http error",
)


@dataclass(frozen=True)
class LakePlace:
    """Where one state of a workflow's lake is.

    Args:
        shown: How people are told of it; without secrets.
        metadata: What DuckLake takes as its catalog, without a password.
        schema: The schema of the catalog's database that is the catalog; empty in a file.
        data: The folder or `s3://` address of the files, with a slash at its end.
        cache: A folder of this machine for what can be made again.
        password: That of the catalog's database.
    """

    shown: str
    metadata: str
    schema: str
    data: str
    cache: Path
    password: str = field(default="", repr=False)

    @property
    def is_in_postgres(self) -> bool:
        """Whether the catalog is in a Postgres database, and not in a file."""
        return self.metadata.startswith("postgres:")

    @property
    def is_in_store(self) -> bool:
        """Whether the files are in an object store."""
        return "://" in self.data

    def prepare(self, connection: DuckDBPyConnection) -> None:
        """Let a connection attach this lake, and others of the same catalog and store.

        Raises:
            MissingDependencyError: An extension of DuckDB is missing.
            BadInputError: The address of the store is none that is known.
        """
        self.load_extensions(connection)
        self.log_in(connection)

    @property
    def extensions(self) -> frozenset[str]:
        """The extensions of DuckDB that it needs."""
        names = {"ducklake"}
        names |= {"postgres_scanner"} if self.is_in_postgres else set()
        names |= {"httpfs"} if self.is_in_store else set()
        return frozenset(names)

    def load_extensions(self, connection: DuckDBPyConnection) -> None:
        """Load them, and settle what a DuckDB has of its own.

        Raises:
            MissingDependencyError: One is missing.
        """
        connection.execute("SET TimeZone = 'UTC'")
        # What does not fit into memory; else it would lie in the current folder.
        spill = self.cache / "spill" / str(os.getpid())
        connection.execute(f"SET temp_directory = {quote_literal(spill)}")
        names = sorted(self.extensions)
        load_extensions(connection, names, EXTRA)

    def log_in(self, connection: DuckDBPyConnection) -> None:
        """Give a connection that has the extensions what catalog and store ask for.

        Raises:
            BadInputError: The address of the store is none that is known.
        """
        if self.is_in_postgres:
            password = f", PASSWORD {quote_literal(self.password)}" if self.password else ""
            connection.execute(
                f"CREATE OR REPLACE TEMPORARY SECRET {_CATALOG_SECRET} (TYPE postgres{password})"
            )
        if self.is_in_store:
            connection.execute(_store_secret(connection, self.data))

    def attach(self, connection: DuckDBPyConnection, name: str, *, read_only: bool) -> None:
        """Make it a catalog of a prepared connection; without ``read_only`` it is made if need be.

        Raises:
            duckdb.Error: It cannot be reached.
        """
        self.make_folder()
        options = f"DATA_PATH {quote_literal(self.data)}"
        options += f", METADATA_SCHEMA {quote_literal(self.schema)}" if self.schema else ""
        options += f", META_SECRET '{_CATALOG_SECRET}'" if self.is_in_postgres else ""
        options += ", READ_ONLY" if read_only else ""
        catalog = quote_identifier(name)
        connection.execute(
            f"ATTACH IF NOT EXISTS {quote_literal('ducklake:' + self.metadata)} "
            f"AS {catalog} ({options})"
        )
        if read_only:
            return
        known = connection.execute(
            f"SELECT 1 FROM ducklake_options({quote_literal(name)}) "
            "WHERE option_name = 'data_inlining_row_limit'"
        ).fetchone()
        if not known:
            # Rows are in files, also few ones: nothing is stored in the types of another database.
            connection.execute(f"CALL {catalog}.set_option('data_inlining_row_limit', 0)")

    def make_folder(self) -> None:
        """DuckLake does not make the folders that its files and its catalog lie in.

        Raises:
            WarehouseError: Nor can we.
        """
        try:
            if not self.is_in_store:
                Path(self.data).mkdir(parents=True, exist_ok=True)
            if not self.is_in_postgres:
                Path(self.metadata).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise lake_fault(self, str(error)) from error


@contextmanager
def open_lake(
    place: LakePlace, name: str, *, read_only: bool = False
) -> Iterator[DuckDBPyConnection]:
    """A DuckDB connection in UTC whose current catalog is a lake, as the catalog ``name``.

    Raises:
        WarehouseError: Catalog or files cannot be reached, also when that shows only later.
    """
    with blank_connection(place) as connection:
        place.attach(connection, name, read_only=read_only)
        connection.execute(f"USE {quote_identifier(name)}")
        yield connection


@contextmanager
def blank_connection(place: LakePlace) -> Iterator[DuckDBPyConnection]:
    """A DuckDB connection in UTC that can attach lakes like this one, and has none yet.

    Raises:
        WarehouseError: What a lake needs cannot be reached, also when that shows only later.
    """
    import duckdb

    try:
        with lake_engine(place.extensions, place.load_extensions) as connection:
            connection.execute("USE memory")
            place.log_in(connection)
            yield connection
    except duckdb.Error as error:
        if not is_about_place(error):
            raise
        raise lake_fault(place, str(error)) from error


def is_about_place(error: Exception) -> bool:
    """Whether an error of DuckDB is about catalog or files, and not about a statement."""
    import duckdb

    kinds = (
        duckdb.IOException,
        duckdb.HTTPException,
        duckdb.FatalException,
        duckdb.InternalException,
        duckdb.OutOfMemoryException,
        duckdb.SerializationException,
    )
    return isinstance(error, kinds) or says_unreachable(str(error))


def says_unreachable(said: str) -> bool:
    """Whether an error says that a server has not answered, or does not any more."""
    return any(sign in said.lower() for sign in _UNREACHABLE)


def lake_fault(place: LakePlace, said: str) -> WarehouseError:
    """What an error about a lake means for a person."""
    text = " ".join(said.split())
    if place.password:
        text = text.replace(place.password, "***")
    if "No space left" in text or "Disk quota" in text:
        advice = "Free disk space and run again; the tables are as they were."
    elif "does not match existing data path" in text:
        advice = (
            "The tables' files are where the catalog says: set `warehouse.data` to that, or move "
            "them there and tell the catalog."
        )
    elif says_unreachable(text):
        advice = (
            "See that the catalog's database and the store of its files can be reached from here, "
            "and run again; the tables are those of the last good run."
        )
    elif "permission" in text.lower() or "denied" in text.lower() or "403" in text:
        advice = (
            "See that whoever runs the workflow may read and write them; the tables are those of "
            "the last good run."
        )
    else:
        advice = "Put that right and run again; the tables are those of the last good run."
    return WarehouseError(f"Working with the lake at {place.shown} failed: {text}", advice)


def _store_secret(connection: DuckDBPyConnection, data: str) -> str:
    """SQL that gives a connection the login to the object store, as the AWS_* variables say."""
    if not data.startswith("s3://"):
        raise BadInputError(
            f"[tool.dataflow] warehouse, ducklake: the files cannot be at {data}.",
            "Set `data` to a folder, or to s3://BUCKET/FOLDER of S3 or of a store that speaks it.",
        )

    def given(*names: str) -> str:
        return next((os.environ[name] for name in names if os.environ.get(name)), "")

    values = {
        "KEY_ID": given("AWS_ACCESS_KEY_ID"),
        "SECRET": given("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": given("AWS_SESSION_TOKEN"),
        "REGION": given("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1",
    }
    parts = ["TYPE s3"]
    if not values["KEY_ID"]:
        # A role of the machine, a profile, a token of the cluster.
        load_extensions(connection, ["aws"], EXTRA)
        parts.append("PROVIDER credential_chain")
    parts += [f"{key} {quote_literal(value)}" for key, value in values.items() if value]
    endpoint = given("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if endpoint:
        address = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        parts.append(f"ENDPOINT {quote_literal(address.netloc + address.path.rstrip('/'))}")
        # Stores other than Amazon's seldom have a name for each bucket.
        is_amazon = (address.hostname or "").endswith("amazonaws.com")
        parts.append(f"URL_STYLE '{'vhost' if is_amazon else 'path'}'")
        parts.append(f"USE_SSL {'false' if address.scheme == 'http' else 'true'}")
    return f"CREATE OR REPLACE TEMPORARY SECRET {_STORE_SECRET} ({', '.join(parts)})"
