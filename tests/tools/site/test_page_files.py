from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.shared.project import Project
from dataflow_tools.site.page_files import DuplicatePageError, find_page_files


def _write(project: Project, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = project.root / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_the_projects_files_lie_beside_the_workflows(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Own pages have the addresses that their names promise, and static files lie at the top."""
    add_workflow("shop")
    names = ("pages/index.md", "pages/team/index.md", "pages/about.md", "static/logo.svg")
    _write(project, dict.fromkeys(names, "x"))

    found = find_page_files(project)

    assert {page.url: page.route for page in found.pages} == {
        "/": "/",
        "/about/": "/about",
        "/shop/": "/shop",
        "/team/": "/team",
    }
    assert [asset.target for asset in found.assets] == ["static/logo.svg"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pages/shop.md", "where the pages of the workflow shop are"),
        ("pages/shop/more.md", "where the pages of the workflow shop are"),
        ("static/shop/x.png", "where the pages of the workflow shop are"),
        ("pages/data/x.md", "which the site keeps for itself"),
        ("pages/api.md", "which the site keeps for itself"),
        ("static/index.html", "which the site keeps for itself"),
        ("static/data/x.parquet", "which the site keeps for itself"),
        ("components/deep/Chart.svelte", "workflows/shop/evidence/components/Chart.svelte are"),
        ("partials/note.md", "workflows/shop/evidence/partials/note.md are"),
        ("queries/q.sql", "workflows/shop/evidence/queries/q.sql are"),
    ],
)
def test_what_would_stand_in_anothers_place_is_refused_by_name(
    project: Project, add_workflow: AddWorkflow, name: str, reason: str
) -> None:
    """Nothing of the project hides something of a workflow or of the site, or the other way."""
    folder = add_workflow("shop", components={"Chart.svelte": "x"})
    for own in ("partials/note.md", "queries/q.sql"):
        (folder / "evidence" / own).parent.mkdir()
        (folder / "evidence" / own).write_text("x")
    _write(project, {name: "x"})

    with pytest.raises(DuplicatePageError) as caught:
        find_page_files(project)

    assert f"evidence/{name}" in caught.value.reason
    assert reason in caught.value.reason
