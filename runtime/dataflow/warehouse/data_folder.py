"""The folder of the setting ``data_dir``: whether tables can be written there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from dataflow.shared.project import Project


class DataFolderError(BadInputError):
    """The folder of the warehouse files cannot be made or written."""


def check_data_folder(project: Project) -> None:
    """Refuse a folder in which no table can be written, before a source is read for it.

    Raises:
        DataFolderError: Says why, and which setting names the folder.
    """
    if not has_tables(project):
        return
    folder = project.data_dir
    nearest = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not nearest.is_dir():
        what = "is no folder" if nearest == folder else f"cannot be made: {nearest} is no folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        of = "" if nearest == folder else f"cannot be made: {nearest} "
        what = f"{of}is not writable for whoever runs this"
    else:
        return
    raise DataFolderError(
        f"The tables lie in {folder}, which {what}. Nothing was read.",
        "Set data_dir in [tool.dataflow] or the environment's table of pyproject.toml, or the "
        "variable DATAFLOW_DATA_DIR, to a folder that can be written.",
    )


def has_tables(project: Project) -> bool:
    """Whether a project's warehouse keeps its tables, or its catalog, in the folder."""
    choice = project.settings.warehouse
    keys = choice if isinstance(choice, dict) else {"type": choice}
    is_lake_here = keys.get("type") == "ducklake" and "://" not in str(keys.get("catalog", ""))
    return keys.get("type") == "duckdb" or is_lake_here


def missing_folders(folder: Path) -> list[Path]:
    """The folders that would be made with one, the innermost first."""
    return [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
