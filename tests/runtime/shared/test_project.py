"""Finding a project and its folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project, ProjectNotFoundError, find_project


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATAFLOW_PROJECT", raising=False)
    root = tmp_path / "shop"
    (root / "src" / "dataflow" / "workflows" / "sales").mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\n\n[tool.dataflow]\n')
    return root


def test_a_project_is_found_from_any_folder_in_it(root: Path) -> None:
    """The nearest folder upwards with [tool.dataflow] is the project."""
    deep = root / "src" / "dataflow" / "workflows" / "sales"
    (deep / "pyproject.toml").write_text("[tool.other]\n")
    assert find_project(deep).root == root


def test_the_variable_wins(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DATAFLOW_PROJECT names the project wherever the process stands."""
    monkeypatch.setenv("DATAFLOW_PROJECT", str(root))
    assert find_project(tmp_path).root == root


def test_a_variable_that_names_no_project_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistaken DATAFLOW_PROJECT is an error, not a reason to look elsewhere."""
    monkeypatch.setenv("DATAFLOW_PROJECT", str(tmp_path))
    with pytest.raises(ProjectNotFoundError, match="DATAFLOW_PROJECT"):
        find_project()


def test_no_project_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any project the error names the folder and the command."""
    monkeypatch.delenv("DATAFLOW_PROJECT", raising=False)
    # Projects that other tests have made importable are found as well.
    monkeypatch.setattr(sys, "path", [each for each in sys.path if Path(each).name != "src"])
    with pytest.raises(ProjectNotFoundError) as caught:
        find_project(tmp_path)
    assert str(tmp_path) in caught.value.reason
    assert "dataflow init" in caught.value.instruction


def test_broken_toml_of_a_project_is_named(root: Path) -> None:
    """A pyproject.toml that does not parse is the error, not `no project`."""
    (root / "pyproject.toml").write_text("[tool.dataflow]\ndata_dir = \n")
    with pytest.raises(BadInputError, match="pyproject.toml is not valid TOML"):
        find_project(root)


def test_folders_lie_where_the_documentation_says(root: Path) -> None:
    """Data, state and history each have their place."""
    project = Project(root)
    assert project.workflow_dir("sales") == root / "src" / "dataflow" / "workflows" / "sales"
    assert project.warehouse_file("sales") == root / "data" / "sales.duckdb"
    assert project.dagster_home == root / ".dagster"
    assert project.relative(project.workflow_dir("sales")) == "src/dataflow/workflows/sales"
