"""The built-in kind of warehouse, and how a project chooses one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.plugin_fixtures import install_plugin

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.tables import write_parquet
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import (
    LoadRequest,
    open_warehouse,
    share_warehouse,
    visible_warehouse,
)

if TYPE_CHECKING:
    from tests.plugin_fixtures import InstallPlugin

__all__ = ["install_plugin"]

FOLDER = """
    from pathlib import Path
    from typing import Literal
    from dataflow.shared.config_types import Section, Text
    from dataflow.warehouse.duckdb_file import DuckDBFile
    from dataflow.warehouse.kind import WarehouseKind

    class Folder(Section):
        type: Literal["folder"]
        path: Text

    def open_file(settings, project, name):
        return DuckDBFile(Path(settings.path) / f"{name}.duckdb")

    KIND = WarehouseKind(Folder, open_file)
"""


def project_with(root: Path, settings: str = "") -> Project:
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\n{settings}\n")
    return Project(root)


def test_rows_and_the_watermark_are_kept_in_the_workflows_file(tmp_path: Path) -> None:
    """What is loaded is there for who connects next; nothing is before the first load."""
    warehouse = open_warehouse(project_with(tmp_path), "sales")
    assert warehouse.location == str(tmp_path / "data" / "sales.duckdb")
    assert not warehouse.exists()
    assert warehouse.read_watermark("orders") is None
    rows = tmp_path / "rows.parquet"
    write_parquet(pa.table({"id": [1, 2]}), rows)
    result = warehouse.load(rows, LoadRequest("orders", "append", watermark={"value": 2}))
    assert (result.table, result.rows_loaded) == ("raw.orders", 2)
    assert warehouse.exists()
    assert warehouse.read_watermark("orders") == {"value": 2}
    with warehouse.connect(read_only=True) as connection:
        assert connection.sql("SELECT sum(id) FROM raw.orders").fetchall() == [(3,)]
        with pytest.raises(Exception, match="read-only"):
            connection.execute("CREATE TABLE raw.other (id INTEGER)")


def test_inside_a_run_its_own_warehouse_is_opened(tmp_path: Path) -> None:
    """For that workflow of that project only, until the end, and again after a run inside it."""
    project = project_with(tmp_path)
    own, inner = (DuckDBFile(tmp_path / name) for name in ("own.duckdb", "inner.duckdb"))
    shown = open_warehouse(project, "sales")
    with share_warehouse(project, "sales", lambda: own):
        assert open_warehouse(project, "sales") is own
        assert visible_warehouse(project, "sales") == shown
        assert open_warehouse(project, "other") != own
        with share_warehouse(project, "sales", lambda: inner):
            assert open_warehouse(project, "sales") is inner
        assert open_warehouse(project, "sales") is own
    assert open_warehouse(project, "sales") == shown


def test_dbt_is_told_the_file_and_its_folder_is_made(tmp_path: Path) -> None:
    """Dbt opens the file itself, and makes no folder."""
    warehouse = open_warehouse(project_with(tmp_path), "sales")
    assert dict(warehouse.dbt_variables()) == {"DATAFLOW_DATABASE": warehouse.location}
    assert (tmp_path / "data").is_dir()


def test_a_fault_of_the_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    """A full disk is no fault of the model that met it."""
    fault = open_warehouse(project_with(tmp_path), "sales").fault("No space left on device")
    assert "sales.duckdb" in fault.reason
    assert "Free disk space" in fault.instruction


def test_a_project_chooses_another_kind(
    tmp_path: Path, install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name and keys, in which variables are read; a wrong name or key is refused."""
    install_plugin("folder-plugin", FOLDER, warehouses="folder = folder_plugin:KIND")
    monkeypatch.setenv("WAREHOUSES", str(tmp_path / "shared"))
    chosen = project_with(tmp_path, 'warehouse = {type = "folder", path = "${WAREHOUSES}"}')
    location = str(tmp_path / "shared" / "sales.duckdb")
    assert open_warehouse(chosen, "sales").location == location
    for settings, said in (
        ('warehouse = "folde"', "names 'folde', and nothing of that name is installed"),
        ('warehouse = {type = "folder", pat = "x"}', "pat"),
        ('warehouse = {type = "folder", path = "${NOT_THERE}"}', "NOT_THERE is not set"),
    ):
        with pytest.raises(BadInputError, match=said):
            open_warehouse(project_with(tmp_path, settings), "sales")
