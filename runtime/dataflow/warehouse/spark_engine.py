"""Spark as the engine of dbt's models, whose tables are those of a lake."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dataflow.shared.errors import BadInputError
from dataflow.shared.logging import get_logger
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.lake_place import LakePlace, open_lake
from dataflow.warehouse.spark_files import counted_rows, remove_folder, written_files
from dataflow.warehouse.spark_session import (
    FIXED,
    SparkCluster,
    executors,
    first_line,
    probe_folder,
    spark_path,
    spark_session,
)
from dataflow.warehouse.spark_tables import ShownTable, show_tables
from dataflow.warehouse.spark_types import in_backticks, written_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dataflow.warehouse.dbt_engine import DbtTable

log = get_logger(__name__)
_ANSI = "spark.sql.ansi.enabled"


@dataclass(frozen=True)
class _Written:
    """What Spark has written of a table: columns with DuckDB's types, and files."""

    table: DbtTable
    columns: str
    files: list[str]


@dataclass
class SparkEngine:
    """A session of Spark's that shows tables of a lake, and what it makes there.

    Args:
        place: The lake that the tables it makes become part of.
        probed: The executors that are known to see the lake's folder.
    """

    session: Any
    place: LakePlace
    probed: frozenset[str]
    _token: str = field(default_factory=lambda: uuid4().hex)

    def schema_of(self, table: DbtTable) -> str:
        """The schema in Spark's catalog; that of another workflow has its name before."""
        return f"{table.upstream}__{table.schema}" if table.upstream else table.schema

    def settings_of(self, table: DbtTable) -> Mapping[str, Any]:
        """A folder of the table's own, below the lake's: its files become the lake's."""
        return {"file_format": "parquet", "location_root": spark_path(self._root(table))}

    def before_statement(self) -> None:
        """Have dbt-spark's connections keep Spark's own rules for values that do not fit.

        It turns them off for each statement: ``cast('x' as int)`` would be null, and a sum that
        is too large another number.
        """
        factory = sys.modules.get("dbt.adapters.factory")
        adapter = factory.FACTORY.adapters.get("spark") if factory else None
        if adapter is not None:
            adapter.config.credentials.server_side_parameters[_ANSI] = FIXED[_ANSI]

    def keep(self, made: Sequence[DbtTable]) -> None:
        """Name the files of tables in the lake's catalog; views are written as tables.

        Raises:
            BadInputError: A column has a type that a lake does not hold.
            WarehouseError: The lake cannot be written, or files are missing.
        """
        if self.session.conf.get(_ANSI) != FIXED[_ANSI]:
            raise WarehouseError(
                "dbt-spark has built the models without Spark's rules for values that do not fit; "
                "what it made is not kept.",
                "Install versions that are known to work: pip install 'dataflow-runtime[spark]'.",
            )
        if executors(self.session).keys() - self.probed:
            # Others have come since, which may see another folder.
            probe_folder(self.session, self.place.data)
        written = [self._written(table) for table in made]
        with open_lake(self.place, "lake") as connection:
            connection.begin()
            for each in written:
                schema = quote_identifier(each.table.schema)
                name = f"{schema}.{quote_identifier(each.table.name)}"
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                is_view = connection.execute(
                    "SELECT 1 FROM duckdb_views() WHERE database_name = current_database() "
                    f"AND schema_name = {quote_literal(each.table.schema)} "
                    f"AND view_name = {quote_literal(each.table.name)}"
                ).fetchone()
                if is_view:
                    connection.execute(f"DROP VIEW {name}")
                connection.execute(f"CREATE OR REPLACE TABLE {name} ({each.columns})")
                if each.files:
                    files = ", ".join(map(quote_literal, each.files))
                    connection.execute(
                        f"CALL ducklake_add_data_files('lake', {quote_literal(each.table.name)}, "
                        f"[{files}], schema => {quote_literal(each.table.schema)})"
                    )
            connection.commit()
        log.debug("spark has built", tables=len(made), executors=executors(self.session))

    def _root(self, table: DbtTable) -> str:
        return f"{self.place.data}{table.schema}/{table.name}/{self._token}"

    def _written(self, table: DbtTable) -> _Written:
        name = f"{in_backticks(self.schema_of(table))}.{in_backticks(table.name)}"
        frame = self.session.table(name)
        columns = []
        for column in frame.schema.fields:
            kind = written_as(column.dataType)
            if not kind:
                raise BadInputError(
                    f"The column {quoted(column.name)} of {table.schema}.{table.name} is "
                    f"{column.dataType.simpleString()}, which the lake's files do not hold.",
                    "Cast it to another type in the model.",
                )
            columns.append(f"{quote_identifier(column.name)} {kind}")
        if table.is_view:
            files = self._write(frame, table)
        else:
            files = written_files(self.session, f"{self._root(table)}/{table.name}")
        return _Written(table, ", ".join(columns), files)

    def _write(self, frame: Any, table: DbtTable) -> list[str]:
        """Write what a view shows, and see that all rows are there."""
        from pyspark.errors import PySparkException
        from pyspark.sql import Observation
        from pyspark.sql.functions import count, lit

        folder, seen = f"{self._root(table)}/{table.name}", Observation()
        try:
            frame.observe(seen, count(lit(1)).alias("n")).write.parquet(spark_path(folder))
        except PySparkException as error:
            if not executors(self.session):
                raise
            raise BadInputError(
                f"The view {table.schema}.{table.name} has rows that cannot be made: "
                f"{first_line(error)}",
                "Correct the model: on Spark views are written as tables, all rows of them.",
            ) from error
        files = written_files(self.session, folder)
        wanted, found = int(seen.get["n"]), counted_rows(self.place, files)
        if wanted != found:
            raise WarehouseError(
                f"Of {wanted:,} rows of {table.schema}.{table.name} that Spark wrote this machine "
                f"sees {found:,}.",
                "See that `data` of the warehouse is the same folder on the driver and on all "
                "workers, and run again; the tables are those of the last good run.",
            )
        return files


@contextmanager
def spark_engine(
    cluster: SparkCluster,
    name: str,
    place: LakePlace,
    tables: Mapping[LakePlace, Sequence[ShownTable]],
) -> Iterator[SparkEngine]:
    """Spark for one build, with the tables that it is to see.

    Args:
        name: What the cluster shows as the application's name.
        place: The lake that what is made belongs to.
        tables: By the lakes that have them; those that do not exist are passed over.

    Raises:
        DataflowError: The cluster cannot be had, or does not read one of the tables.
    """
    place.make_folder()
    copies: list[str] = []
    with spark_session(cluster, name, place.cache) as session:
        try:
            probe_folder(session, place.data)
            probed = frozenset(executors(session))
            for lake, shown in tables.items():
                show_tables(session, lake, shown, copies)
            yield SparkEngine(session, place, probed)
        finally:
            for folder in copies:
                remove_folder(session, folder)
