"""Showing tables of a lake to a session of Spark, which reads their files itself.

Which files make a table is what the lake's catalog says. DuckDB's files name their columns by the
ids that the lake gave them; files that Spark has written, by names. Rows that are deleted are in
files of their own, which name them by file and position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.lake_place import LakePlace, open_lake
from dataflow.warehouse.spark_session import spark_path
from dataflow.warehouse.spark_types import copied_as, in_backticks, read_as, seen_as

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

# Where Spark's catalog has the files that the tables are made of.
_FILES = "dataflow_files"
_FIELD_ID = "parquet.field.id"
_LAKE = "lake"


@dataclass(frozen=True)
class ShownTable:
    """A table of the lake, and under which name Spark is to have it."""

    schema: str
    name: str
    shown_schema: str


@dataclass(frozen=True)
class _Column:
    name: str
    kind: DuckDBPyType
    field_id: int


@dataclass(frozen=True)
class _File:
    path: str
    deletes: str
    # Files that Spark has written have no ids.
    by_name: bool


def show_tables(
    session: Any, place: LakePlace, tables: Iterable[ShownTable], copies: list[str]
) -> None:
    """Make views in Spark's catalog of those tables that a lake has; the others are passed over.

    Args:
        copies: Takes the folders that copies for Spark are written into.

    Raises:
        BadInputError: A column has a type that Spark does not read.
        WarehouseError: The lake cannot be reached.
    """
    session.sql(f"CREATE SCHEMA IF NOT EXISTS {_FILES}")
    with open_lake(place, _LAKE, read_only=True) as connection:
        for table in tables:
            session.sql(f"CREATE SCHEMA IF NOT EXISTS {in_backticks(table.shown_schema)}")
            found = connection.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
                f"AND schema_name = {quote_literal(table.schema)} "
                f"AND table_name = {quote_literal(table.name)}"
            ).fetchone()
            if found:
                _show(session, connection, place, table, copies)


def _show(
    session: Any,
    connection: DuckDBPyConnection,
    place: LakePlace,
    table: ShownTable,
    copies: list[str],
) -> None:
    columns = _columns(connection, place, table)
    files = _files(connection, place, table)
    readable = all(read_as(column.kind) for column in columns)
    if not readable or files is None or _has_defaults(connection, place, table):
        path = _copy(connection, place, table, columns)
        copies.append(path.rpartition("/")[0] + "/")
        relation = connection.sql(f"FROM read_parquet({quote_literal(path)})")
        columns = [
            _Column(name, kind, 0)
            for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
        files = [_File(path, "", by_name=True)]
    selects = [
        _select(session, columns, [f for f in files if bool(f.deletes) is d and f.by_name is n])
        for d in (False, True)
        for n in (False, True)
        if any(bool(f.deletes) is d and f.by_name is n for f in files)
    ]
    if not selects:
        empty = ", ".join(
            f"CAST(NULL AS {seen_as(c.kind) or read_as(c.kind)}) AS {in_backticks(c.name)}"
            for c in columns
        )
        selects = [f"SELECT {empty} WHERE false"]
    name = f"{in_backticks(table.shown_schema)}.{in_backticks(table.name)}"
    session.sql(f"CREATE OR REPLACE VIEW {name} AS {' UNION ALL '.join(selects)}")


def _select(session: Any, columns: Sequence[_Column], files: Sequence[_File]) -> str:
    """SQL of the rows of some files, which are alike in how they are read."""
    by_folder: dict[str, list[_File]] = {}
    for file in files:
        by_folder.setdefault(file.path.rpartition("/")[0], []).append(file)
    return " UNION ALL ".join(_select_of_folder(session, columns, f) for f in by_folder.values())


def _select_of_folder(session: Any, columns: Sequence[_Column], files: Sequence[_File]) -> str:
    from pyspark.sql.types import LongType, StringType, StructField, StructType

    fields = []
    for column in columns:
        field = StructField(column.name, _parsed(read_as(column.kind)))
        if not files[0].by_name:
            field.metadata = {_FIELD_ID: column.field_id}
        fields.append(field)
    base = _table_of(session, StructType(fields), [file.path for file in files])
    values = ", ".join(
        f"CAST({in_backticks(c.name)} AS {seen_as(c.kind)}) AS {in_backticks(c.name)}"
        if seen_as(c.kind)
        else in_backticks(c.name)
        for c in columns
    )
    if not files[0].deletes:
        return f"SELECT {values} FROM {base}"
    gone_fields = [StructField("file_path", StringType()), StructField("pos", LongType())]
    gone = _table_of(session, StructType(gone_fields), [file.deletes for file in files])
    # Names of files are unique, and written alike by DuckDB and Spark, which addresses are not.
    return (
        f"SELECT {values} FROM (SELECT *, _metadata.file_name AS dataflow_file, "
        f"_metadata.row_index AS dataflow_row FROM {base}) AS r LEFT ANTI JOIN {gone} AS d "
        "ON r.dataflow_file = substring_index(d.file_path, '/', -1) AND r.dataflow_row = d.pos"
    )


def _table_of(session: Any, schema: Any, paths: Sequence[str]) -> str:
    """A table of Spark's that is some files of one folder."""
    folder = paths[0].rpartition("/")[0]
    names = ",".join(path.rpartition("/")[2] for path in paths)
    name = f"{_FILES}.f_{uuid4().hex}"
    where = f"{spark_path(folder)}/" + (f"{{{names}}}" if len(paths) > 1 else names)
    session.catalog.createTable(name, path=where, source="parquet", schema=schema)
    return name


def _parsed(kind: str) -> Any:
    from pyspark.sql.types import DataType

    return DataType.fromDDL(kind)


def _columns(connection: DuckDBPyConnection, place: LakePlace, table: ShownTable) -> list[_Column]:
    relation = connection.sql(f"FROM {_name(table)}")
    found = connection.execute(
        f"SELECT column_name, column_id FROM {_catalog(place)}.ducklake_column "
        "WHERE end_snapshot IS NULL AND parent_column IS NULL "
        f"AND table_id = ({_table_id(place, table)})"
    ).fetchall()
    ids = {str(name): int(column_id) for name, column_id in found}
    return [
        _Column(name, kind, ids[name])
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]


def _has_defaults(connection: DuckDBPyConnection, place: LakePlace, table: ShownTable) -> bool:
    """Whether older files lack a column whose rows there are to have a value all the same."""
    row = connection.execute(
        f"SELECT 1 FROM {_catalog(place)}.ducklake_column WHERE end_snapshot IS NULL "
        "AND initial_default IS NOT NULL AND initial_default <> 'NULL' "
        f"AND table_id = ({_table_id(place, table)}) LIMIT 1"
    ).fetchone()
    return row is not None


def _files(
    connection: DuckDBPyConnection, place: LakePlace, table: ShownTable
) -> list[_File] | None:
    """The files of a table; None if its rows are also elsewhere, or under other names."""
    catalog, table_id = _catalog(place), _table_id(place, table)
    inlined = connection.execute(
        f"SELECT 1 FROM {catalog}.ducklake_inlined_data_tables WHERE table_id = ({table_id})"
    ).fetchone()
    renamed = connection.execute(
        f"SELECT 1 FROM {catalog}.ducklake_name_mapping m "
        f"JOIN {catalog}.ducklake_column_mapping USING (mapping_id) "
        f"LEFT JOIN {catalog}.ducklake_column c ON c.column_id = m.target_field_id "
        f"AND c.table_id = ({table_id}) AND c.end_snapshot IS NULL "
        f"WHERE ducklake_column_mapping.table_id = ({table_id}) "
        "AND m.parent_column IS NULL AND c.column_name IS DISTINCT FROM m.source_name LIMIT 1"
    ).fetchone()
    mapped = {
        str(path).rpartition("/")[2]
        for (path,) in connection.execute(
            f"SELECT path FROM {catalog}.ducklake_data_file WHERE mapping_id IS NOT NULL "
            f"AND end_snapshot IS NULL AND table_id = ({table_id})"
        ).fetchall()
    }
    listed = connection.execute(
        "SELECT data_file, coalesce(delete_file, ''), data_file_encryption_key IS NOT NULL "
        f"FROM ducklake_list_files('{_LAKE}', {quote_literal(table.name)}, "
        f"schema => {quote_literal(table.schema)})"
    ).fetchall()
    files = [
        _File(path, deletes, by_name=path.rpartition("/")[2] in mapped)
        for path, deletes, _ in listed
    ]
    is_odd = any(
        encrypted or not path.endswith(".parquet") or (deletes and not deletes.endswith(".parquet"))
        for path, deletes, encrypted in listed
    )
    return None if inlined or renamed or is_odd else files


def _copy(
    connection: DuckDBPyConnection,
    place: LakePlace,
    table: ShownTable,
    columns: Sequence[_Column],
) -> str:
    """Write the rows of a table once more, in types and in a way that Spark reads."""
    values = []
    for column in columns:
        name = quote_identifier(column.name)
        kind = copied_as(column.kind)
        if not kind and not read_as(column.kind):
            raise BadInputError(
                f"The column {quoted(column.name)} of {table.schema}.{table.name} is "
                f"{column.kind}, which Spark does not read.",
                "Give it another type in the step that makes it, or in `ingestion.columns`.",
            )
        if kind == "TIMESTAMP":
            finer = connection.execute(
                f"SELECT 1 FROM {_name(table)} "
                f"WHERE {name}::TIMESTAMP::TIMESTAMP_NS <> {name} LIMIT 1"
            ).fetchone()
            if finer:
                raise BadInputError(
                    f"The column {quoted(column.name)} of {table.schema}.{table.name} has times "
                    "finer than microseconds, which Spark does not hold.",
                    "Cast it to a timestamp, or to text, in transform.py.",
                )
        values.append(f"CAST({name} AS {kind}) AS {name}" if kind else name)
    path = f"{place.data}spark-copies-{uuid4().hex}/{uuid4().hex}.parquet"
    if not place.is_in_store:
        from pathlib import Path

        Path(path).parent.mkdir(parents=True)
    connection.execute(
        f"COPY (SELECT {', '.join(values)} FROM {_name(table)}) TO {quote_literal(path)} "
        "(FORMAT parquet)"
    )
    return path


def _name(table: ShownTable) -> str:
    return f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"


def _catalog(place: LakePlace) -> str:
    return f"__ducklake_metadata_{_LAKE}.{quote_identifier(place.schema or 'main')}"


def _table_id(place: LakePlace, table: ShownTable) -> str:
    catalog = _catalog(place)
    return (
        f"SELECT t.table_id FROM {catalog}.ducklake_table t JOIN {catalog}.ducklake_schema s "
        "USING (schema_id) WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL "
        f"AND t.table_name = {quote_literal(table.name)} "
        f"AND s.schema_name = {quote_literal(table.schema)}"
    )
