"""The environments of a project, and which settings count in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
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
