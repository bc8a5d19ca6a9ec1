from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.shared.config import read_config
from dataflow.shared.finding import Finding, Severity
from dataflow.shared.project import Project
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.page_files import DuplicatePageError
from dataflow_tools.site.site_folder import assemble_site


@pytest.fixture(autouse=True)
def _evidence(project: Project) -> None:
    """What is used of Evidence's package here: its template, in small."""
    template = EvidenceFolders.of(project).modules / "@evidence-dev" / "evidence" / "template"
    for name in ("vite.config.js", "src/pages/+page.md", "src/pages/settings/+page.svelte"):
        path = template / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of evidence")


def _pages(project: Project) -> set[str]:
    top = EvidenceFolders.of(project).template("build") / "src" / "pages"
    return {path.relative_to(top).as_posix() for path in top.rglob("*.md")}


def test_pages_lie_under_their_workflow(project: Project, add_workflow: AddWorkflow) -> None:
    """Each file of a workflow's pages folder has the address that its name promises."""
    add_workflow(
        "shop",
        pages={"index.md": "a", "daily.md": "b", "deep/index.md": "c", "deep/[day].md": "d"},
    )

    site = assemble_site(project, "build")

    assert {page.url for page in site.pages} == {
        "/shop/",
        "/shop/daily/",
        "/shop/deep/",
        "/shop/deep/[day]/",
    }
    assert _pages(project) == {
        "+page.md",
        "shop/+page.md",
        "shop/daily/+page.md",
        "shop/deep/+page.md",
        "shop/deep/[day]/+page.md",
    }
    assert (site.template / "src/pages/shop/daily/+page.md").read_text() == "b"


def test_our_files_go_over_evidences_and_its_own_pages_are_left_out(project: Project) -> None:
    """The index page and the layouts are ours; the tool's configuration is Evidence's."""
    site = assemble_site(project, "build")

    assert (site.template / "vite.config.js").read_text() == "of evidence"
    assert not (site.template / "src/pages/settings").exists()
    assert "WorkflowList" in (site.template / "src/pages/+page.md").read_text()
    assert (site.template / "../../node_modules").resolve() == EvidenceFolders.of(project).modules


def test_what_was_removed_disappears(project: Project, add_workflow: AddWorkflow) -> None:
    """A deleted page, and a deleted workflow, leave nothing behind."""
    folder = add_workflow(
        "shop", pages={"index.md": "a", "old.md": "b"}, components={"A.svelte": ""}
    )
    gone = add_workflow("gone")
    assemble_site(project, "build")

    (folder / "evidence/pages/old.md").unlink()
    (folder / "evidence/components/A.svelte").unlink()
    (gone / "config.yaml").unlink()
    site = assemble_site(project, "build")

    assert _pages(project) == {"+page.md", "shop/+page.md"}
    assert not (site.template / "src/components").exists()
    assert not (site.template / "src/pages/gone").exists()


def test_what_did_not_change_is_not_written_again(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Hot reload and the build's caches only see what a person changed."""
    folder = add_workflow("shop", pages={"index.md": "a", "other.md": "b"})
    first = assemble_site(project, "build")
    untouched = first.template / "src/pages/shop/other/+page.md"
    before = untouched.stat().st_mtime_ns

    assert assemble_site(project, "build").fingerprint == first.fingerprint
    (folder / "evidence/pages/index.md").write_text("changed")
    second = assemble_site(project, "build")

    assert second.fingerprint != first.fingerprint
    assert untouched.stat().st_mtime_ns == before
    assert (second.template / "src/pages/shop/+page.md").read_text() == "changed"


def test_two_workflows_may_use_one_name_for_two_components(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Components live in their workflow's folder, so they do not meet."""
    add_workflow("one", components={"Chart.svelte": "1"})
    add_workflow("two", components={"Chart.svelte": "2"})

    site = assemble_site(project, "build")

    assert (site.template / "src/components/one/Chart.svelte").read_text() == "1"
    assert (site.template / "src/components/two/Chart.svelte").read_text() == "2"


@pytest.mark.parametrize(
    ("kind", "names"),
    [("components", ("Chart.svelte", "more/Chart.svelte")), ("pages", ("a.md", "a/index.md"))],
)
def test_two_files_that_are_one_thing_are_refused_by_name(
    project: Project, add_workflow: AddWorkflow, kind: str, names: tuple[str, str]
) -> None:
    """Evidence would silently take one of them; the error names both."""
    add_workflow("shop", **{kind: dict.fromkeys(names, "x")})

    with pytest.raises(DuplicatePageError) as caught:
        assemble_site(project, "build")

    for name in names:
        assert f"src/dataflow/workflows/shop/evidence/{kind}/{name}" in caught.value.reason


def test_editors_leftovers_and_images_are_told_from_pages(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Hidden and backup files are no pages; other files keep their place beside the page."""
    folder = add_workflow("shop")
    for name in (".draft.md", "~index.md", "logo.png"):
        (folder / "evidence/pages" / name).write_text("x")

    site = assemble_site(project, "build")

    assert [page.url for page in site.pages] == ["/shop/"]
    assert (site.template / "src/pages/shop/logo.png").exists()


def test_the_index_knows_each_workflows_name_even_if_its_config_is_broken(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """One bad config.yaml does not take the list of dashboards down."""
    workflow = "workflow: {name: Good ones, description: All of them}"
    add_workflow("good", config=f"{workflow}\nload: {{table: goods}}\n")
    add_workflow("bad", config="workflow: [")
    add_workflow("odd", config="- just\n- a list")

    site = assemble_site(project, "build")

    listed = json.loads((site.template / "src/dataflow/site.json").read_text())["workflows"]
    keys = ("id", "title", "description", "table")
    assert [tuple(item[key] for key in keys) for item in listed] == [
        ("bad", "bad", "", ""),
        ("good", "Good ones", "All of them", "goods"),
        ("odd", "odd", "", ""),
    ]


def test_a_page_with_a_fault_is_replaced_and_its_author_file_is_not(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """The error stands in the page's place; the other pages and the source stay as they are."""
    folder = add_workflow("shop", pages={"index.md": "good", "bad/page.md": "{#if}"})
    source = folder / "evidence/pages/bad/page.md"

    site = assemble_site(
        project, "build", [Finding("Expected }", file=project.relative(source), line=7)]
    )

    shown = (site.template / "src/pages/shop/bad/page/+page.md").read_text()
    facts = json.loads((site.template / "src/dataflow/site.json").read_text())
    (imported,) = [line.split("'")[1] for line in shown.splitlines() if "import" in line]
    there = (site.template / "src/pages/shop/bad/page" / imported).resolve()
    assert there == site.template.resolve() / "src/dataflow/PageError.svelte"
    assert there.exists()
    assert facts["faults"]["/shop/bad/page"] == [
        {"file": project.relative(source), "line": 7, "message": "Expected }", "stops_build": True}
    ]
    assert source.read_text() == "{#if}"
    assert (site.template / "src/pages/shop/+page.md").read_text() == "good"


def test_a_fault_in_a_query_keeps_the_page(project: Project, add_workflow: AddWorkflow) -> None:
    """One wrong query spoils one chart, not the page."""
    folder = add_workflow("shop", pages={"index.md": "page"})
    source = folder / "evidence/pages/index.md"

    found = Finding(
        "no such table", file=project.relative(source), line=1, severity=Severity.WARNING
    )
    site = assemble_site(project, "build", [found])

    assert (site.template / "src/pages/shop/+page.md").read_text() == "page"


def test_what_the_tools_made_stays(project: Project, add_workflow: AddWorkflow) -> None:
    """Assembling again does not throw away caches and data links of a running server."""
    add_workflow("shop")
    site = assemble_site(project, "dev")
    kept = [".svelte-kit/cache", "static/data/manifest.json", "build/index.html"]
    for name in kept:
        (site.template / name).parent.mkdir(parents=True, exist_ok=True)
        (site.template / name).write_text("x")
    (site.template / "src/stray.js").write_text("x")

    assemble_site(project, "dev")

    assert all((site.template / name).exists() for name in kept)
    assert not (site.template / "src/stray.js").exists()


def test_the_two_uses_do_not_meet(project: Project, tmp_path: Path) -> None:
    """A build while the development server runs works in a folder of its own."""
    assert assemble_site(project, "build").template != assemble_site(project, "dev").template
    assert tmp_path in assemble_site(project, "dev").template.parents


def test_the_index_reads_the_environment_as_a_run_does(
    project: Project, add_workflow: AddWorkflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escapes and variables are read; a secret, or what is not set, is shown by its name only."""
    monkeypatch.setenv("DATAFLOW_TEST_TEAM", "North")
    monkeypatch.setenv("DATAFLOW_TEST_PASSWORD", "hunter2")
    monkeypatch.delenv("DATAFLOW_TEST_UNSET", raising=False)
    monkeypatch.delenv("DATAFLOW_TEST_NONE", raising=False)
    name = "Sales of ${DATAFLOW_TEST_TEAM} in $${HOME}"
    description = "${DATAFLOW_TEST_UNSET} ${DATAFLOW_TEST_PASSWORD} ${DATAFLOW_TEST_NONE:-other}"
    folder = add_workflow("shop", config=f"workflow: {{name: '{name}', description: ''}}")
    add_workflow("other", config=f"workflow: {{description: '{description}'}}")

    site = assemble_site(project, "build")

    facts = json.loads((site.template / "src/dataflow/site.json").read_text())
    listed = {item["id"]: (item["title"], item["description"]) for item in facts["workflows"]}
    assert listed == {
        "shop": ("Sales of North in ${HOME}", ""),
        "other": ("other", "${DATAFLOW_TEST_UNSET} ${DATAFLOW_TEST_PASSWORD} other"),
    }
    config = folder / "config.yaml"
    config.write_text(
        config.read_text()
        + "\ningestion: {source: {type: file, url: a.csv}}\nload: {table: shop}\n"
    )
    assert read_config(config).workflow.name == listed["shop"][0]
