"""The folder of the tables, looked at before a source is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.runs.place import check_reach
from dataflow.service.environment_check import check_environment
from dataflow.shared.project import Project
from dataflow.warehouse.data_folder import DataFolderError


def project(root: Path, settings: str = "") -> Project:
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\n{settings}")
    return Project(root)


@pytest.mark.parametrize("folder", ["notes.txt", "notes.txt/below"])
def test_a_folder_that_cannot_be_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Not after an hour of reading, and by the name of the setting."""
    (tmp_path / "notes.txt").write_text("x")
    monkeypatch.setenv("DATAFLOW_DATA_DIR", folder)
    with pytest.raises(DataFolderError) as caught:
        check_reach(project(tmp_path))
    assert "Nothing was read" in caught.value.reason
    assert "Set data_dir" in caught.value.instruction
    lake = 'warehouse = {type = "ducklake", catalog = "postgresql://db/lake", data = "s3://b"}'
    check_reach(project(tmp_path, lake))


def test_looking_at_an_environment_makes_no_folder(tmp_path: Path) -> None:
    """The name of one that there is not may be a slip: it is named, and not made."""
    looked_at = project(tmp_path, 'data_dir = "dta/prod"\n')
    found = next(part for part in check_environment(looked_at) if part.part == "warehouse")
    assert found.ok
    assert "dta/prod (data_dir) does not exist yet" in found.said
    assert not (tmp_path / "dta").exists()
