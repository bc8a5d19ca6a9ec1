"""Loading rows into a table of a destination of dlt's: always a new table, seen by nobody before.

The rules of a load are DuckDB's statements, and stay so. Where a load only adds rows, or replaces
those of the same key, DuckDB makes of the rows that came what goes into the table; the destination
puts those of the table before beside them, by ``INSERT ... SELECT``, which all of them have. Any
other load fetches the table, and writes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.column_fit import column_types
from dataflow.warehouse.dlt_shown import (
    Place,
    held_relation,
    log_of,
    put_log,
    show_tables,
)
from dataflow.warehouse.dlt_states import empty_state, new_token
from dataflow.warehouse.dlt_types import held_rows
from dataflow.warehouse.load import PARTITION_COLUMN, RAW_SCHEMA, REJECTED_SCHEMA, load_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.dlt_destination import DltClient
    from dataflow.warehouse.dlt_known import State
    from dataflow.warehouse.dlt_states import DltStates
    from dataflow.warehouse.kind import LoadRequest, LoadResult

_CATALOG = "loaded"
# Destinations in which two texts are equal if they are the same: elsewhere ``a`` may be ``A``, or
# blanks at the end may not count, and rows of other keys would be taken for the same.
_EXACT_TEXTS = ("bigquery", "databricks", "duckdb", "motherduck", "postgres", "snowflake")


@dataclass(frozen=True)
class DltLoad:
    """One load.

    Args:
        run_id: The run whose work it is; empty for the present state.
    """

    states: DltStates
    run_id: str
    request: LoadRequest

    def __call__(self, parquet: Path) -> LoadResult:
        """Load a Parquet file; see `load_rows`."""
        import duckdb

        with (
            TemporaryDirectory(prefix="dataflow-load-") as folder,
            self.states.open() as client,
            duckdb.connect(str(Path(folder) / f"{_CATALOG}.duckdb")) as connection,
        ):
            connection.execute("SET TimeZone = 'UTC'")
            state = self.states.state(client, self.run_id)
            with held_rows(connection, parquet) as rows:
                request = self.request
                added = self._add(connection, client, state, rows, request)
                if added is not None:
                    return added
                return self._anew(connection, client, state, rows, request)

    def _anew(
        self,
        connection: DuckDBPyConnection,
        client: DltClient,
        state: State,
        rows: Path,
        request: LoadRequest,
    ) -> LoadResult:
        """Load with the table at hand."""
        _empty(connection)
        names = {f"{RAW_SCHEMA}.{request.table}", f"{REJECTED_SCHEMA}.{request.table}"}
        if request.owners is not None:
            names.add(request.owners.table)
        tables = {name: told for name, told in state["tables"].items() if name in names}
        part = {**empty_state(), "tables": tables, "log": state["log"]}
        show_tables(connection, _CATALOG, self.states.destination, client, part, copies=True)
        result = load_rows(connection, rows, request)
        written = {}
        if not result.loaded_by:
            for schema in (RAW_SCHEMA, REJECTED_SCHEMA):
                name = f"{schema}.{request.table}"
                if _has(connection, schema, request.table):
                    written[name] = self._write(connection, client, name)
        self._note(connection, client, written)
        return result

    def _add(
        self,
        connection: DuckDBPyConnection,
        client: DltClient,
        state: State,
        rows: Path,
        request: LoadRequest,
    ) -> LoadResult | None:
        """Load without the table at hand; None if that cannot be."""
        import pyarrow.parquet as pq

        name = f"{RAW_SCHEMA}.{request.table}"
        told = state["tables"].get(name)
        came = pq.read_metadata(rows).num_rows
        if (
            told is None
            or request.full_refresh
            or request.owners is not None
            or request.span is not None
            or (request.write_disposition == "replace" and request.partition is None)
            or (request.partition is not None and not came)
        ):
            return None
        before = Place.of(told)
        old = client.relation(before.dataset, before.table)
        stays = self._stays(client, before, old, request)
        if stays is None:
            return None
        _empty(connection)
        columns = ", ".join(f"{quote_identifier(n)} {kind}" for n, kind in before.columns.items())
        connection.execute(f"CREATE SCHEMA {RAW_SCHEMA}")
        target = f"{RAW_SCHEMA}.{quote_identifier(request.table)}"
        connection.execute(f"CREATE TABLE {target} ({columns})")
        put_log(connection, _CATALOG, state["log"])
        # Those put aside are few, and fetched.
        aside = f"{REJECTED_SCHEMA}.{request.table}"
        if request.rejected is not None and aside in state["tables"]:
            return None
        result = load_rows(connection, rows, request)
        kinds = column_types(connection, target)
        if any(kinds[column] != kind for column, kind in before.columns.items()):
            return None
        written = {}
        total = result.rows_in_table
        if not result.loaded_by and came:
            place = self._write(connection, client, name)
            new = client.relation(place.dataset, place.table)
            listed = ", ".join(map(client.quoted, before.columns))
            client.execute(
                f"INSERT INTO {new} ({listed}) SELECT {listed} FROM {old} AS o"
                + stays.replace("{new}", new)
            )
            written[name] = place
            total = int(client.execute(f"SELECT count(*) FROM {new}")[0][0])
        else:
            total = int(client.execute(f"SELECT count(*) FROM {old}")[0][0])
        if not result.loaded_by and _has(connection, REJECTED_SCHEMA, request.table):
            written[aside] = self._write(connection, client, aside)
        self._note(connection, client, written)
        return replace(result, rows_in_table=total)

    def _stays(
        self, client: DltClient, before: Place, old: str, request: LoadRequest
    ) -> str | None:
        """Which rows of the table stay, as SQL after FROM; None if the destination cannot tell.

        ``{new}`` in it is the table with the rows that came.
        """
        by_lower = {name.lower(): name for name in before.columns}
        exact = self.states.destination.name in _EXACT_TEXTS
        terms = []
        if request.partition is not None:
            column = by_lower.get(PARTITION_COLUMN)
            # A partition's key is a text without quotes or backslashes, or the rows are fetched.
            plain = request.partition.replace("-", "").replace(":", "").replace("_", "")
            if column is None or not exact or not plain.isascii() or not plain.isalnum():
                return None
            key = client.quoted(column)
            none = client.execute(f"SELECT count(*) FROM {old} AS o WHERE o.{key} IS NULL")
            if int(none[0][0]):
                return None
            terms.append(f"o.{key} <> '{request.partition}'")
        if request.write_disposition == "merge":
            keys = [by_lower.get(name.lower(), "") for name in request.primary_key]
            if not keys or not all(keys):
                return None
            kinds = {before.columns[key] for key in keys}
            # Fractions are compared as they are held; texts, where that is exact.
            if kinds & {"DOUBLE", "BLOB"} or ("VARCHAR" in kinds and not exact):
                return None
            if request.cursor:
                # An older row may come after a newer one: DuckDB compares the two.
                return None
            same = " AND ".join(f"n.{client.quoted(k)} = o.{client.quoted(k)}" for k in keys)
            terms.append(f"NOT EXISTS (SELECT 1 FROM {{new}} AS n WHERE {same})")
        return f" WHERE {' AND '.join(terms)}" if terms else ""

    def _write(self, connection: DuckDBPyConnection, client: DltClient, name: str) -> Place:
        return write_table(
            self.states,
            client,
            self.run_id,
            name,
            connection,
            ".".join(map(quote_identifier, (_CATALOG, *name.split(".", 1)))),
        )

    def _note(
        self, connection: DuckDBPyConnection, client: DltClient, written: dict[str, Place]
    ) -> None:
        log = log_of(connection, _CATALOG)

        def note(state: State, _: str) -> None:
            state["log"] = log
            state["tables"].update({name: place.told() for name, place in written.items()})

        self.states.change(client, self.run_id, note)


def write_table(
    states: DltStates,
    client: DltClient,
    run_id: str,
    name: str,
    connection: DuckDBPyConnection,
    relation: str,
) -> Place:
    """Write what is in a relation of DuckDB's into a new table of a run, or of the present state.

    Args:
        name: Schema and name of the workflow's table that it is to be.

    Raises:
        BadInputError: A value in it is of those that not every destination holds.
        WarehouseError: The destination has refused.
    """
    schema, _, table = name.partition(".")
    held = held_relation(connection, relation)
    token = states.token(client, run_id)
    dataset = states.dataset(token, schema)
    states.note_dataset(client, token, dataset)
    # A run may load one table more than once, and others may read what it had before.
    own = f"{table}__{new_token()}" if client.has_table(dataset, table) else table
    columns = states.destination.write(dataset, own, connection, held)
    return Place(dataset, own, columns)


def _has(connection: DuckDBPyConnection, schema: str, table: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [schema, table]
    ).fetchone()
    return row is not None


def _empty(connection: DuckDBPyConnection) -> None:
    for schema in (RAW_SCHEMA, REJECTED_SCHEMA, "dataflow"):
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
