"""Rows of a DuckDB connection as a Parquet file that DuckDB itself writes, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.lazy_rows import TableFileError
from dataflow.shared.row_compression import row_compression
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

# DuckDB's tables have row groups of 122,880 rows. Rows that come in slightly larger ones, as a
# filter leaves them, are written twice when a table is loaded; in much larger ones they are not.
_ROWS_IN_GROUP = 4 * 122_880
# Columns of so few values cost less with a dictionary, to write and three times less to read; that
# of another column would take a fifth of the time, and save little beside the compression.
_MOST_IN_DICTIONARY = 4096
# What comes back from such a file as it was: types of DuckDB's, and of Arrow's.
_SAFE_TYPES = frozenset(
    {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "VARCHAR", "DATE"}
    | {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "TIME", "TIMESTAMP"}
    | {"TIMESTAMP WITH TIME ZONE"}
)
_SAFE_ARROW_TYPES = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float", "double", "string", "date32[day]", "time64[us]"}
    | {"timestamp[us]", "timestamp[us, tz=UTC]"}
)


def keeps_types(relation: duckdb.DuckDBPyRelation, others: frozenset[str] = frozenset()) -> bool:
    """Whether a file has the columns and types that an Arrow table of the relation would have.

    ``others`` are types that come back as well, for one who knows how the table would have them.

    >>> import duckdb
    >>> keeps_types(duckdb.sql("SELECT 1 AS a")), keeps_types(duckdb.sql("SELECT [1] AS a"))
    (True, False)
    """
    kinds = map(str, relation.types)
    return _are_distinct(relation.columns) and all(
        kind in _SAFE_TYPES | others or kind.startswith("DECIMAL") for kind in kinds
    )


def keeps_arrow_types(schema: pa.Schema) -> bool:
    """Whether Arrow rows of such columns come back with the same ones.

    >>> import pyarrow as pa
    >>> [keeps_arrow_types(pa.schema({"a": kind})) for kind in (pa.int64(), pa.null())]
    [True, False]
    """
    kinds = (str(field.type) for field in schema)
    return _are_distinct(schema.names) and all(
        kind in _SAFE_ARROW_TYPES or kind.startswith("decimal128") for kind in kinds
    )


def _are_distinct(names: Sequence[str]) -> bool:
    """Whether DuckDB, which does not look at the case, tells the columns apart."""
    return 0 < len(names) == len({name.lower() for name in names})


def copy_to_parquet(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    rows_in_group: int | None = None,
) -> None:
    """Write the rows of a query; no more than a part of them is in memory at one time.

    Args:
        rows_in_group: How many rows such a part has, which is written as one; by default as many
            as are best loaded into a table.

    Raises:
        TableFileError: The file cannot be written.
        duckdb.Error: The query cannot be run. No file is left.

    >>> import duckdb
    >>> from pathlib import Path
    >>> copy_to_parquet(duckdb.connect(), "SELECT 1 AS id", Path("rows.parquet"))
    >>> duckdb.sql("FROM 'rows.parquet'").fetchall()
    [(1,)]
    """
    import duckdb

    codec = row_compression()
    level = ", COMPRESSION_LEVEL 1" if codec == "zstd" else ""
    try:
        dictionary = 0 if _has_fractions(connection, query) else _MOST_IN_DICTIONARY
        connection.execute(
            f"COPY ({query}) TO {quote_literal(path)} (FORMAT parquet, "
            f"COMPRESSION {codec}{level}, DICTIONARY_SIZE_LIMIT {dictionary}, "
            f"ROW_GROUP_SIZE {rows_in_group or _ROWS_IN_GROUP})"
        )
    except duckdb.Error as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, duckdb.IOException) or str(path) not in str(error):
            raise
        raise TableFileError(
            f"The rows could not be written to {path}: {error}",
            "Free disk space or make the folder writable, and run again.",
        ) from error


def _has_fractions(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Whether there are floating point numbers: in DuckDB's dictionaries -0.0 becomes 0.0."""
    kinds = " ".join(
        str(kind) for _, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()
    )
    return "DOUBLE" in kinds or "FLOAT" in kinds
