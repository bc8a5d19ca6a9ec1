"""Plug-ins that a config.yaml names and that cannot be imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.plugin_fixtures import InstallPlugin, install_plugin

from dataflow.cli.workflow_list import list_
from dataflow.shared.broken_kinds import broken_kinds

__all__ = ["install_plugin"]

CONFIG = """\
workflow: {name: Sales}
ingestion: {source: {type: stanza, path: data}}
transformation: {stages: [{name: cleaning}, {name: shout}, {name: of_its_own}, 5]}
load: {table: sales}
"""
JOB = """\
from dagster import job, op
from dataflow.workflows.registry import register_workflow


@op
def nothing(): ...


@job(name="sales")
def sales(): nothing()


register_workflow(workflow_id="sales", job=sales, description="Sales.")
"""


@pytest.fixture
def broken(install_plugin: InstallPlugin) -> None:
    """A source whose module raises deep inside, and a stage whose module is no Python."""
    code = "def deep():\n    return 1 / 0\n\n\ndeep()\n"
    install_plugin("acme-deep", code, sources="stanza = acme_deep:KIND")
    install_plugin("acme-shout", "KIND = (\n", stages="shout = acme_shout:KIND")


def test_each_broken_kind_is_named_with_file_and_line(broken: None, tmp_path: Path) -> None:
    """Of the plug-in's own code; what is installed well, or the author's own, is not named."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    source, stage = broken_kinds(tmp_path)
    assert "source 'stanza' of acme-deep cannot be loaded: ZeroDivisionError in " in source
    assert "acme_deep.py:2: division by zero" in source
    assert "SyntaxError in " in stage
    assert "acme_shout.py:1: '(' was never closed" in stage
    assert "uninstall acme-shout" in stage


def test_what_is_no_configuration_names_nothing(tmp_path: Path) -> None:
    """That is said by whoever validates it."""
    assert broken_kinds(tmp_path) == []
    for text in ("", "[]", "ingestion: 5", "ingestion: {sources: {a: 1}}", "a: ["):
        (tmp_path / "config.yaml").write_text(text)
        assert broken_kinds(tmp_path) == []


@pytest.mark.slow
def test_the_list_says_that_the_workflow_is_broken(
    broken: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own code loads, and would fail at its first run."""
    folder = tmp_path / "src" / "dataflow" / "workflows" / "sales"
    folder.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "dagster_job.py").write_text(JOB)
    monkeypatch.setenv("DATAFLOW_PROJECT", str(tmp_path))
    listed = CliRunner().invoke(list_, ["--check"])
    assert listed.exit_code == 1, listed.output
    assert "sales  broken" in listed.output
    assert "acme_deep.py:2" in listed.output
