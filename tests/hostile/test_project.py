"""A project made of hostile data and hostile answers: made, run, updated, built, looked at."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.browser_fixtures import OpenPage, WatchedPage, site_server
from tests.conftest import Dataflow

pytestmark = pytest.mark.slow

KINDS = [
    '<img src=x onerror="window.hacked = 1">',
    "<script>window.hacked = 2</script>",
    '{@html "<script>window.hacked = 3</script>"}',
    "{{ env_var('PLANTED') }}",
    "it's; drop table x; --",
    "=cmd|' /C calc'!A0",
    "javascript:window.hacked=4",
]
KIND = "<b>kind</b> {{ env_var('PLANTED') }}"
NAMES = ["id", KIND, 'say "hi"; drop table raw.odd; --', "it's {7 * 7}", "when", "no", "select"]
TITLE = "Odd </script><script>window.hacked = 5</script> {{ 7 * 7 }} {7 * 7} ${PLANTED}"
DESCRIPTION = (
    '<img src=x onerror="window.hacked = 6"> {@html 1} {{ 7 * 7 }} {% raw %} \\" \' $ {/if}'
)
PLANTED = "a-value-of-the-environment"

ROWS: list[dict[str, Any]] = [
    {
        "id": number,
        KIND: KINDS[number % len(KINDS)],
        NAMES[2]: number * 1.5,
        NAMES[3]: f"{{7 * 7}} <i>{number}</i>",
        "when": f"2024-0{number // 28 + 1}-{number % 28 + 1:02d}",
        "no": number % 3 == 0,
        "select": "</style>" * (number % 2),
    }
    for number in range(84)
]


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, *tag: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "A step")
    if tag:
        git(folder, "tag", *tag)


@pytest.fixture(scope="module")
def run(dataflow: Dataflow) -> Callable[..., str]:
    """A command that has to succeed; what it printed."""

    def succeed(*arguments: str, cwd: Path) -> str:
        done = dataflow(*arguments, cwd=cwd, env={"PLANTED": PLANTED})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return succeed


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, template_repository: Path, run: Callable[..., str]
) -> Path:
    """A project with a workflow that starts from hostile data, and has run."""
    folder = tmp_path_factory.mktemp("hostile")
    git(folder, "clone", "--quiet", str(template_repository), "template")
    project = folder / "shop"
    run(
        "init", "shop", "--template", str(folder / "template"), "--defaults", "--no-git", cwd=folder
    )
    source = project / "data" / "in" / "odd's [rows].json"
    source.parent.mkdir(parents=True)
    source.write_text(json.dumps(ROWS))
    texts = ("-d", f"title={TITLE}", "-d", f"description={DESCRIPTION}")
    location = os.fspath(source.relative_to(project))
    run("workflow", "new", "odd", "--source", location, *texts, cwd=project)
    git(project, "init", "--quiet")
    commit(project)
    printed = run("workflow", "run", "odd", cwd=project)
    assert "2 models" in printed
    return project


def workflow(project: Path) -> Path:
    return project / "src" / "dataflow" / "workflows" / "odd"


def ask(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "data" / "odd.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_value_and_name_arrives_as_it_was(project: Path) -> None:
    """Column names full of SQL and Jinja are names, and nothing but the tables is in the file."""
    described = ask(project, "DESCRIBE raw.odd")
    assert [name for name, *_ in described] == [*NAMES, "processed_at"]
    [column] = [c for c in answers(project)["columns"] if c["name"] == KIND]
    kinds = ask(project, f"SELECT DISTINCT {column['identifier']} FROM marts.odd")
    assert {kind for (kind,) in kinds} == set(KINDS)
    assert len(ask(project, "SELECT * FROM marts.odd")) == len(ROWS)
    tables = ask(project, "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL")
    assert tables == [("dataflow", "state"), ("marts", "odd"), ("raw", "odd")]


def answers(project: Path) -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load((workflow(project) / ".copier-answers.yml").read_text())
    return known


def test_nothing_of_the_environment_was_read(project: Path) -> None:
    """No file and no table has the variable that answers and data ask for."""
    for path in project.rglob("*"):
        if path.is_file():
            assert PLANTED.encode() not in path.read_bytes(), path
    manifest = json.loads((project / ".dataflow/dbt/odd/target/manifest.json").read_text())
    mart = manifest["nodes"]["model.odd.odd"]
    assert mart["description"] == DESCRIPTION
    # What nobody described has no description.
    descriptions = {column["description"] for column in mart["columns"].values()}
    assert descriptions == {"", "When the row was transformed."}


def test_an_update_leaves_the_answers_what_they_are(project: Path, run: Callable[..., str]) -> None:
    """Rendered anew by a newer template, every text is still the text that was answered."""
    before = answers(project)
    template = project.parent / "template"
    job = template / "template" / "workflow" / "dagster_job.py.jinja"
    job.write_text(job.read_text().replace("Load the rows into", "Load all rows into"))
    readme = template / "template" / "workflow" / "config.yaml.jinja"
    readme.write_text(readme.read_text().replace("timeout_seconds: 30", "timeout_seconds: 31"))
    commit(template, "v0.3.0")
    found = [path for path in workflow(project).rglob("*.*") if path.suffix != ".pyc"]
    files = {path: path.read_text() for path in found if path.is_file()}
    commit(project)

    run("workflow", "update", "odd", cwd=project)

    assert {**answers(project), "_commit": ""} == {**before, "_commit": ""}
    assert answers(project)["_commit"] == "v0.3.0"
    changed = {path.name for path, text in files.items() if path.read_text() != text}
    assert changed == {".copier-answers.yml", "config.yaml", "dagster_job.py"}
    for path, text in files.items():
        expected = text.replace("Load the rows into", "Load all rows into")
        expected = expected.replace("timeout_seconds: 30", "timeout_seconds: 31")
        if path.name != ".copier-answers.yml":
            assert path.read_text() == expected
    run("workflow", "check", "odd", "--no-tests", cwd=project)


@pytest.fixture(scope="module")
def site(
    project: Path, run: Callable[..., str], shared_node_modules: Callable[[Path], None]
) -> Path:
    shared_node_modules(project)
    run("evidence", "build", cwd=project)
    return project / ".dataflow" / "site" / "public"


@pytest.fixture
def page(site: Path, open_page: OpenPage) -> Any:
    """A browser on the built site; what it asks for or complains of fails the test."""
    with site_server(site) as address:
        watched = open_page()
        watched.page.set_default_timeout(60_000)
        watched.page.goto("about:blank")
        yield watched, address


def test_data_that_is_html_is_shown_and_not_run(page: tuple[WatchedPage, str]) -> None:
    """On the workflow's page and on the index: title, description, table, filter are text."""
    watched, address = page
    watched.visit(f"{address}/odd/")
    shown = watched.page.locator("article").inner_text()
    for text in (TITLE, DESCRIPTION, *KINDS):
        assert text in shown, text
    for menu in watched.page.locator(".filters summary").all():
        menu.click()
    options = watched.page.locator(".filters label span").filter(has_text="hacked")
    options.first.wait_for()
    assert {text.strip() for text in options.all_inner_texts()} <= set(KINDS)
    assert watched.page.evaluate("window.hacked") is None
    watched.visit(address)
    assert TITLE in watched.page.locator("article").inner_text()
    assert watched.page.evaluate("window.hacked") is None


def test_a_download_has_the_values_as_they_are(page: tuple[WatchedPage, str]) -> None:
    """Programs read it too, so nothing is put before what a spreadsheet takes for a formula."""
    watched, address = page
    watched.visit(f"{address}/odd/")
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name="Download CSV").click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    [column] = [identifier for identifier in rows[0] if "kind" in identifier]
    assert {row[column] for row in rows} == set(KINDS)
