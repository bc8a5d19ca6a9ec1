"""A project's settings and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.settings import load_settings


def write(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\n{text}\n")


def test_a_project_without_settings_has_defaults(tmp_path: Path) -> None:
    """The ports are those of the documentation."""
    write(tmp_path, "")
    settings = load_settings(tmp_path)
    assert (settings.dagster_port, settings.api_port, settings.evidence_port) == (3000, 8000, 9000)


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DATAFLOW_<SETTING> overrides pyproject.toml, as text that is read as the setting's type."""
    write(tmp_path, 'data_dir = "data"\napi_port = 8001')
    monkeypatch.setenv("DATAFLOW_DATA_DIR", "/mnt/data")
    monkeypatch.setenv("DATAFLOW_API_PORT", "8002")
    settings = load_settings(tmp_path)
    assert settings.data_dir == Path("/mnt/data")
    assert settings.api_port == 8002


def test_all_wrong_settings_are_named_with_their_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt setting and a bad port are two lines, each with where it stands."""
    write(tmp_path, f'dta_dir = "{"d" * 300}"\npublic_url = "https://example.org/dagster"')
    monkeypatch.setenv("DATAFLOW_API_PORT", "high")
    with pytest.raises(BadInputError) as caught:
        load_settings(tmp_path)
    assert "pyproject.toml, [tool.dataflow]: dta_dir" in caught.value.reason
    assert "d" * 80 not in caught.value.reason
    assert "it is to be written as https://dagster.example.org, without a" in caught.value.reason
    assert "there is no such setting; did you mean `data_dir`?" in caught.value.reason
    assert "environment variable DATAFLOW_API_PORT: api_port = 'high'" in caught.value.reason
