"""The files of a lake: which ones a catalog names, and removing those that no state names."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.lake_place import blank_connection, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.lake_place import LakePlace

# Whoever writes the lake outside of a run names a file only when it is whole.
GRACE_SECONDS = 3600.0
_ENDINGS = (".parquet", ".puffin")
# The files that a catalog names, by their paths below the lake's own folder.
NAMED = """
SELECT CASE WHEN f.path_is_relative THEN
    CASE WHEN t.path_is_relative THEN s.path ELSE '' END || t.path ELSE '' END || f.path AS path,
  f.file_size_bytes AS bytes
FROM (SELECT table_id, path, path_is_relative, file_size_bytes FROM {schema}.ducklake_data_file
  UNION ALL SELECT table_id, path, path_is_relative, file_size_bytes
  FROM {schema}.ducklake_delete_file) AS f
JOIN {schema}.ducklake_table AS t ON t.table_id = f.table_id
JOIN {schema}.ducklake_schema AS s ON s.schema_id = t.schema_id
"""


def seal(place: LakePlace) -> None:
    """Let a catalog name only the files of its last snapshot, not those of the steps to it.

    No file is removed.

    Raises:
        WarehouseError: The catalog cannot be changed.
        BadInputError: A table has numbers that its files do not hold.
    """
    with open_lake(place, "lake") as connection:
        _refuse_rounded(connection)
        connection.execute(
            "SELECT count(*) FROM ducklake_expire_snapshots('lake', older_than => now())"
        ).fetchall()
        # What this catalog does not name any more may be another state's.
        catalog = f"__ducklake_metadata_lake.{quote_identifier(place.schema or 'main')}"
        connection.execute(f"DELETE FROM {catalog}.ducklake_files_scheduled_for_deletion")


def _refuse_rounded(connection: DuckDBPyConnection) -> None:
    """Whole numbers of 128 bits, such as sums have, are floating ones in Parquet's files."""
    columns = connection.execute(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() SEMI JOIN "
        "duckdb_tables() USING (database_name, schema_name, table_name) "
        "WHERE database_name = current_database() AND data_type IN ('HUGEINT', 'UHUGEINT')"
    ).fetchall()
    for schema, table, column in columns:
        name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
        large = connection.execute(
            f"SELECT 1 FROM {name} WHERE abs({quote_identifier(column)}::DOUBLE) >= {2**53} LIMIT 1"
        ).fetchone()
        if large:
            raise BadInputError(
                f"The column {quoted(column)} of {schema}.{table} has whole numbers of more than "
                "53 bits and is a HUGEINT, as sums are: the files of a lake would round them.",
                "Cast it in the model, such as sum(x)::BIGINT or sum(x)::DECIMAL(38, 0). The "
                "tables are those of the last good run.",
            )


def named_by_file(place: LakePlace) -> set[str]:
    """The files that a catalog in a file names."""
    with blank_connection(place) as connection:
        connection.execute(f"ATTACH {quote_literal(place.metadata)} AS catalog (READ_ONLY)")
        found = connection.execute(NAMED.format(schema="catalog.main")).fetchall()
    return {str(path) for path, _ in found}


def remove_unnamed(place: LakePlace, named: set[str], grace: float | None = None) -> int:
    """Remove the files of a lake that are not named, and have been there for a while.

    Args:
        grace: For how many seconds, if not for as long as a writer may take.

    Returns:
        How many there were.

    Raises:
        WarehouseError: The store cannot be reached.
    """
    before = time.time() - (GRACE_SECONDS if grace is None else grace)
    if place.is_in_store:
        return _remove_from_store(place, named, before)
    folder = Path(place.data)
    gone = [
        path
        for path in _files(folder)
        if path.relative_to(folder).as_posix() not in named and path.stat().st_mtime < before
    ]
    for path in gone:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()
    return len(gone)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in _ENDINGS:
            yield path


def _remove_from_store(place: LakePlace, named: set[str], before: float) -> int:
    """By DuckLake's own removal, with a catalog for the purpose: DuckDB has no other."""
    with blank_connection(place) as connection:
        pattern = quote_literal(f"{place.data}**")
        if not connection.execute(f"SELECT 1 FROM glob({pattern}) LIMIT 1").fetchone():
            return 0
        listed = connection.execute(
            f"SELECT filename FROM read_blob({pattern}) WHERE epoch(last_modified) < {before}"
        ).fetchall()
        gone = [
            str(name)
            for (name,) in listed
            if str(name).endswith(_ENDINGS) and str(name).removeprefix(place.data) not in named
        ]
        if not gone:
            return 0
        with tempfile.TemporaryDirectory(prefix="dataflow-lake-") as folder:
            catalog = quote_literal(f"ducklake:{folder}/removal.ducklake")
            data = quote_literal(place.data)
            connection.execute(f"ATTACH {catalog} AS removal (DATA_PATH {data})")
            rows = ", ".join(
                f"({number}, {quote_literal(name)}, false, now())"
                for number, name in enumerate(gone)
            )
            scheduled = quote_identifier("__ducklake_metadata_removal")
            connection.execute(
                f"INSERT INTO {scheduled}.ducklake_files_scheduled_for_deletion VALUES {rows}"
            )
            connection.execute(
                "SELECT count(*) FROM ducklake_cleanup_old_files('removal', cleanup_all => true)"
            ).fetchall()
            connection.execute("DETACH removal")
    return len(gone)
