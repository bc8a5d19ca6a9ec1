"""The warehouse ``dlt``: tables in any destination that dlt and dbt share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dataflow.shared.config_types import Section, Text
from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dlt_check import try_destination
from dataflow.warehouse.dlt_dbt import DltDbt
from dataflow.warehouse.dlt_destination import DltDestination
from dataflow.warehouse.dlt_held import DltHeld
from dataflow.warehouse.dlt_loading import DltLoad, write_table
from dataflow.warehouse.dlt_places import DltPlaces
from dataflow.warehouse.dlt_shown import log_of, new_tables, put_log, show_tables
from dataflow.warehouse.dlt_states import DltStates
from dataflow.warehouse.kind import LoadRequest, LoadResult, WarehouseKind
from dataflow.warehouse.load_log import watermark_of
from dataflow.warehouse.run_states import WithRunStates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project
    from dataflow.warehouse.dlt_known import State

Destination = Literal[
    "athena",
    "bigquery",
    "databricks",
    "duckdb",
    "fabric",
    "postgres",
    "redshift",
    "snowflake",
]


class DltSettings(Section):
    """Tables in a destination of dlt's, written by its loader."""

    type: Literal["dlt"] = Field(description="Tables in a destination of dlt's.")
    destination: Destination = Field(description="The destination, as dlt calls it.")
    credentials: Text | dict[str, Any] = Field(
        "",
        description="What dlt calls credentials: an address, or its parts; a login by ${VARIABLE}. "
        "Without, dlt's own variables, such as DESTINATION__BIGQUERY__CREDENTIALS.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Further arguments of dlt's destination."
    )
    staging: Text = Field(
        "", description="The address of a bucket through which rows go, where dlt needs one."
    )
    dbt: dict[str, Any] = Field(
        default_factory=dict,
        description="The output of dbt's profile. Not needed for postgres, redshift and duckdb.",
    )


@dataclass(frozen=True)
class DltTables:
    """The tables of one workflow: those of the present state, or as one run works on them.

    Args:
        run_id: The run; empty for the present state.
        dbt: How dbt reaches the destination.
    """

    states: DltStates
    dbt: DltDbt
    run_id: str = ""
    _places: DltPlaces = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Where dbt's schemas are is found out once."""
        object.__setattr__(self, "_places", DltPlaces(self.states, self.dbt, self.run_id))

    @property
    def workflow_id(self) -> str:
        """Whose tables they are."""
        return self.states.workflow_id

    @property
    def location(self) -> str:
        """The destination, and which of its datasets."""
        return f"{self.states.destination.location}, datasets {self.workflow_id}__*"

    def exists(self) -> bool:
        """Whether there are tables."""
        with self.states.open() as client:
            state = self.states.state(client, self.run_id)
        return bool(state["tables"] or state["schemas"])

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A DuckDB connection on which the tables are views of rows that are fetched.

        A table that is made on it is written into the destination when the block ends well; what
        changes one that is there is refused.
        """
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            with self.states.open() as client:
                state = self.states.state(client, self.run_id)
                if read_only and not (state["tables"] or state["schemas"]):
                    raise WarehouseError(
                        f"The workflow {self.workflow_id} has no tables in "
                        f"{self.states.destination.location} yet.",
                        f"Run the workflow first: dataflow workflow run {self.workflow_id}",
                    )
                show_tables(connection, self.workflow_id, self.states.destination, client, state)
            connection.execute(f"USE {quote_identifier(self.workflow_id)}")
            yield connection
            if not read_only:
                self._keep(connection, state)

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file into a new table, and put it in the place of the one before."""
        return DltLoad(self.states, self.run_id, request)(rows)

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        import duckdb

        with self.states.open() as client:
            log = self.states.state(client, self.run_id)["log"]
        with duckdb.connect() as connection:
            put_log(connection, "memory", log)
            return watermark_of(connection, table)

    def dbt_variables(self) -> Mapping[str, str]:
        """What the output names, and the time zone for drivers of Postgres."""
        return {**self.dbt.variables(), "PGTZ": "UTC"}

    def dbt_output(self) -> Mapping[str, Any]:
        """How dbt reaches the destination."""
        return self.dbt.output()

    def dbt_place(self, schema: str, upstream: str = "") -> tuple[str, str]:
        """The database and the dataset in which dbt builds a schema."""
        return self._places.of_schema(schema, upstream)

    def dbt_table(self, schema: str, table: str, upstream: str = "") -> tuple[str, str, str]:
        """Where a table is that dbt reads."""
        return self._places.of_table(schema, table, upstream)

    def dbt_relation(self, *names: str) -> str:
        """A table as dbt's SQL has it."""
        return self.dbt.relation(*names)

    def is_about(self, said: str) -> bool:
        """Whether an error that dbt tells is the destination's, not a model's."""
        signs = ("could not connect", "connection refused", "connection to server", "could not tr")
        return any(sign in said.lower() for sign in signs)

    def fault(self, said: str) -> WarehouseError:
        """A destination that is away or refuses."""
        return self.states.destination.fault(said)

    def _keep(self, connection: DuckDBPyConnection, state: State) -> None:
        """Write what was made on a connection."""
        log = log_of(connection, self.workflow_id)
        made = dict(new_tables(connection, self.workflow_id))
        if not made and log == state["log"]:
            return
        with self.states.open() as client:
            written = {
                name: write_table(self.states, client, self.run_id, name, connection, relation)
                for name, relation in made.items()
            }

            def note(state: State, _: str) -> None:
                state["log"] = log
                state["tables"].update({name: each.told() for name, each in written.items()})

            self.states.change(client, self.run_id, note)


@dataclass(frozen=True)
class DltWarehouse(WithRunStates, DltTables):
    """The present state of a workflow's tables, which a run changes as a whole."""

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> DltTables:
        """The tables that a run works on."""
        self.states.begin(run_id, resumes, state)
        return DltTables(self.states, self.dbt, run_id)

    @property
    def _states(self) -> DltStates:
        return self.states

    @contextmanager
    def compare(self, before: str, after: str) -> Iterator[DuckDBPyConnection]:
        """Two states as the catalogs `before` and `after`."""
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            with self.states.open() as client:
                earlier = self.states.kept_state(client, before)
                later = (
                    self.states.kept_state(client, after) if after else self.states.state(client)
                )
                own = self.states.destination
                show_tables(connection, "before", own, client, earlier, copies=True)
                show_tables(connection, "after", own, client, later, copies=True)
            yield connection

    def rename(self, new: str) -> None:
        """Give what is known of the tables to another name; the datasets keep theirs."""
        self.states.rename(new)

    def held_for(self, project: Project, workflow_id: str, reader: str) -> DltHeld:
        """The present state, held for the runs of another workflow."""
        del project
        return DltHeld(DltStates(self.states.destination, workflow_id), reader)


def open_tables(
    destination: DltDestination, dbt: Mapping[str, Any], workflow_id: str
) -> DltWarehouse:
    """The warehouse of one workflow in a destination."""
    how = DltDbt(destination.name, destination.credentials, dbt)
    return DltWarehouse(DltStates(destination, workflow_id), how)


def _open(settings: DltSettings, project: Project, workflow_id: str) -> DltWarehouse:
    del project
    destination = DltDestination(
        settings.destination, settings.credentials, settings.options, settings.staging
    )
    return open_tables(destination, settings.dbt, workflow_id)


def _is_shared(settings: DltSettings) -> bool:
    """A file of DuckDB's is on one machine."""
    return settings.destination != "duckdb"


def _check(settings: DltSettings, project: Project) -> str:
    tables = _open(settings, project, "check")
    return try_destination(tables.states.destination, tables.dbt)


KIND = WarehouseKind(DltSettings, _open, is_shared=_is_shared, check=_check)
