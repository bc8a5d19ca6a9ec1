"""The warehouse ``ducklake``: Parquet files in a folder or an object store, and a catalog of them.

The catalog is in a Postgres database, which many machines share, or in a file of this one.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import Field, field_validator

from dataflow.shared.config_types import Section
from dataflow.shared.logging import get_logger
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dbt_lakes import let_dbt_attach
from dataflow.warehouse.kind import (
    KeepPolicy,
    LoadRequest,
    LoadResult,
    WarehouseKind,
)
from dataflow.warehouse.lake_files import remove_unnamed, seal
from dataflow.warehouse.lake_place import (
    LakePlace,
    blank_connection,
    lake_fault,
    open_lake,
    says_unreachable,
)
from dataflow.warehouse.lake_tables import LAKE_TABLES
from dataflow.warehouse.load import load_rows
from dataflow.warehouse.load_log import watermark_of
from dataflow.warehouse.run_states import RunStates, WithRunStates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.edited_file import EditedFile
    from dataflow.shared.project import Project

log = get_logger(__name__)


class DuckLakeSettings(Section):
    """Tables as Parquet files in a folder or an object store, with a catalog of them."""

    type: Literal["ducklake"] = Field(description="DuckLake.")
    catalog: str = Field(
        "",
        description="The Postgres database of the catalog, `postgresql://user@host/database`; its "
        "password from a variable, as `${VARIABLE}` or `PGPASSWORD`. A file of this machine for "
        "each workflow if not given.",
    )
    data: str = Field(
        "",
        description="The folder, or `s3://bucket/folder`, of the tables' files; `lake` in the "
        "project's data folder if not given.",
    )

    shared: bool = Field(
        False,
        description="The folder `data` is one that every host has mounted, such as NFS.",
    )

    @field_validator("catalog")
    @classmethod
    def _known_catalog(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("is no address of a Postgres database, `postgresql://...`")
        return value

    @field_validator("data")
    @classmethod
    def _known_data(cls, value: str) -> str:
        if "://" in value and not value.startswith("s3://"):
            raise ValueError("is neither a folder nor `s3://bucket/folder`")
        if any(sign in value for sign in "*?["):
            raise ValueError("has one of the signs `*?[`, which stand for several files")
        return value


class LakeStates(RunStates, Protocol):
    """The states of a workflow's lake: where the present one is, a run's work, the kept ones."""

    def present_place(self, *, make: bool = False) -> LakePlace | None:
        """The present state; None if there is none, unless it is to be made."""

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> LakePlace:
        """The state that a run works on."""

    def work_of(self, run_id: str) -> LakePlace | None:
        """The work of a run, if there is any and it can become the present state."""

    def kept_place(self, run_id: str) -> LakePlace:
        """Where one is."""

    def is_made(self, place: LakePlace) -> bool:
        """Whether there is a catalog."""

    def rename(self, new: str) -> None:
        """Give all of them to another workflow."""

    def drop_leftovers(self) -> bool:
        """Remove what is no state any more; whether files may have lost their last name."""

    def named_files(self) -> set[str]:
        """The files that states name."""


@dataclass(frozen=True)
class DuckLake:
    """One state of a workflow's lake as a warehouse."""

    workflow_id: str
    place: LakePlace
    states: LakeStates

    @property
    def location(self) -> str:
        """Where catalog and files are."""
        return self.place.shown

    def exists(self) -> bool:
        """Whether a run has made it yet."""
        return self.states.is_made(self.place)

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[DuckDBPyConnection]:
        """A DuckDB whose current catalog is the lake."""
        if read_only and not self.exists():
            raise _nothing_yet(self.location, self.workflow_id)
        return open_lake(self.place, self.workflow_id, read_only=read_only)

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file in one transaction."""
        with self.connect() as connection:
            return load_rows(connection, rows, request, LAKE_TABLES)

    def load_edited(self, rows: EditedFile, request: LoadRequest) -> LoadResult:
        """Load what is made of a Parquet file, while it is read."""
        with self.connect() as connection:
            return load_rows(connection, rows, request, LAKE_TABLES)

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        if not self.exists():
            return None
        with self.connect(read_only=True) as connection:
            return watermark_of(connection, table)

    def dbt_variables(self) -> dict[str, str]:
        """Nothing: dbt is told by `dbt_output`."""
        return {}

    def dbt_output(self) -> dict[str, Any]:
        """The output of dbt's profile; it is the same for each run, and has no login."""
        path = let_dbt_attach(self.workflow_id, self.place, is_read_only=False)
        return {
            "type": "duckdb",
            "path": ":memory:",
            "database": self.workflow_id,
            "schema": "main",
            "threads": 1,
            "plugins": [{"module": "dataflow.warehouse.ducklake_dbt"}],
            "attach": [{"path": path, "alias": self.workflow_id, "is_ducklake": True}],
        }

    def is_about(self, said: str) -> bool:
        """Whether an error is about catalog or files, and not about a model."""
        return says_unreachable(said) or self.place.data in said or self.place.metadata in said

    def fault(self, said: str) -> WarehouseError:
        """A server that does not answer, a full disk, files that are gone."""
        return lake_fault(self.place, said)


@dataclass(frozen=True)
class HeldLake:
    """A workflow's lake as the runs of another one read it."""

    workflow_id: str
    reader: str
    states: HeldStates

    def exists(self) -> bool:
        """Whether a state is held."""
        return self.states.held_place(self.reader) is not None

    def hold(self) -> None:
        """Keep the present state until another one is held."""
        self.states.hold(self.reader)

    def release(self) -> None:
        """Let go of it."""
        self.states.release(self.reader)

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Attach it for reading."""
        place = self.place
        place.prepare(connection)
        place.attach(connection, name, read_only=True)

    def connect(self) -> AbstractContextManager[DuckDBPyConnection]:
        """A DuckDB whose current catalog it is."""
        return open_lake(self.place, self.workflow_id, read_only=True)

    def dbt_attachment(self, name: str) -> dict[str, Any]:
        """What dbt-duckdb attaches."""
        path = let_dbt_attach(f"{self.reader}/{name}", self.place, is_read_only=True)
        return {"path": path, "alias": name, "read_only": True, "is_ducklake": True}

    @property
    def place(self) -> LakePlace:
        """Where the state is that is held."""
        place = self.states.held_place(self.reader)
        if place is None:
            raise _nothing_yet("the lake", self.workflow_id)
        return place


class HeldStates(Protocol):
    """States of a lake that the runs of other workflows can keep."""

    def hold(self, reader: str) -> None:
        """Keep the present state for a reader."""

    def release(self, reader: str) -> None:
        """Let go of it."""

    def held_place(self, reader: str) -> LakePlace | None:
        """Where it is."""


@dataclass(frozen=True)
class AtomicDuckLake(WithRunStates):
    """A workflow's lake, which a run changes as a whole: by a catalog of its own.

    Args:
        location: Where it is, for people.
    """

    workflow_id: str
    location: str
    states: Any

    def exists(self) -> bool:
        """Whether a run has made it yet."""
        place = self.states.present_place()
        return place is not None and self.states.is_made(place)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A DuckDB whose current catalog is the present state."""
        with self._present(make=not read_only).connect(read_only=read_only) as connection:
            yield connection

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file into the present state."""
        return self._present(make=True).load(rows, request)

    def load_edited(self, rows: EditedFile, request: LoadRequest) -> LoadResult:
        """Load what is made of a Parquet file into the present state."""
        return self._present(make=True).load_edited(rows, request)

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        return self._present().read_watermark(table) if self.exists() else None

    def dbt_variables(self) -> dict[str, str]:
        """Nothing: dbt is told by `dbt_output`."""
        return {}

    def dbt_output(self) -> dict[str, Any]:
        """The output of dbt's profile."""
        return self._present(make=True).dbt_output()

    def fault(self, said: str) -> WarehouseError:
        """What an error about it means."""
        place = self.states.present_place()
        return lake_fault(place, said) if place else WarehouseError(said, "Run again.")

    def held_for(self, _: Project, workflow_id: str, reader: str) -> HeldLake:
        """Its tables as runs of another workflow read them."""
        return HeldLake(workflow_id, reader, self.states)

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> DuckLake:
        """A catalog of the run's own, which names the files of the present one."""
        return DuckLake(self.workflow_id, self.states.begin(run_id, resumes, state), self.states)

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make it the present one, and remove what no state needs."""
        place = self.states.work_of(run_id)
        if place is None:
            return False
        seal(place)
        done = super().promote(run_id, keep)
        if done:
            self._tidy(place)
        return done

    @property
    def _states(self) -> RunStates:
        states: RunStates = self.states
        return states

    def rename(self, new: str) -> None:
        """Give all states to another name."""
        self.states.rename(new)

    @contextmanager
    def compare(self, before: str, after: str) -> Iterator[DuckDBPyConnection]:
        """Two states, attached for reading to a DuckDB that holds nothing else."""
        places = {"before": self.states.kept_place(before)}
        places["after"] = self.states.kept_place(after) if after else self._present().place
        with blank_connection(places["before"]) as connection:
            for name, place in places.items():
                place.attach(connection, name, read_only=True)
            yield connection

    def _present(self, *, make: bool = False) -> DuckLake:
        place = self.states.present_place(make=make)
        if place is None:
            raise _nothing_yet(self.location, self.workflow_id)
        return DuckLake(self.workflow_id, place, self.states)

    def _tidy(self, place: LakePlace) -> None:
        """The run has come to its end; what goes wrong here the next one does."""
        try:
            if self.states.drop_leftovers():
                remove_unnamed(place, self.states.named_files())
        except WarehouseError as error:
            log.warning("files that no state needs are left", error=error.reason)


def _nothing_yet(location: str, workflow_id: str) -> WarehouseError:
    return WarehouseError(
        f"{location} has no tables of {workflow_id} yet.",
        f"Run the workflow first: dataflow workflow run {workflow_id}",
    )


def open_ducklake(settings: DuckLakeSettings, project: Project, workflow_id: str) -> AtomicDuckLake:
    """The lake of one workflow; nothing is connected to yet."""
    folder = project.root / (settings.data or project.data_dir / "lake")
    data = settings.data.rstrip("/") if "://" in settings.data else str(folder)
    cache = project.state_dir / "lake"
    states: Any
    if settings.catalog:
        from dataflow.warehouse.lake_states import PostgresStates

        states = PostgresStates.of(settings.catalog, workflow_id, data, cache)
    else:
        from dataflow.warehouse.lake_file_states import FileStates

        home = folder if "://" not in settings.data else project.data_dir / "lake"
        states = FileStates(
            home / f"{workflow_id}.ducklake", workflow_id, f"{data}/{workflow_id}/", cache
        )
    return AtomicDuckLake(workflow_id, states.shown, states)


def check_ducklake(settings: DuckLakeSettings, project: Project) -> str:
    """Try catalog, store and extensions with a table that is removed again; what was found.

    Raises:
        WarehouseError: Something cannot be reached or is refused.
        MissingDependencyError: An extension of DuckDB is missing.
    """
    from dataflow.warehouse.lake_check import try_lake

    states = open_ducklake(settings, project, "check").states
    return try_lake(states.any_place(), getattr(states, "database", None))


def says_shared(settings: DuckLakeSettings) -> bool:
    """Whether every host sees the tables, as the settings say."""
    return bool(settings.catalog) and (settings.shared or "://" in settings.data)


KIND = WarehouseKind(DuckLakeSettings, open_ducklake, is_shared=says_shared, check=check_ducklake)
