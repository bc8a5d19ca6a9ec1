"""A warehouse: DuckDB files in a folder that several projects share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dataflow.shared.config_types import Section, Text
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import WarehouseKind

if TYPE_CHECKING:
    from dataflow.shared.project import Project


class SharedFolder(Section):
    """One DuckDB file for each workflow, in a folder beside those of other projects."""

    type: Literal["shared_folder"] = Field(description="DuckDB files in a shared folder.")
    folder: Text = Field(description="The folder; a relative one starts at the project's.")


def open_file(settings: SharedFolder, project: Project, workflow_id: str) -> DuckDBFile:
    """The file of one workflow, in a folder named after its project."""
    folder = project.root / Path(settings.folder).expanduser()
    return DuckDBFile(folder / project.root.name / f"{workflow_id}.duckdb")


KIND = WarehouseKind(SharedFolder, open_file)
