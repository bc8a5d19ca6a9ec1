"""What dbt has parsed, handed on from one temporary project to the next."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from dataflow.modelling.build import build_models
from dataflow.modelling.kept_parse import keeping_parse, known_to_dbt
from dataflow.shared.project import Project
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.duckdb_file import DATABASE_VARIABLE
from dataflow.warehouse.kind import open_warehouse

IS_KNOWN = "no changes found, skipping parsing"


def built(root: Path, rows: int) -> str:
    """Build the models of a project whose warehouse has some rows, each in its mart once.

    Returns:
        What dbt has logged.
    """
    project = Project(root)
    warehouse = project.warehouse_file("sales")
    warehouse.parent.mkdir(exist_ok=True)
    sample = project.workflow_dir("sales") / "tests" / "data" / "sample.json"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        rows_of = f"SELECT *, now() AS processed_at FROM '{sample}' LIMIT {rows}"
        connection.execute(f"CREATE OR REPLACE TABLE raw.sales AS {rows_of}")
    build_models(project, "sales", open_warehouse(project, "sales"))
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM marts.sales").fetchone() == (rows,)
    return (project.state_dir / "dbt" / "sales" / "logs" / "dbt.log").read_text()


@pytest.mark.slow
def test_the_next_project_begins_with_what_was_parsed_and_sees_each_edit(
    project_folder: Path, workflow_folder: Path, tmp_path: Path
) -> None:
    """Each builds in its own database; a model that differs is parsed; a fault names the file."""
    other, kept = tmp_path / "other", tmp_path / "kept"
    shutil.copytree(project_folder, other)
    with keeping_parse(kept):
        assert IS_KNOWN not in built(project_folder, 3)
        assert IS_KNOWN in built(other, 2)

        shutil.rmtree(other / ".dataflow")
        model = other / workflow_folder.relative_to(project_folder) / "dbt/models/marts/sales.sql"
        model.write_text(f"{model.read_text()}\nwhere 1 = 0\n")
        with pytest.raises(AssertionError):
            built(other, 2)

        project = Project(other)
        file = project.warehouse_file("sales")
        file.write_bytes(b"no database " * 1000)
        with pytest.raises(WarehouseError) as fault:
            build_models(project, "sales", open_warehouse(project, "sales"))
        assert file.name in str(fault.value)
    # Outside of tests dbt is told the path itself, and nothing is kept.
    shutil.rmtree(kept)
    shutil.rmtree(other / ".dataflow")
    model.write_text(model.read_text().replace("where 1 = 0", ""))
    file.unlink()
    assert IS_KNOWN not in built(other, 2)
    assert not kept.exists()


def place_of(kept: Path, otherwise: Path, target: Path) -> Path:
    """The folder in which dbt is shown a database."""
    variables = {DATABASE_VARIABLE: str(target / "sales.duckdb")}
    with keeping_parse(kept, otherwise), known_to_dbt(variables, target) as shown:
        return Path(shown[DATABASE_VARIABLE]).parent.parent


def test_what_another_process_uses_is_left_to_it(tmp_path: Path) -> None:
    """Tests that run at the same time, or may not write there, have a folder of their own."""
    kept, otherwise, target = (tmp_path / name for name in ("kept", "otherwise", "target"))
    assert place_of(kept, otherwise, target) == kept
    with FileLock(kept / "in-use.lock"):
        assert place_of(kept, otherwise, target) == otherwise
    with keeping_parse(kept, otherwise):
        # A second project of the same test.
        assert place_of(kept, otherwise, target) == kept
    assert place_of(kept, otherwise, target) == kept

    (tmp_path / "file").touch()
    assert place_of(tmp_path / "file" / "kept", otherwise, target) == otherwise
