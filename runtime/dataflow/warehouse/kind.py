"""What a warehouse is, whether it is built in or comes from another distribution.

A distribution adds one by an entry point in the group ``dataflow.warehouses`` that names a
`WarehouseKind`; ``warehouse`` in a project's ``[tool.dataflow]`` chooses it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from dataflow.shared.config_kinds import chosen_kind
from dataflow.shared.config_types import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from duckdb import DuckDBPyConnection

    from dataflow.shared.errors import DataflowError
    from dataflow.shared.project import Project
    from dataflow.warehouse.load_log import Batch

Settings = TypeVar("Settings", bound=Section)
WriteDisposition = Literal["replace", "append", "merge"]


@dataclass(frozen=True)
class Owners:
    """The rows that others belong to, as items do to the row whose list they were in.

    Args:
        rows: The Parquet file that the items were taken from.
        columns: By which they find each other: columns of the items, each with that of the rows.
        table: Schema and name of the table that the rows are merged into before.
        loaded: The Parquet file that it is loaded from.
        cursor: The column whose greatest value tells the version of a row that counts.
    """

    rows: Path
    columns: Mapping[str, str]
    table: str
    loaded: Path
    cursor: str = ""


@dataclass(frozen=True)
class Span:
    """Rows by the value of one column.

    Args:
        since: The first value; None for no beginning.
        until: The first value that is not among them any more; None for no end.
    """

    column: str
    since: Any
    until: Any = None


@dataclass(frozen=True)
class LoadRequest:
    """Into which table rows go, and how.

    Args:
        table: Its name, without the schema.
        write_disposition: What happens to the rows that are there.
        primary_key: The columns that identify a row; ``merge`` needs at least one.
        allow_empty: Let ``replace`` empty a table that has rows.
        watermark: How far the source has been read, to be kept with the rows, all or nothing.
        batch: Whose rows these are; ``append`` does not add the same batch twice.
        full_refresh: All that the source has came again: it takes the table's place.
        cursor: The column that says which of two rows with one key is the newer one.
        span: Which rows came again that were loaded before; an ``append`` deletes those.
        rejected: A Parquet file of the rows that the contract put aside, to be kept with the others
            in the table of the same name in the schema ``rejected``; None if there are none.
        owners: The rows that these belong to. ``merge`` then puts them in the place of all that
            belonged to the same ones, and none is left of an owner that has none today.
        partition: The rows are all of one partition, whose key they have in the column
            ``partition_key``: those that the table has of it go, and its other rows stay.
        texts: Columns that the contract says are text: what the table has of them becomes text,
            where it was something else.
    """

    table: str
    write_disposition: WriteDisposition = "replace"
    primary_key: Sequence[str] = ()
    allow_empty: bool = False
    watermark: Any = None
    batch: Batch | None = None
    rejected: Path | None = None
    full_refresh: bool = False
    cursor: str = ""
    span: Span | None = None
    owners: Owners | None = None
    partition: str | None = None
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class LoadResult:
    """What a load did.

    Args:
        table: Schema and name of the table.
        loaded_by: The run that had added these rows already, if it had; they were not added again.
        more: What came of the other tables of the run.
        notes: What a person should know about how the rows went into the table.
        rows_gone: Rows of other partitions that a full refresh of one has taken away.
    """

    table: str
    rows_loaded: int
    rows_in_table: int
    loaded_by: str = ""
    more: Sequence[LoadResult] = ()
    notes: Sequence[str] = ()
    rows_gone: int = 0


class Warehouse(Protocol):
    """Where the tables of one workflow live, in the schemas ``raw``, ``staging`` and ``marts``."""

    @property
    def location(self) -> str:
        """Where that is, as people are told; without secrets."""

    def exists(self) -> bool:
        """Whether a run has made it yet."""

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[DuckDBPyConnection]:
        """A DuckDB connection in UTC on which the schemas are those of the workflow.

        Raises:
            WarehouseError: It cannot be reached, or is held by another program.
        """

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file into ``raw.<table>``, all of it or nothing.

        Raises:
            BadInputError: The rows do not fit the table.
            WarehouseError: The table cannot be written.
        """

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read; None if nothing was loaded yet."""

    def dbt_variables(self) -> Mapping[str, str]:
        """The environment variables by which the workflow's ``dbt/profiles.yml`` finds it."""

    def fault(self, said: str) -> DataflowError:
        """What an error that names `location` means for a person; dbt blames a model for it."""


@runtime_checkable
class ByDbtOutput(Protocol):
    """A warehouse that dbt reaches in a way of its own, which no rendered profile knows."""

    def dbt_output(self) -> Mapping[str, Any] | None:
        """An output as `profiles.yml` has it; None for that of the workflow's own file.

        It is written into a file: secrets in it are ``{{ env_var('NAME') }}``, and their values
        among the `dbt_variables`.
        """


@runtime_checkable
class PlacesModels(ByDbtOutput, Protocol):
    """A warehouse in which dbt's schemas have other names than in the workflow's files."""

    def dbt_place(self, schema: str, upstream: str = "") -> tuple[str, str]:
        """The database and the schema in which a schema of the workflow's files is.

        Args:
            upstream: The other workflow whose schema is meant; empty for the workflow's own.
        """


@runtime_checkable
class TellsItsFaults(Protocol):
    """A warehouse whose errors do not name its `location`."""

    def is_about(self, said: str) -> bool:
        """Whether an error is about the warehouse, not about a statement."""


def is_about(warehouse: Warehouse, said: str) -> bool:
    """Whether an error that dbt tells is about the warehouse, not about a model."""
    if warehouse.location in said:
        return True
    return isinstance(warehouse, TellsItsFaults) and warehouse.is_about(said)


def dbt_output_of(warehouse: Warehouse) -> Mapping[str, Any] | None:
    """The output of dbt's profile that a warehouse gives; None if the workflow's own is meant."""
    return warehouse.dbt_output() if isinstance(warehouse, ByDbtOutput) else None


class HeldTables(Protocol):
    """The tables of one workflow as a run of another one reads them, from its first step on."""

    def exists(self) -> bool:
        """Whether there are any, held by `hold`."""

    def hold(self) -> None:
        """Keep them as they are now, in place of what was held before.

        Raises:
            WarehouseError: They cannot be read.
        """

    def release(self) -> None:
        """Let go of them."""

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Let a connection read them as ``<name>.<schema>.<table>``."""

    def connect(self) -> AbstractContextManager[DuckDBPyConnection]:
        """A connection whose current catalog has them, for reading."""

    def dbt_attachment(self, name: str) -> Mapping[str, Any] | None:
        """An entry of `attach` in a profile of dbt-duckdb; None if dbt reads them otherwise."""


@runtime_checkable
class ReadByOthers(Protocol):
    """A warehouse whose tables the runs of other workflows can read."""

    def held_for(self, project: Project, workflow_id: str, reader: str) -> HeldTables:
        """The tables of the workflow as runs of another one, ``reader``, read them."""


@dataclass(frozen=True)
class KeptState:
    """What a warehouse held after a run.

    Args:
        run_id: The run that left it so; empty if no run of ours did.
        made_at: When, in ISO 8601.
        replaced_by: The run, or the restoring, that put another state in its place; empty for the
            present state.
        bytes: What it takes on the disk.
    """

    run_id: str
    made_at: str
    replaced_by: str
    bytes: int


@dataclass(frozen=True)
class KeepPolicy:
    """How many earlier states are kept: at most so many, of at most so many gigabytes in all."""

    states: int
    gigabytes: float
    # Whether the one replaced now is kept. What a backfill leaves between its runs is not.
    replaced: bool = True


@runtime_checkable
class AtomicWarehouse(Warehouse, Protocol):
    """A warehouse that a run can change as a whole: nothing is seen of it before its last step.

    A kind need not be one. If it is not, each step changes the tables when it ends.
    The runner holds the workflow's lock when it calls `begin` and `promote`.
    """

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> Warehouse:
        """The warehouse as one run works on it, seen by nobody else; it begins as the present one.

        A run that asks again, from whichever process, gets the same. What a run leaves that does
        not come to `promote` is cleared away when the next run begins.

        Args:
            resumes: The failed run from whose work this one goes on.
            state: The kept state to begin from, in place of the present one.

        Raises:
            WarehouseError: It cannot be made now, or the work of ``resumes`` is gone.
            BadInputError: There is no such state.
        """

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make the work of a run the present state, at one moment; false if it has none.

        Raises:
            WarehouseError: It cannot be, and the present state is as it was.
        """

    def is_promoted(self, run_id: str) -> bool:
        """Whether the present state is the work of this run."""

    def unfinished(self, run_id: str) -> str:
        """Where a person finds the work of a run that failed; empty if there is none."""

    def present(self) -> KeptState | None:
        """The present state, or None before the first run."""

    def kept(self) -> list[KeptState]:
        """The earlier states that are kept, the one that was replaced last first."""

    def compare(self, before: str, after: str) -> AbstractContextManager[DuckDBPyConnection]:
        """A connection on which two states are the catalogs ``before`` and ``after``.

        Args:
            before: The run of a kept state.
            after: The run of another one; empty for the present state.

        Raises:
            BadInputError: There is no such state.
        """


@dataclass(frozen=True)
class WarehouseKind(Generic[Settings]):
    """One kind of warehouse.

    Args:
        settings: The keys that it has in ``[tool.dataflow]``, with ``type: Literal[<name>]``.
        open: The warehouse of one workflow; nothing is connected to yet.
        is_shared: Whether every host of an environment sees the same tables, or, asked with the
            settings, whether these say so. A run that may be on any host is refused without.
        check: Tries it for `dataflow env check`, tables included, and says what was found. Without,
            a table is made and dropped in the warehouse of a workflow that there is not.
    """

    settings: type[Settings]
    open: Callable[[Settings, Project, str], Warehouse]
    is_shared: Callable[[Settings], bool] | bool = False
    check: Callable[[Settings, Project], str] | None = None


def shown_location(project: Project, warehouse: Warehouse) -> str:
    """Where a warehouse is: a file as a person in the project's folder would type it."""
    place = warehouse.location
    return place if "://" in place else project.relative(Path(place))


# Of which project and workflow a run has the warehouse, and how it is asked for.
_in_run: ContextVar[tuple[Path, str, Callable[[], Warehouse]] | None] = ContextVar(
    "dataflow_warehouse", default=None
)


@contextmanager
def share_warehouse(
    project: Project, workflow_id: str, warehouse: Callable[[], Warehouse]
) -> Iterator[None]:
    """Let `open_warehouse`, called inside, answer with the warehouse as a run works on it."""
    before = _in_run.get()
    _in_run.set((project.root, workflow_id, warehouse))
    try:
        yield
    finally:
        _in_run.set(before)


def open_warehouse(project: Project, workflow_id: str) -> Warehouse:
    """The warehouse of a workflow, of the kind that its project has chosen.

    Inside a run of that workflow it is as the run has changed it so far.

    Raises:
        BadInputError: The setting ``warehouse`` is wrong.
        PluginError: The kind cannot be imported.
    """
    shared = _in_run.get()
    if shared is not None and shared[:2] == (project.root, workflow_id):
        return shared[2]()
    return visible_warehouse(project, workflow_id)


def has_shared_tables(project: Project) -> bool:
    """Whether every host sees the tables of the project's warehouse.

    Raises:
        BadInputError: The setting ``warehouse`` is wrong.
        PluginError: The kind cannot be imported.
    """
    kind, settings = chosen_kind("warehouses", project.settings.warehouse, project.values)
    return bool(kind.is_shared(settings) if callable(kind.is_shared) else kind.is_shared)


def visible_warehouse(project: Project, workflow_id: str) -> Warehouse:
    """The warehouse of a workflow as everybody sees it, also inside of a run.

    Raises:
        BadInputError: The setting ``warehouse`` is wrong.
        PluginError: The kind cannot be imported.
    """
    kind, settings = chosen_kind("warehouses", project.settings.warehouse, project.values)
    warehouse: Warehouse = kind.open(settings, project, workflow_id)
    return warehouse
