"""What the dashboards' tests stand on: a project made by hand, and the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.shared.project import Project

AddWorkflow = Callable[..., Path]


def new_project(root: Path) -> Project:
    """A project with nothing in it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    return Project(root)


def write_workflow(
    project: Project,
    workflow_id: str,
    *,
    pages: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
    components: Mapping[str, str] | None = None,
    config: str | None = None,
    warehouse: str | None = None,
) -> Path:
    """Write a workflow's ``evidence`` folder, and its warehouse by running some SQL."""
    folder = project.workflow_dir(workflow_id)
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    text = config if config is not None else f"workflow:\n  name: {workflow_id.title()}\n"
    (folder / "config.yaml").write_text(text)
    kinds = {"pages": pages or {"index.md": f"# {workflow_id}\n"}, "components": components or {}}
    kinds["sources"] = {f"{name}.sql": query for name, query in (sources or {}).items()}
    for kind, contents in kinds.items():
        for name, content in contents.items():
            path = folder / "evidence" / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if warehouse is not None:
        write_warehouse(project, workflow_id, warehouse)
    return folder


def write_warehouse(project: Project, workflow_id: str, sql: str) -> None:
    """Run some SQL on a workflow's DuckDB file."""
    path = project.warehouse_file(workflow_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def read_published(project: Project, workflow_id: str, table: str) -> duckdb.DuckDBPyRelation:
    """The file of a table that the dashboards read."""
    folders = SiteFolders.of(project)
    files = [
        path
        for path in read_manifest(folders).tables[workflow_id]
        if path.endswith(f"/{table}.parquet")
    ]
    assert len(files) == 1
    return duckdb.connect().read_parquet(str(folders.public / files[0]))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return new_project(tmp_path / "shop")


@pytest.fixture
def add_workflow(project: Project) -> AddWorkflow:
    """Write workflows into the project."""

    def add(workflow_id: str, **parts: object) -> Path:
        return write_workflow(project, workflow_id, **parts)  # type: ignore[arg-type]

    return add
