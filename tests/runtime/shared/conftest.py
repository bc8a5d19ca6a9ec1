"""A project with one configuration, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.shared.config import ConfigError, read_config
from dataflow.shared.project import Project

GOOD = """\
workflow:
  name: "Flights"
  schedule: "0 6 * * *"
  timezone: "Europe/Berlin"
ingestion:
  source:
    type: file
    url: "data/*.csv"
  parameters:
    max_retries: 5
transformation:
  stages:
    - {name: cleaning, options: {remove_duplicates: true}}
load:
  table: flights
  write_disposition: merge
  primary_key: id
"""


@pytest.fixture
def good() -> str:
    """A configuration without a fault."""
    return GOOD


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose workflow `flights` has the good configuration."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    project = Project(tmp_path)
    folder = project.workflow_dir("flights")
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(GOOD)
    return project


@pytest.fixture
def write(project: Project) -> Callable[..., Path]:
    """Write the configuration of `flights`; gives its path."""
    path = project.workflow_dir("flights") / "config.yaml"

    def write_it(text: str | bytes) -> Path:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_it


@pytest.fixture
def faults(project: Project, write: Callable[..., Path]) -> Callable[..., list[str]]:
    """What is said about a configuration, each fault without the file's name."""

    def faults_of(text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            read_config(path, project=project, environ=environ or {})
        start = "src/dataflow/workflows/flights/config.yaml:"
        lines = caught.value.reason.split("\n")
        assert len(lines) == len(caught.value.findings)
        assert all(line.startswith(start) for line in lines), lines
        return [line.removeprefix(start) for line in lines]

    return faults_of
