"""The Postgres database that has the catalogs of lakes, and what is done to catalogs there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.shared.redaction import register_secret
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.lake_files import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    Database = Connection[dict[str, Any]]

HOME = "dataflow_lake"
_MADE = f"""
CREATE SCHEMA IF NOT EXISTS {HOME};
CREATE TABLE IF NOT EXISTS {HOME}.states (
  schema_name text PRIMARY KEY, workflow_id text NOT NULL,
  role text NOT NULL CHECK (role IN ('present', 'working', 'kept', 'dropped')),
  run_id text NOT NULL DEFAULT '', made_at text NOT NULL DEFAULT '',
  placed_by text NOT NULL DEFAULT '', replaced_by text NOT NULL DEFAULT '',
  kept_at text NOT NULL DEFAULT '', runs text[] NOT NULL DEFAULT '{{}}',
  state text NOT NULL DEFAULT '', base text NOT NULL DEFAULT '',
  folder text NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS states_present ON {HOME}.states (workflow_id)
  WHERE role = 'present';
CREATE UNIQUE INDEX IF NOT EXISTS states_working ON {HOME}.states (workflow_id)
  WHERE role = 'working';
CREATE TABLE IF NOT EXISTS {HOME}.given_up (
  workflow_id text NOT NULL, run_id text NOT NULL, had_work boolean NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS {HOME}.held (
  workflow_id text NOT NULL, reader text NOT NULL, schema_name text NOT NULL,
  PRIMARY KEY (workflow_id, reader));
"""

# Of how many runs it is remembered that their work was given up.
_REMEMBERED = 100


@dataclass(frozen=True)
class LakeDatabase:
    """A database that has catalogs of lakes.

    Args:
        conninfo: How libpq gets at it, without a password.
        shown: The same for people.
    """

    conninfo: str
    shown: str
    password: str = field(default="", repr=False)

    @contextmanager
    def open(self) -> Iterator[Database]:
        """A connection on which each statement is a transaction of its own.

        Raises:
            WarehouseError: The database cannot be reached, or refuses something.
        """
        import psycopg
        from psycopg.rows import dict_row

        more: dict[str, Any] = {"password": self.password} if self.password else {}
        try:
            with psycopg.connect(
                self.conninfo,
                autocommit=True,
                row_factory=dict_row,
                application_name="dataflow",
                **more,
            ) as database:
                _make_home(database)
                yield database
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            raise WarehouseError(
                f"The catalog of the lake at {self.shown} cannot be used: {said}",
                "See that the database can be reached from here and that its user may create "
                "schemas in it, and run again; the tables are those of the last good run.",
            ) from error


def lake_database(address: str) -> LakeDatabase:
    """The database at an address such as ``postgresql://user@host/database``.

    Raises:
        BadInputError: It is none.
        MissingDependencyError: The driver of Postgres is missing.
    """
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict, make_conninfo
    except ImportError as error:
        raise MissingDependencyError(
            "The lake's catalog is in Postgres, and its driver is not installed.",
            "Install it: pip install 'dataflow-runtime[ducklake]'",
        ) from error
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(address))
    except psycopg.Error as error:
        raise BadInputError(
            f"[tool.dataflow] warehouse, ducklake: `catalog` is no address of a Postgres "
            f"database: {' '.join(str(error).split())}",
            "Write it as postgresql://user@host:5432/database.",
        ) from error
    password = str(parts.pop("password", None) or "")
    if password:
        register_secret(password)
    parts.setdefault("connect_timeout", "10")
    host = parts.get("host") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    shown = f"postgresql://{host}{port}/{parts.get('dbname') or ''}"
    return LakeDatabase(make_conninfo(**parts), shown, password)


def _make_home(database: Database) -> None:
    found = database.execute("SELECT to_regclass(%s) AS it", [f"{HOME}.held"]).fetchone()
    if found is not None and found["it"] is not None:
        return
    # Two that make it at once would get in each other's way.
    with database.transaction():
        database.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [HOME])
        database.execute(_MADE.encode())


def alone(database: Database, workflow_id: str) -> None:
    """Let nobody else change a workflow's states until the transaction ends."""
    database.execute(
        "SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [HOME, workflow_id]
    )


def give_up(database: Database, workflow_id: str, runs: list[str], *, had_work: bool) -> None:
    """Remember of runs that their work is cleared away."""
    for run_id in runs:
        database.execute(
            f"INSERT INTO {HOME}.given_up (workflow_id, run_id, had_work) VALUES (%s, %s, %s)",
            [workflow_id, run_id, had_work],
        )
    database.execute(
        f"DELETE FROM {HOME}.given_up WHERE workflow_id = %s AND at < (SELECT min(at) "
        f"FROM (SELECT at FROM {HOME}.given_up WHERE workflow_id = %s "
        "ORDER BY at DESC LIMIT %s) AS latest)",
        [workflow_id, workflow_id, _REMEMBERED],
    )


def is_given_up(
    database: Database, workflow_id: str, run_id: str, *, with_work: bool = False
) -> bool:
    """Whether what a run had begun was cleared away.

    Args:
        with_work: Only if it had written something.
    """
    query = f"SELECT had_work FROM {HOME}.given_up WHERE workflow_id = %s AND run_id = %s"
    row = database.execute(query, [workflow_id, run_id]).fetchone()
    return row is not None and (row["had_work"] or not with_work)


def is_made(database: Database, schema: str) -> bool:
    """Whether a schema is a catalog."""
    row = database.execute(
        "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'ducklake_snapshot'",
        [schema],
    ).fetchone()
    return row is not None


def base_of(database: Database, present: dict[str, Any] | None) -> str:
    """What tells a present state from any other, also one that was changed in place.

    Nobody changes it before the transaction ends.
    """
    if present is None or not is_made(database, present["schema_name"]):
        return ""
    snapshots = f'"{present["schema_name"]}".ducklake_snapshot'
    if database.info.transaction_status.name == "INTRANS":
        database.execute(f"LOCK TABLE {snapshots} IN SHARE MODE".encode())
    row = database.execute(f"SELECT max(snapshot_id) AS last FROM {snapshots}".encode()).fetchone()
    return f"{present['schema_name']} {row['last'] if row else ''}"


def drop_catalogs(database: Database, workflow_id: str) -> bool:
    """Remove the catalogs that are no state any more and that nobody reads; whether any was."""
    import psycopg

    done = False
    rows = database.execute(
        f"SELECT schema_name FROM {HOME}.states WHERE workflow_id = %s AND role = 'dropped'"
        f" AND schema_name NOT IN (SELECT schema_name FROM {HOME}.held)",
        [workflow_id],
    ).fetchall()
    for row in rows:
        schema = row["schema_name"]
        try:
            with database.transaction():
                database.execute("SET LOCAL lock_timeout = '1s'")
                database.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'.encode())
                database.execute(f"DELETE FROM {HOME}.states WHERE schema_name = %s", [schema])
        except psycopg.errors.LockNotAvailable:
            continue
        done = True
    return done


def copy_catalog(database: Database, source: str, target: str) -> None:
    """Copy a catalog; which files it no longer needs is that one's own business."""
    tables = database.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s", [source]
    ).fetchall()
    if not tables:
        return
    parts = [f'CREATE SCHEMA "{target}"']
    for row in tables:
        old, new = f'"{source}"."{row["tablename"]}"', f'"{target}"."{row["tablename"]}"'
        parts.append(f"CREATE TABLE {new} (LIKE {old} INCLUDING ALL)")
        if row["tablename"] != "ducklake_files_scheduled_for_deletion":
            parts.append(f"INSERT INTO {new} SELECT * FROM {old}")
    database.execute("; ".join(parts).encode())


def named_in(database: Database, schema: str) -> dict[str, int]:
    """The files that a catalog names, by their paths below the lake's folder, with their bytes."""
    if not is_made(database, schema):
        return {}
    rows = database.execute(NAMED.format(schema=f'"{schema}"').encode()).fetchall()
    return {row["path"]: int(row["bytes"] or 0) for row in rows}
