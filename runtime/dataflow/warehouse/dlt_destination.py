"""A destination of dlt's: writing tables by dlt's loader, asking it, and what its errors mean."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import count_rows
from dataflow.shared.step_progress import step_progress
from dataflow.warehouse.column_fit import column_types
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dlt_types import kind_of, told_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

# The extra of the runtime's, and dlt's own for a destination.
EXTRA = "dlt"
# By which dlt loads Parquet files, where the destination's own packages do not have it.
_PARQUET_DRIVERS = {"postgres": "adbc_driver_postgresql"}
_BATCH_ROWS = 100_000
# Destinations that compare names without case; the others keep them as they are.
_WITHOUT_CASE = ("snowflake",)


@dataclass(frozen=True)
class DltDestination:
    """One destination, reached by one login.

    Args:
        name: As dlt calls it.
        credentials: As dlt takes them: an address, or their parts; empty for dlt's own variables.
        options: Further arguments of the destination.
        staging: The address of a bucket through which the rows go; empty for none.
    """

    name: str
    credentials: Any = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    staging: str = ""

    @property
    def location(self) -> str:
        """Where it is, without secrets."""
        if isinstance(self.credentials, dict):
            parts = [self.credentials.get(key) for key in ("host", "database", "project_id")]
            return f"{self.name}://{'/'.join(str(part) for part in parts if part)}"
        place = urlsplit(self.credentials)
        port = f":{place.port}" if place.port else ""
        return f"{self.name}://{place.hostname or ''}{port}{place.path}"

    @contextmanager
    def open(self, dataset: str) -> Iterator[DltClient]:
        """A connection; datasets and tables of the destination are named on it.

        Raises:
            MissingDependencyError: dlt, or what it needs for the destination, is not installed.
            WarehouseError: The destination cannot be reached, or has refused.
        """
        with TemporaryDirectory(prefix="dataflow-dlt-") as folder, self._told():
            pipeline = self._pipeline(folder, dataset)
            client = pipeline.destination_client()
            self._connect(client)
            with client:
                yield DltClient(client, dataset)

    def write(
        self, dataset: str, table: str, connection: DuckDBPyConnection, relation: str
    ) -> dict[str, str]:
        """Write what is in a relation of DuckDB's into a new table, by dlt's loader.

        Returns:
            The columns with their DuckDB types.

        Raises:
            WarehouseError: The destination has refused.
        """
        kinds = column_types(connection, relation)
        self.refuse_names(list(kinds))
        rows = count_rows(connection, relation)
        if not rows:
            # Not every driver takes a file without rows.
            with self.open(dataset) as client:
                client.create_table(dataset, table, told_columns(kinds))
            return kinds
        reader = connection.execute(f"FROM {relation}").to_arrow_reader(_BATCH_ROWS)

        progress = step_progress()
        progress.begin(f"for {self.name}", total_rows=rows)

        def batches() -> Iterator[pa.Table]:
            import pyarrow as pa

            handed = 0
            for batch in reader:
                yield pa.Table.from_batches([batch])
                handed += batch.num_rows
                progress.count(rows=handed)
            # The files are written: what follows is the loader's, which has them all at once.
            progress.begin(f"into {self.name}")

        with TemporaryDirectory(prefix="dataflow-dlt-") as folder, self._told():
            import dlt

            pipeline = self._pipeline(folder, dataset)
            frozen: Any = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
            columns: Any = told_columns(kinds)
            resource: Any = dlt.resource(
                batches,
                name=table,
                columns=columns,
                write_disposition="append",
                schema_contract=frozen,
            )
            known = pipeline.destination.capabilities()
            formats = known.supported_loader_file_formats
            if self.staging:
                formats = known.supported_staging_file_formats
            given = {"loader_file_format": "parquet"} if "parquet" in formats else {}
            schema = dlt.Schema("dataflow")
            pipeline.run(resource, schema=schema, **given).raise_on_failed_jobs()
        return kinds

    def _connect(self, client: Any) -> None:
        """Reach the destination; not every driver's error about that is one of dlt's."""
        from dlt.common.exceptions import DltException

        try:
            with client:
                pass
        except (DltException, ImportError):
            raise
        except Exception as error:
            raise self.fault(str(error)) from error

    def refuse_names(self, names: Sequence[str]) -> None:
        """Refuse names of columns that dlt would change, two of which may become one.

        Raises:
            BadInputError: There is one.
        """
        with self._told():
            from dlt.common.normalizers.naming import direct, sql_ci_v1

        ignores_case = self.name in _WITHOUT_CASE
        convention: Any = sql_ci_v1 if ignores_case else direct
        naming = convention.NamingConvention()
        seen: set[str] = set()
        for name in names:
            own = str(naming.normalize_identifier(name))
            plain = name.lower() if ignores_case else name
            if own != plain or plain in seen:
                raise BadInputError(
                    f"The column {quoted(name)} cannot be called so in {self.name}: it would be "
                    f"{quoted(own)} there; nothing was loaded.",
                    "Give it another name: `source` of a column in `ingestion.columns` names what "
                    "it is called in the source.",
                )
            seen.add(plain)

    def _pipeline(self, folder: str, dataset: str) -> Any:
        import dlt
        import dlt.destinations

        naming = "sql_ci_v1" if self.name in _WITHOUT_CASE else "direct"
        arguments = {"naming_convention": naming, **self.options}
        if self.credentials:
            arguments["credentials"] = self.credentials
        make: Callable[..., Any] = getattr(dlt.destinations, self.name)
        staging = dlt.destinations.filesystem(self.staging) if self.staging else None
        pipeline = dlt.pipeline(
            "dataflow",
            pipelines_dir=folder,
            destination=make(**arguments),
            staging=staging,
            dataset_name=dataset,
        )
        # What goes wrong is told by its error.
        logging.getLogger("dlt").setLevel(logging.CRITICAL)
        # A pipeline is nobody's memory here: what is known is in the workflow's own states.
        pipeline.config.restore_from_destination = False
        return pipeline

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what an error of dlt's means."""
        # dlt reads this once, when it begins.
        os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
        try:
            import dlt.common.exceptions
            import dlt.destinations.exceptions
        except ImportError as error:
            raise MissingDependencyError(
                f"The warehouse {self.name!r} needs dlt, which is not installed.", self.remedy
            ) from error
        driver = _PARQUET_DRIVERS.get(self.name)
        if driver and find_spec(driver) is None:
            # Without it dlt would write CSV, in which not every value and name arrives.
            raise MissingDependencyError(
                f"The warehouse {self.name!r} needs {driver}, which is not installed.", self.remedy
            )
        try:
            yield
        except dlt.common.exceptions.MissingDependencyException as error:
            raise MissingDependencyError(
                f"dlt needs more packages for {self.name}: {_first_line(error)}", self.remedy
            ) from error
        except dlt.common.exceptions.DltException as error:
            raise self.fault(str(_root(error))) from error

    @property
    def remedy(self) -> str:
        """How what is missing is installed."""
        driver = _PARQUET_DRIVERS.get(self.name, "").replace("_", "-")
        packages = f"'dataflow-runtime[{EXTRA}]' 'dlt[{self.name}]' {driver}"
        return f"Install it: pip install {packages.rstrip()}"

    def fault(self, said: str) -> WarehouseError:
        """What an error of the destination means for a person."""
        return WarehouseError(
            f"Working with the warehouse {self.location} failed: {' '.join(said.split())[:600]}",
            "The tables are as they were. Check that it can be reached and what its user may do: "
            "`dataflow env check`.",
        )


class DltClient:
    """An open connection of a destination."""

    def __init__(self, client: Any, dataset: str) -> None:
        self._client = client
        self._sql = client.sql_client
        self._dataset = dataset

    @property
    def database(self) -> str:
        """The database, or catalog, that datasets are in; empty if there is none."""
        return str(self._sql.catalog_name(quote=False) or "")

    def quoted(self, name: str) -> str:
        """A name of a column as SQL."""
        return str(self._sql.escape_column_name(name))

    def relation(self, dataset: str, table: str) -> str:
        """A table as SQL."""
        with self._in(dataset):
            return str(self._sql.make_qualified_table_name(table))

    def has(self, dataset: str) -> bool:
        """Whether there is such a dataset."""
        with self._in(dataset):
            return bool(self._sql.has_dataset())

    def create(self, dataset: str) -> None:
        """Make a dataset, if there is none."""
        with self._in(dataset):
            if not self._sql.has_dataset():
                self._sql.create_dataset()

    def drop(self, dataset: str) -> None:
        """Drop a dataset with all that is in it."""
        with self._in(dataset):
            if self._sql.has_dataset():
                self._sql.drop_dataset()

    def execute(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        """Run a statement; what it gives, if it gives anything."""
        return self._sql.execute_sql(statement, *values) or []

    def relations(self, dataset: str) -> dict[str, dict[str, str]]:
        """The tables and views of a dataset, each with its columns and their DuckDB types."""
        with self._in(dataset):
            catalog, schema, _ = self._sql._get_information_schema_components()
            query, values = self._client._get_info_schema_columns_query(catalog, schema, [])
            found: dict[str, dict[str, str]] = {}
            for table, column, kind, _nullable, *numbers in self.execute(query, *values):
                told = self._client._from_db_type(kind, *(numbers or (None, None)))
                # dlt says of no timestamp that it has no zone.
                if told["data_type"] == "timestamp" and _has_no_zone(str(kind)):
                    told = {**told, "timezone": False}
                found.setdefault(str(table), {})[str(column)] = kind_of(told)
        return {name: kinds for name, kinds in found.items() if not name.lower().startswith("_dlt")}

    def create_table(
        self, dataset: str, table: str, columns: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Make a table without rows, by what dlt is told of its columns."""
        from dlt.common.schema.utils import new_table

        schema = self._client.schema
        told: Any = list(columns.values())
        schema.update_table(new_table(table, columns=told))
        schema._bump_version()
        with self._in(dataset):
            self._client.initialize_storage()
            self._client.update_stored_schema()

    def tables(self, dataset: str) -> list[str]:
        """The tables of a dataset that are no views."""
        with self._in(dataset):
            catalog, schema, _ = self._sql._get_information_schema_components()
            query = (
                f"SELECT table_name FROM {self._sql._qualify_info_schema_table_name('TABLES')} "
                "WHERE table_schema = %s AND table_type NOT LIKE %s"
            )
            rows = self.execute(query, schema, "%VIEW%")
        del catalog
        return sorted(str(name) for (name,) in rows if not str(name).lower().startswith("_dlt"))

    def has_table(self, dataset: str, table: str) -> bool:
        """Whether a dataset has such a table."""
        return self.has(dataset) and table in self.relations(dataset)

    def fetch(self, relation: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """All rows of a table, its columns in the order and the types of a schema."""
        import pyarrow as pa
        from dlt.destinations.sql_client import DBApiCursorImpl

        columns = ", ".join(map(self.quoted, schema.names))
        with self._sql.execute_query(f"SELECT {columns} FROM {relation}") as cursor:
            if type(cursor).iter_arrow is not DBApiCursorImpl.iter_arrow:
                for table in cursor.iter_arrow(_BATCH_ROWS):
                    yield from table.rename_columns(schema.names).cast(schema).to_batches()
                return
            while rows := cursor.fetchmany(_BATCH_ROWS):
                values = zip(*rows, strict=True)
                arrays = [
                    pa.array(map(_plain, each), kind.type)
                    for each, kind in zip(values, schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _in(self, dataset: str) -> Any:
        if dataset == self._dataset:
            return nullcontext()
        return self._sql.with_alternative_dataset_name(dataset)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _has_no_zone(kind: str) -> bool:
    kind = kind.lower()
    return kind in ("timestamp", "datetime", "datetime2", "timestamp_ntz") or "without" in kind


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
