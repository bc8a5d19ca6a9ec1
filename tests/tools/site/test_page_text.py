from __future__ import annotations

from pathlib import Path

from tests.dashboard_fixtures import AddWorkflow

from dataflow.shared.project import Project
from dataflow_tools.site.page_files import find_page_files
from dataflow_tools.site.page_text import PageText, page_text


def _write(top: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = top / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _read(project: Project, page: str) -> PageText:
    files = find_page_files(project)
    (found,) = [item for item in files.pages if item.url == page]
    return page_text(project, found, files)


def test_a_line_of_a_partial_is_known_by_its_own_file(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Faults below a partial keep their lines, those in it are named with its file."""
    folder = add_workflow("shop", pages={"index.md": 'a\n{@partial "x.md"} end\nlast\n'})
    _write(folder, {"partials/x.md": 'one\n{@partial "y.md"}\nthree'})
    _write(project.root, {"partials/y.md": "deep\n"})

    text = _read(project, "/shop/")

    assert text.text == "a\none\ndeep\n\nthree end\nlast\n"
    own = "src/dataflow/workflows/shop/evidence/partials/x.md"
    told = [(text.origin(line).line, text.origin(line).place) for line in range(1, 7)]
    assert told[0] == (1, "")
    assert told[1] == (2, f"{own}, line 1")
    assert told[2] == (2, "evidence/partials/y.md, line 1")
    assert told[4] == (2, f"{own}, line 3")
    assert told[5] == (3, "")


def test_what_is_not_there_is_named_with_where_it_was_looked_for(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A missing partial, one that includes itself and a missing query have line and reason."""
    page = '---\nqueries:\n  - no.sql\n  - oops\n---\n{@partial "z.md"}\n{@partial "me.md"}\n'
    folder = add_workflow("shop", pages={"index.md": page})
    _write(folder, {"partials/me.md": '{@partial "me.md"}'})

    faults = _read(project, "/shop/").faults

    top = "src/dataflow/workflows/shop/evidence"
    assert [(fault.line, fault.reason) for fault in faults] == [
        (2, f"There is no query no.sql in {top}/queries or evidence/queries."),
        (2, "queries: oops is no .sql file."),
        (6, f"There is no partial z.md in {top}/partials or evidence/partials."),
        (7, "The partial me.md includes itself."),
    ]


def test_queries_of_files_keep_their_names_and_the_page_its_lines(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Each is found in the workflow or the project, and an edited one changes the page."""
    page = "---\ntitle: x\nqueries:\n  - a.sql\n  - total: deep/b.sql\nhide: 1\n---\n# T\n"
    folder = add_workflow(
        "shop", pages={"index.md": page, "flow.md": "---\nqueries: [a.sql]\n---\n"}
    )
    _write(folder, {"queries/a.sql": "select 1"})
    _write(project.root, {"queries/deep/b.sql": "select 2"})

    before = _read(project, "/shop/").text.splitlines()
    assert before[2].startswith(
        'queries: [{"a": "shop/a.sql"}, {"total": "project-wide/deep/b.sql"}] #'
    )
    assert before[5:] == page.splitlines()[5:]
    assert '[{"a": "shop/a.sql"}]' in _read(project, "/shop/flow/").text
    _write(folder, {"queries/a.sql": "select 3"})
    assert _read(project, "/shop/").text.splitlines()[2] != before[2]
