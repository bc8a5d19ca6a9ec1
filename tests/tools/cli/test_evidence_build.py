"""``dataflow evidence build`` and ``dev``, with either setting of ``dashboard``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.dashboard_fixtures import new_project

from dataflow.shared.errors import BadInputError
from dataflow_tools.cli.evidence_build import build
from dataflow_tools.cli.evidence_dev import dev


def test_the_setting_chooses_what_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``static`` the registry is asked for the browser's engine, which Evidence brings."""
    project = new_project(tmp_path / "shop")
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("DATAFLOW_DASHBOARD", "static")
    # Nothing listens there.
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")

    done = CliRunner().invoke(build, [])

    assert "@duckdb/duckdb-wasm 1.28.0 could not be fetched" in str(done.exception)


def test_pages_that_make_themselves_cannot_be_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``dev`` refuses, and names the two commands that show them."""
    project = new_project(tmp_path / "shop")
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("DATAFLOW_DASHBOARD", "static")

    done = CliRunner().invoke(dev, [])

    assert isinstance(done.exception, BadInputError)
    assert "dataflow evidence serve" in done.exception.instruction


def test_a_name_that_nothing_has_is_refused_with_those_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in the setting is told with what was meant."""
    project = new_project(tmp_path / "shop")
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("DATAFLOW_DASHBOARD", "evidenc")

    done = CliRunner().invoke(build, [])

    assert isinstance(done.exception, BadInputError)
    assert done.exception.instruction == "Did you mean `evidence`? There are: evidence, static."
