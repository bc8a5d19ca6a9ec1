"""Updating instances of every released version to the template of the working tree.

Where there is no release yet, an older template is made from the working tree, so that the way from
a release to the next is walked before there is one.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.conftest import REPOSITORY, Dataflow

pytestmark = pytest.mark.slow

WORKFLOW = Path("src/dataflow/workflows/sales")
NEXT = "v999.0.0"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


RELEASES = git(REPOSITORY, "tag", "--list", "v*").split() or ["made"]


def put_working_tree(folder: Path) -> None:
    for path in ("copier.yml", "template"):
        target = folder / path
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    shutil.copy(REPOSITORY / "copier.yml", folder)
    shutil.copytree(REPOSITORY / "template", folder / "template")


def make_older(folder: Path) -> None:
    """What a release before this one could have been: other values, one file fewer, one more."""
    workflow = folder / "template" / "workflow"
    config = workflow / "config.yaml.jinja"
    config.write_text(config.read_text().replace("timeout_seconds: 30", "timeout_seconds: 20"))
    dbt = workflow / "{% if use_dbt %}dbt{% endif %}"
    macro = dbt / "macros" / "generate_schema_name.sql"
    macro.write_text(macro.read_text().replace("target.schema", "default_schema"))
    (dbt / "models" / "marts" / "_marts.yml.jinja").unlink()
    (dbt / "models" / "old.sql").write_text("select 1 as one\n")


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose tag v0 is the release, and whose newest tag is the working tree."""
    folder = tmp_path_factory.mktemp("release")
    if request.param == "made":
        git(folder, "init", "--quiet")
        put_working_tree(folder)
        make_older(folder)
    else:
        git(folder, "clone", "--quiet", str(REPOSITORY), ".")
        git(folder, "checkout", "--quiet", request.param)
        for tag in git(folder, "tag").split():
            git(folder, "tag", "--delete", tag)
    commit(folder, "The release")
    git(folder, "tag", "v0.0.1")
    put_working_tree(folder)
    commit(folder, "The working tree")
    git(folder, "tag", NEXT)
    return folder


@pytest.fixture
def make_project(release: Path, tmp_path: Path, dataflow: Dataflow) -> Callable[[str], Path]:
    def make(ref: str) -> Path:
        project = tmp_path / ref / "shop"
        for command in (
            ("init", str(project), "--template", str(release), "--ref", ref, "--defaults"),
            ("workflow", "new", "sales", "--defaults"),
        ):
            cwd = tmp_path if command[0] == "init" else project
            made = dataflow(*command, cwd=cwd)
            assert made.returncode == 0, made.stderr
        git(project, "init", "--quiet")
        commit(project, "Rendered")
        return project

    return make


@pytest.fixture
def project(make_project: Callable[[str], Path]) -> Path:
    """A project with one workflow, as the release made them."""
    return make_project("v0.0.1")


def update(project: Path, dataflow: Dataflow, code: int = 0) -> str:
    commit(project, "Edited")
    done = dataflow("workflow", "update", "--all", cwd=project)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def passes_its_tests(project: Path, dataflow: Dataflow) -> None:
    checked = dataflow("workflow", "run", "sales", cwd=project)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_unedited_workflow_equals_a_fresh_render(
    project: Path, make_project: Callable[[str], Path], dataflow: Dataflow
) -> None:
    """After the update nothing tells that the workflow was made by an older version."""
    update(project, dataflow)
    fresh = make_project(NEXT)
    assert tree(project / WORKFLOW) == tree(fresh / WORKFLOW)
    passes_its_tests(project, dataflow)


def test_an_edit_survives_beside_what_the_template_changed(
    project: Path, dataflow: Dataflow
) -> None:
    """A person's line and the template's are both there, and the workflow runs."""
    config = project / WORKFLOW / "config.yaml"
    config.write_text(config.read_text().replace("type: file", "type: file # by hand"))
    ingestion = project / WORKFLOW / "ingestion.py"
    ingestion.write_text(ingestion.read_text() + "\n\nMINE = 1\n")
    update(project, dataflow)
    assert "type: file # by hand" in config.read_text()
    assert "timeout_seconds: 30" in config.read_text()
    assert "MINE = 1" in ingestion.read_text()
    passes_its_tests(project, dataflow)


def test_a_deleted_file_stays_deleted(project: Path, dataflow: Dataflow) -> None:
    """What a person removed does not come back."""
    page = project / WORKFLOW / "evidence" / "pages" / "index.md"
    page.unlink()
    update(project, dataflow)
    assert not page.exists()


def test_a_renamed_file_keeps_its_new_name(project: Path, dataflow: Dataflow) -> None:
    """A person's name for a file is not joined by the template's."""
    pages = project / WORKFLOW / "evidence" / "pages"
    (pages / "index.md").rename(pages / "sales.md")
    update(project, dataflow)
    assert [path.name for path in pages.iterdir()] == ["sales.md"]


def test_a_file_at_the_path_of_a_new_one_is_not_lost(project: Path, dataflow: Dataflow) -> None:
    """Where person and template add the same path, the person's lines are there afterwards."""
    marts = project / WORKFLOW / "dbt" / "models" / "marts" / "_marts.yml"
    mine = "# mine, written before the template had one\n"
    marts.write_text(mine + (marts.read_text() if marts.exists() else ""))
    commit(project, "Edited")
    done = dataflow("workflow", "update", "--all", cwd=project)
    assert done.returncode in (0, 1), done.stderr
    assert mine in marts.read_text()


def test_a_file_that_the_template_keeps_never_conflicts(project: Path, dataflow: Dataflow) -> None:
    """A generated file is the template's, also where somebody edited it; the report says so."""
    macro = project / WORKFLOW / "dbt" / "macros" / "generate_schema_name.sql"
    macro.write_text(macro.read_text() + "-- mine\n")
    printed = update(project, dataflow)
    assert "<<<<<<<" not in macro.read_text()
    assert "-- mine" not in macro.read_text()
    assert "generate_schema_name.sql" in printed


def test_every_question_has_an_answer_for_older_instances(release: Path) -> None:
    """A question that a release did not have needs a default: that is what its instances get."""
    text = git(release, "show", "v0.0.1:copier.yml")
    old, new = yaml.safe_load(text), yaml.safe_load((REPOSITORY / "copier.yml").read_text())
    added = [name for name in new if not name.startswith("_") and name not in old]
    without = [name for name in added if "default" not in new[name]]
    assert without == []
