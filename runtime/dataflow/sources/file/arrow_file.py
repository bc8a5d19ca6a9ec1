"""Parquet, ORC and Feather files, whose columns have types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.parquet_copy import keeps_types
from dataflow.shared.shown import quoted
from dataflow.shared.sql import converted, quote_identifier, quote_literal, type_family
from dataflow.shared.wide_decimals import narrowed, wide_columns
from dataflow.sources.contract_check import conform
from dataflow.sources.duckdb_session import faults_told, open_engine, watching_files, without_nan
from dataflow.sources.durations import durations_as_text
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.shapes import check_shapes, spelled_alike
from dataflow.sources.inference import BATCH_ROWS, TypedTable
from dataflow.sources.local_file import size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from dataflow.shared.contract import Contract
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

_BINARY = {"FLOAT", "DOUBLE"}
_NUMBERS = ("whole", "fraction")
_NAMES = {"parquet": "Parquet", "orc": "ORC", "feather": "Feather"}


def read_parquet(
    files: Sequence[LocalFile], settings: FileSource, contract: Contract | None = None
) -> TypedTable:
    """Read Parquet files as they are; columns are matched by name, and types widened.

    Of the texts that mean no value only NaN has a meaning here, in columns of fractions. With a
    contract the rows are held to it as they are read, where their types allow that; else whoever
    asked holds the table to it.

    Raises:
        SourceDataError: A file is not Parquet, or is cut off.
        SourceSettingError: The files are several tables.
    """
    if any(map(_has_wide_decimals, files)):
        # DuckDB takes them for other numbers.
        return read_arrow_files(files, settings, contract)
    paths = [quote_literal(file.path) for file in files]

    def fault(message: str) -> SourceDataError:
        file = next((file for file in files if str(file.path) in message), files[0])
        first = message.strip().splitlines()[0].replace(str(file.path), file.shown)
        return SourceDataError(
            f"{file.shown} cannot be read as Parquet: {first}", "Fetch or write the file again."
        )

    with (
        open_engine() as connection,
        faults_told(fault),
        watching_files(connection, size_of(files), is_whole=True),
    ):
        lacking = frozenset[str]()
        if len(files) > 1:
            each = {
                file.shown: connection.sql(f"FROM read_parquet({path})")
                for file, path in zip(files, paths, strict=True)
            }
            columns = {shown: relation.columns for shown, relation in each.items()}
            lacking = check_shapes(columns, settings.union_by_name, contract)
            _refuse_rounding(each)
        relation = connection.sql(f"FROM read_parquet([{', '.join(paths)}], union_by_name = true)")
        relation = without_nan(relation, settings.null_values)
        if contract is None or not keeps_types(relation):
            return TypedTable(relation.to_arrow_table(batch_size=BATCH_ROWS), [], lacking=lacking)
        names = relation.columns
        keys = (f"{quote_identifier(name)} AS c{index}" for index, name in enumerate(names))
        relation.project(", ".join(keys)).create_view("dataflow_parquet")
        conformed = conform(connection, "dataflow_parquet", names, contract, declared=True)
        return TypedTable(conformed.table, conformed.notes, conformed=conformed)


def _refuse_rounding(each: Mapping[str, duckdb.DuckDBPyRelation]) -> None:
    """Refuse files whose numbers are whole, or decimals, that the fractions of others do not hold.

    Raises:
        SourceDataError: There is such a number.
    """
    kinds: dict[str, set[str]] = {}
    for relation in each.values():
        for name, kind in zip(relation.columns, map(str, relation.types), strict=True):
            kinds.setdefault(name.lower(), set()).add(kind)
    for shown, relation in each.items():
        for name, kind in zip(relation.columns, map(str, relation.types), strict=True):
            others = kinds[name.lower()]
            if kind in _BINARY or not others & _BINARY or type_family(kind) not in _NUMBERS:
                continue
            value = quote_identifier(name)
            back = converted(converted(value, kind, "DOUBLE"), "DOUBLE", kind, cast="TRY_CAST")
            changed = relation.filter(f"{back} IS DISTINCT FROM {value}").limit(1)
            if row := changed.project(f"CAST({value} AS VARCHAR)").fetchone():
                raise SourceDataError(
                    f"{shown} has {row[0]} in {quoted(name)}, and the column has fractions in "
                    "another file, which do not hold all of its digits.",
                    "Write the column in one type in all files, such as a decimal.",
                )


def read_arrow_files(
    files: Sequence[LocalFile], settings: FileSource, contract: Contract | None = None
) -> TypedTable:
    """Read ORC or Feather (Arrow IPC) files as they are; columns are matched by name.

    Decimals that DuckDB cannot hold are texts.

    Raises:
        SourceDataError: A file is not of its format, or they do not go together.
        SourceSettingError: The files are several tables.
    """
    import pyarrow as pa

    tables = [_read(file) for file in files]
    columns = {file.shown: table.column_names for file, table in zip(files, tables, strict=True)}
    lacking = check_shapes(columns, settings.union_by_name, contract)
    try:
        table = pa.concat_tables(spelled_alike(tables), promote_options="permissive")
    except pa.ArrowException as error:
        raise SourceDataError(
            f"The files {', '.join(file.shown for file in files)} do not go together: {error}.",
            "Read them one by one, or make the types of their columns the same.",
        ) from error
    notes: list[str] = []
    table = narrowed(_decoded(table), notes)
    with open_engine() as connection:
        connection.register("dataflow_file", table)
        relation = connection.sql("FROM dataflow_file")
        cleaned = without_nan(relation, settings.null_values)
        if cleaned is not relation:
            table = cleaned.to_arrow_table(batch_size=BATCH_ROWS)
    return durations_as_text(TypedTable(table, notes, lacking=lacking))


def _has_wide_decimals(file: LocalFile) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool(wide_columns(pq.read_schema(str(file.path))))
    except (OSError, pa.ArrowException):
        # Whoever reads it says what is wrong with it.
        return False


def _read(file: LocalFile) -> Any:
    import pyarrow as pa

    try:
        if file.format == "parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(str(file.path)) as parquet:
                return parquet.read()
        if file.format == "orc":
            from pyarrow import orc

            return orc.read_table(str(file.path))
        with pa.memory_map(str(file.path)) as source:
            if source.read(6) == b"ARROW1":
                source.seek(0)
                return pa.ipc.open_file(source).read_all()
            source.seek(0)
            if source.read(4) == b"FEA1":
                from pyarrow import feather

                return feather.read_table(str(file.path), memory_map=False)
            source.seek(0)
            return pa.ipc.open_stream(source).read_all()
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0].replace(str(file.path), file.shown)
        raise SourceDataError(
            f"{file.shown} cannot be read as {_NAMES[file.format]}: {first}",
            "Fetch or write the file again.",
        ) from error


def _decoded(table: Any) -> Any:
    """The table with plain values in place of dictionaries, which differ from part to part."""
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = table[index].cast(field.type.value_type)
            table = table.set_column(index, field.name, plain)
    return table
