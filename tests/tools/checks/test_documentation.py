"""What the checklist asks of a page and of a source, looked at in their files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plugin_fixtures import InstallPlugin, install_plugin

from dataflow.shared.project import Project
from dataflow_tools.checks.documentation import check_dashboard
from dataflow_tools.checks.planning import check_source
from dataflow_tools.checks.protocol import Status
from dataflow_tools.checks.workflow_source import WorkflowSource

__all__ = ["install_plugin"]

PLUGIN = """
from typing import Literal
from dataflow.shared.config_types import Section
from dataflow.sources.kind import SourceKind


class Verses(Section):
    type: Literal["verses"]
    path: str


KIND = SourceKind(Verses, lambda settings, request: None)
"""


@pytest.fixture
def workflow(tmp_path: Path) -> WorkflowSource:
    """A workflow with a page."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    found = WorkflowSource(Project(tmp_path), "sales")
    (found.folder / "evidence" / "pages").mkdir(parents=True)
    return found


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("title: Sales\ndescription: What was sold.", Status.MET),
        ("title: Sales", Status.ADVISED),
        ("description: What was sold.", Status.MISSING),
    ],
)
def test_a_page_without_a_description_is_advised_to_have_one(
    workflow: WorkflowSource, head: str, status: Status
) -> None:
    """It is no fault of the workflow, as a page without a title is."""
    page = workflow.folder / "evidence" / "pages" / "index.md"
    page.write_text(f"---\n{head}\n---\n")
    verdict = check_dashboard(workflow)
    assert verdict.status is status
    assert [found.reason for found in verdict.findings] == [
        f"The page has no {key}." for key in ("title", "description") if key not in head
    ]


def test_only_a_source_that_has_an_address_is_asked_for_it(
    workflow: WorkflowSource, install_plugin: InstallPlugin
) -> None:
    """A plug-in's source need not have a `url`."""
    install_plugin("acme-verses", PLUGIN, sources="verses = acme_verses:KIND")
    config = workflow.folder / "config.yaml"
    config.write_text("ingestion: {source: {type: verses, path: data}}\n")
    assert check_source(workflow).status is Status.MET
    config.write_text("ingestion: {source: {type: file}}\n")
    again = WorkflowSource(workflow.project, "sales")
    assert "does not say its url" in check_source(again).findings[0].reason
