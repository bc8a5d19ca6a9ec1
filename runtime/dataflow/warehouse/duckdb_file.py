"""The warehouse ``duckdb``: one DuckDB file for each workflow, in the project's data folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dataflow.shared.config_types import Section
from dataflow.warehouse.database import WarehouseError, open_database, warehouse_fault
from dataflow.warehouse.kind import LoadRequest, LoadResult, WarehouseKind
from dataflow.warehouse.load import load_table
from dataflow.warehouse.load_log import read_watermark

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project

# The variable that a workflow's dbt/profiles.yml reads the warehouse file from.
DATABASE_VARIABLE = "DATAFLOW_DATABASE"


class DuckDBSettings(Section):
    """Tables in one DuckDB file for each workflow."""

    type: Literal["duckdb"] = Field(description="One DuckDB file for each workflow.")


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

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        return read_watermark(self.path, table)

    def dbt_variables(self) -> dict[str, str]:
        """Where dbt finds the file."""
        # dbt opens the file itself, and makes no folder for it.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return {DATABASE_VARIABLE: str(self.path)}

    def fault(self, said: str) -> WarehouseError:
        """A full disk, a damaged file, one that another program holds."""
        return warehouse_fault(self.path, said)


def _open(_: DuckDBSettings, project: Project, workflow_id: str) -> DuckDBFile:
    return DuckDBFile(project.warehouse_file(workflow_id))


KIND = WarehouseKind(DuckDBSettings, _open)
