"""The environments of a project, and which settings count in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.runs.place import check_apart
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.settings import load_settings


def project(root: Path) -> Path:
    (root / "pyproject.toml").write_text(
        "[tool.dataflow]\napi_port = 8001\nkept_states = 5\n"
        '[tool.dataflow.environments.prod]\napi_port = 8002\nhistory = "postgresql://db/dagster"\n'
    )
    return root


def test_without_a_choice_the_environments_do_not_count(tmp_path: Path) -> None:
    """The default needs no setting, and is what it was before there were environments."""
    settings = load_settings(project(tmp_path))
    assert (settings.api_port, settings.history) == (8001, "")


def test_a_chosen_environment_goes_before_the_settings_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not name is as the project has it; a variable goes before both."""
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    settings = load_settings(project(tmp_path))
    assert (settings.api_port, settings.kept_states) == (8002, 5)
    assert settings.history == "postgresql://db/dagster"
    monkeypatch.setenv("DATAFLOW_API_PORT", "8003")
    assert load_settings(tmp_path).api_port == 8003


def test_an_unknown_environment_is_refused_with_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip of the pen must not run on the laptop's settings."""
    monkeypatch.setenv("DATAFLOW_ENV", "prd")
    with pytest.raises(BadInputError) as caught:
        load_settings(project(tmp_path))
    assert "no environment 'prd'" in caught.value.reason
    assert "prod" in caught.value.instruction


def test_a_wrong_setting_is_named_with_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which table it stands in."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.dataflow]\n[tool.dataflow.environments.prod]\nhistroy = 'x'\n"
    )
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    with pytest.raises(BadInputError, match=r"\[tool.dataflow.environments.prod\]: histroy"):
        load_settings(tmp_path)


APART = """\
[tool.dataflow]
warehouse = {type = "postgres", url = "postgresql://db/shop"}
publish_target = "site"
[tool.dataflow.environments.folder]
data_dir = "data/dev"
[tool.dataflow.environments.files]
warehouse = "duckdb"
publish_target = ""
[tool.dataflow.environments.other]
warehouse = {type = "postgres", url = "postgresql://db/dev"}
[tool.dataflow.environments.ports]
api_port = 8003
"""


@pytest.mark.parametrize(
    ("name", "apart"),
    [("", ""), ("folder", ""), ("files", "files"), ("other", "other"), ("ports", "")],
)
def test_what_is_embedded_goes_with_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, apart: str
) -> None:
    """Others have another history, other dashboards and locks; the same have the same."""
    (tmp_path / "pyproject.toml").write_text(APART)
    monkeypatch.setenv("DATAFLOW_ENV", name)
    found = Project(tmp_path)
    assert found.environment_apart == apart
    below = Path("environments", apart) if apart else Path()
    assert found.state_dir == tmp_path / ".dataflow" / below
    assert found.dagster_home == tmp_path / ".dagster" / below
    assert found.files_dir == tmp_path / ".dataflow"


@pytest.mark.parametrize(
    ("written", "apart"),
    [('"data/dev"', "dev"), ('"data"', ""), ('"./data/"', ""), ('"../data"', "dev")],
)
def test_a_folder_of_its_own_is_tables_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, apart: str
) -> None:
    """The default warehouse is in the folder; a variable gives both sides the same one."""
    text = f"[tool.dataflow]\n[tool.dataflow.environments.dev]\ndata_dir = {written}\n"
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.setenv("DATAFLOW_ENV", "dev")
    assert Project(tmp_path).environment_apart == apart
    monkeypatch.setenv("DATAFLOW_DATA_DIR", "elsewhere")
    assert Project(tmp_path).environment_apart == ""


def test_own_tables_are_not_published_in_the_place_of_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the environment itself says where."""
    (tmp_path / "pyproject.toml").write_text(APART)
    monkeypatch.setenv("DATAFLOW_ENV", "other")
    with pytest.raises(BadInputError, match="publish_target") as caught:
        check_apart(Project(tmp_path))
    assert "[tool.dataflow.environments.other]" in caught.value.instruction
    for name in ("files", "folder", "ports", ""):
        monkeypatch.setenv("DATAFLOW_ENV", name)
        check_apart(Project(tmp_path))
