"""What builds the dashboards is found by its name, and what is shared names none of it."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import pytest
from tests.conftest import REPOSITORY

from dataflow.shared import plugins
from dataflow.shared.plugins import PluginError
from dataflow.shared.project import Project
from dataflow_tools.dashboards.kind import chosen_site

# The folder of the pages and the commands, as projects and people have them, are no tool's.
_NAMES_OF_OURS = re.compile(r"dataflow evidence \w+|DASHBOARD_FOLDER = \"evidence\"")
_TOOLS = re.compile(r"evidence|mosaic|vgplot|svelte|node_modules|\bnpm\b", re.IGNORECASE)


def test_both_built_in_sites_are_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence by default, which has pages to edit and needs Node; the other has neither."""
    assert chosen_site(project).develop is not None
    assert chosen_site(project).needs_node
    monkeypatch.setenv("DATAFLOW_DASHBOARD", "static")
    other = chosen_site(Project(project.root))
    assert other.develop is None
    assert not other.needs_node


def test_what_is_no_site_is_told_with_its_distribution(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point that names something else is one error."""
    point = EntryPoint("maps", "json:dumps", "dataflow.sites")
    monkeypatch.setattr(plugins, "_points", lambda: [point])
    plugins.installed.cache_clear()
    monkeypatch.setenv("DATAFLOW_DASHBOARD", "maps")
    try:
        with pytest.raises(PluginError, match="'maps' of an unknown distribution is no SiteKind"):
            chosen_site(project)
    finally:
        plugins.installed.cache_clear()


@pytest.mark.parametrize("folder", ["runtime/dataflow/publish", "tools/dataflow_tools/dashboards"])
def test_what_is_shared_names_no_tool(folder: str) -> None:
    """Neither in code nor in words: the tools come and go."""
    for path in sorted((REPOSITORY / folder).glob("*.py")):
        text = _NAMES_OF_OURS.sub("", path.read_text(encoding="utf-8"))
        said = [line for line in text.splitlines() if _TOOLS.search(line)]
        assert said == [], path
