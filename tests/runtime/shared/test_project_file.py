"""A project's pyproject.toml with and without conflict markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import find_project
from dataflow.shared.project_file import read_project_file

if TYPE_CHECKING:
    from pathlib import Path

CONFLICT = """\
[tool.dataflow]
<<<<<<< yours
api_port = 8001
||||||| template 1.0.0
api_port = 8000
=======
api_port = 9000
>>>>>>> template 1.1.0
dagster_port = 3001
"""


@pytest.mark.parametrize("base", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_of_a_conflict_counts_what_was_there_before(tmp_path: Path, base: bool, end: str) -> None:
    """The file is read as if nobody had merged anything in that place, and the place is named."""
    lines = CONFLICT.splitlines()
    if not base:
        del lines[3:5]
    (tmp_path / "pyproject.toml").write_bytes(f"{end.join(lines)}{end}".encode())
    found = read_project_file(tmp_path / "pyproject.toml")
    assert found.content["tool"]["dataflow"] == {"api_port": 8001, "dagster_port": 3001}
    assert found.conflict == 2


def test_commands_go_on_and_name_the_conflict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project with a conflict is a project; its settings are those from before."""
    monkeypatch.delenv("DATAFLOW_PROJECT", raising=False)
    (tmp_path / "pyproject.toml").write_text(CONFLICT)
    project = find_project(tmp_path)
    assert (project.root, project.settings.api_port) == (tmp_path, 8001)
    assert "pyproject.toml, line 2: conflict markers." in capsys.readouterr().err


def test_a_file_that_is_wrong_without_its_conflicts_too_is_refused(tmp_path: Path) -> None:
    """The conflict is named as the first thing to look at."""
    (tmp_path / "pyproject.toml").write_text(f"[broken\n{CONFLICT}")
    with pytest.raises(BadInputError, match="conflict markers, the first in line 3"):
        read_project_file(tmp_path / "pyproject.toml")
