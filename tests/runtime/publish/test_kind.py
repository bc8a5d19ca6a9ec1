"""Every publisher of a project gets a workflow's tables; in two steps where it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.dashboard_fixtures import AddWorkflow
from tests.plugin_fixtures import InstallPlugin, install_plugin

from dataflow.publish.folders import SiteFolders
from dataflow.publish.kind import PublishRequest, publish, releasing, stage
from dataflow.publish.manifest import read_manifest
from dataflow.shared.project import Project
from dataflow.warehouse.kind import open_warehouse

__all__ = ["install_plugin"]

# Publishes in one step: writes down which files were there to be seen then.
LISTING = """
from typing import Literal
from dataflow.publish.folders import SiteFolders
from dataflow.publish.kind import PublisherKind
from dataflow.publish.manifest import read_manifest
from dataflow.shared.config_types import Section


class Settings(Section):
    type: Literal["listing"]


def publish(_, request):
    folders = SiteFolders.of(request.project)
    shown = len(read_manifest(folders).tables.get(request.workflow_id, []))
    staged = len([path for path in folders.staging.glob("*") if path.is_dir()])
    return {"listing_shown": shown, "listing_staged": staged}


KIND = PublisherKind(Settings, publish)
"""


@pytest.fixture
def request_of_shop(
    project: Project, add_workflow: AddWorkflow, install_plugin: InstallPlugin
) -> Iterator[PublishRequest]:
    """The tables of a workflow, in a project with two publishers."""
    install_plugin("listing-plugin", LISTING, publishers="listing = listing_plugin:KIND")
    settings = '[tool.dataflow]\npublishers = ["listing", "parquet"]\n'
    (project.root / "pyproject.toml").write_text(settings)
    again = Project(project.root)
    add_workflow("shop", sources={"t": "FROM range(3) AS t(n)"}, warehouse="SELECT 1")
    with open_warehouse(again, "shop").connect() as connection:
        yield PublishRequest(again, "shop", connection)


def test_in_one_step_each_publishes_in_its_turn(request_of_shop: PublishRequest) -> None:
    """And the rows of all their tables are told."""
    rows = publish(request_of_shop)
    assert rows == {"listing_shown": 0, "listing_staged": 0, "t": 3}
    assert read_manifest(SiteFolders.of(request_of_shop.project)).tables["shop"]


def test_what_is_staged_is_seen_at_the_end_of_a_good_run(request_of_shop: PublishRequest) -> None:
    """Who has one step only publishes after all others are ready; a failed run shows nothing."""
    project = request_of_shop.project
    rows, publications = stage(request_of_shop)
    assert rows == {"t": 3, "listing_shown": 0, "listing_staged": 1}
    assert [publication.kind for publication in publications] == ["parquet"]
    assert Path(publications[0].folder).is_dir()
    with (
        pytest.raises(ValueError, match="as it was told"),
        releasing(project, "shop", publications),
    ):
        raise ValueError("as it was told")
    assert "shop" not in read_manifest(SiteFolders.of(project)).tables
    with releasing(project, "shop", publications):
        assert "shop" not in read_manifest(SiteFolders.of(project)).tables
    assert len(read_manifest(SiteFolders.of(project)).tables["shop"]) == 3
