"""The warehouse ``duckdb``: one DuckDB file for each workflow, in the project's data folder."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dataflow.shared.config_types import Section
from dataflow.shared.sql import quote_literal
from dataflow.warehouse.database import (
    STATES_FOLDER,
    WarehouseError,
    open_database,
    warehouse_fault,
)
from dataflow.warehouse.held_file import HeldFile
from dataflow.warehouse.kind import (
    LoadRequest,
    LoadResult,
    WarehouseKind,
)
from dataflow.warehouse.load import load_table
from dataflow.warehouse.load_log import watermark_of
from dataflow.warehouse.run_states import WithRunStates
from dataflow.warehouse.states import DuckDBStates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.edited_file import EditedFile
    from dataflow.shared.project import Project

# The variable that a workflow's dbt/profiles.yml reads the warehouse file from.
DATABASE_VARIABLE = "DATAFLOW_DATABASE"


class DuckDBSettings(Section):
    """Tables in one DuckDB file for each workflow."""

    type: Literal["duckdb"] = Field(description="One DuckDB file for each workflow.")
    shared: bool = Field(
        default=False,
        description="The folder data_dir is one that every host has mounted, such as NFS.",
    )


@dataclass(frozen=True)
class DuckDBFile:
    """A DuckDB file, which need not exist, as a warehouse.

    Other kinds that connect through DuckDB can build on it.
    """

    path: Path

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[DuckDBPyConnection]:
        """Open the file, waiting a while if another process has it open."""
        return open_database(self.path, read_only=read_only)

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file in one transaction."""
        return load_table(self.path, rows, request)

    def load_edited(self, rows: EditedFile, request: LoadRequest) -> LoadResult:
        """Load what is made of a Parquet file, while it is read."""
        return load_table(self.path, rows, request)

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        if not self.exists():
            return None
        with self.connect(read_only=True) as connection:
            return watermark_of(connection, table)

    def dbt_variables(self) -> dict[str, str]:
        """Where dbt finds the file."""
        # dbt opens the file itself, and makes no folder for it.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return {DATABASE_VARIABLE: str(self.path)}

    def fault(self, said: str) -> WarehouseError:
        """A full disk, a damaged file, one that another program holds."""
        return warehouse_fault(self.path, said)


class AtomicDuckDBFile(WithRunStates, DuckDBFile):
    """A DuckDB file that a run changes as a whole, by a copy that takes its place.

    Not for a kind that connects to more than the file, which a copy would not have.
    """

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> DuckDBFile:
        """The copy of the file that a run works on."""
        return DuckDBFile(self._states.begin(run_id, resumes, state))

    def held_for(self, project: Project, workflow_id: str, reader: str) -> HeldFile:
        """A second name of the file, for the runs of another workflow."""
        folder = project.data_dir / STATES_FOLDER / reader / "upstream"
        path = folder / project.warehouse_file(workflow_id).name
        return HeldFile(path, self.path, is_replaced=project.settings.all_or_nothing)

    @contextmanager
    def compare(self, before: str, after: str) -> Iterator[DuckDBPyConnection]:
        """Two states, attached for reading to a DuckDB that holds nothing else."""
        import duckdb

        files = {"before": self._states.file_of(before)}
        files["after"] = self._states.file_of(after) if after else self.path
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            # What does not fit into memory; else it would lie in the current folder.
            connection.execute(f"SET temp_directory = {quote_literal(self._states.spill)}")
            for name, file in files.items():
                try:
                    connection.execute(f"ATTACH {quote_literal(file)} AS {name} (READ_ONLY)")
                except duckdb.Error as error:
                    raise warehouse_fault(file, error) from error
            yield connection

    @property
    def _states(self) -> DuckDBStates:
        return DuckDBStates(self.path)


def _open(_: DuckDBSettings, project: Project, workflow_id: str) -> AtomicDuckDBFile:
    return AtomicDuckDBFile(project.warehouse_file(workflow_id))


KIND = WarehouseKind(DuckDBSettings, _open, is_shared=lambda settings: settings.shared)
