"""From release 0.1.0 to the working tree: every change arrives, under edits, and nothing is lost.

A standing test for every change of 0.2: it renders projects with the template of 0.1.0, edits
every file as a person does, and updates them to the template of the working tree in each way that
there is: plain `copier update`, our own command, and the command of 0.1.0 itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_update
from tests.conftest import REPOSITORY, Dataflow
from tests.template.release_fixtures import (
    ANSWERS,
    DELETED,
    DEPENDENCY_EDITS,
    NEW,
    OLD,
    OWN_FILES,
    RENAMED,
    WORKFLOWS,
    Edit,
    commit,
    edit_everything,
    git,
    make_releases,
    render_project,
)

from dataflow.shared.project import Project
from dataflow_tools.fleet.results import UpdateStatus
from dataflow_tools.fleet.update import Request, update_workflows

ANSWERS_FILE = ".copier-answers.yml"


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template repository of 0.1.0 and the working tree."""
    folder = tmp_path_factory.mktemp("releases") / "template"
    make_releases(folder)
    return folder


@pytest.fixture(scope="module")
def rendered(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untouched project of each version; unit tests come with models, not with updates."""
    folder = tmp_path_factory.mktemp("rendered")
    return {
        OLD: render_project(releases, folder / OLD / "shop", OLD),
        NEW: render_project(releases, folder / NEW / "shop", NEW, use_unit_tests=False),
    }


@pytest.fixture
def project(rendered: dict[str, Path], tmp_path: Path) -> Path:
    """A project of 0.1.0 with a workflow of each kind, committed and otherwise untouched."""
    return shutil.copytree(rendered[OLD], tmp_path / "shop", symlinks=True)


def update(root: Path) -> None:
    """What `dataflow workflow update --all --project` does, in this process."""
    report = update_workflows(Project(root), Request(project=True))
    assert {one.status for one in report.outcomes} == {UpdateStatus.UPDATED}, report.as_json()


def tree(root: Path) -> dict[str, str]:
    """Every file of a project that git does not ignore."""
    listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    there = [name for name in listed if (root / name).is_file()]
    return {name: (root / name).read_text(encoding="utf-8") for name in there}


def is_yours(path: str) -> bool:
    """Whether copier.yml gives a path to people: rendered once, and never updated."""
    patterns = yaml.safe_load((REPOSITORY / "copier.yml").read_text())["_skip_if_exists"]
    inside = Path(path).relative_to(WORKFLOWS).parts[1:] if path.startswith(str(WORKFLOWS)) else ()
    return path == "README.md" or bool({*patterns} & {*inside})


def require_every_edit(root: Path, edits: list[Edit], before: dict[str, str]) -> None:
    """Require that a person's lines and files are as they were, and that there is no conflict."""
    after = tree(root)
    broken = [path for path, text in after.items() if "<<<<<<<" in text or path.endswith(".rej")]
    assert broken == []
    places = {path: path for path in after} | dict([RENAMED])
    lost = [
        (edit.path, line)
        for edit in edits
        for line in edit.lines
        if line not in after[places[edit.path]]
    ]
    assert lost == []
    assert {name: after.get(name) for name in OWN_FILES} == OWN_FILES
    assert DELETED not in after
    assert RENAMED[0] not in after
    assert "# Mine." in after[RENAMED[1]]
    yours = [path for path in before if is_yours(path)]
    assert {path: after.get(path) for path in yours} == {path: before[path] for path in yours}


def require_new_versions(root: Path) -> None:
    """Require that the project and every workflow say that they are at the new version."""
    for folder in (root, *(root / WORKFLOWS / name for name in ANSWERS)):
        assert f"_commit: {NEW}\n" in (folder / ANSWERS_FILE).read_text()


def library(root: Path) -> dict[str, Any]:
    """What a project's pyproject.toml says about this library."""
    document = tomllib.loads((root / "pyproject.toml").read_text())
    sources, own = document["tool"]["uv"]["sources"], "dataflow-"
    return {
        "runtime": [d for d in document["project"]["dependencies"] if d.startswith(own)],
        "tools": [d for d in document["dependency-groups"]["dev"] if d.startswith(own)],
        "sources": {name: sources[name] for name in sources if name.startswith(own)},
    }


@pytest.mark.slow
def test_an_untouched_project_equals_a_fresh_one(project: Path, rendered: dict[str, Path]) -> None:
    """After the update nothing but people's own files tells that 0.1.0 rendered it."""
    before = tree(project)
    update(project)
    fresh = tree(rendered[NEW])
    wanted = {path: before[path] if is_yours(path) else text for path, text in fresh.items()}
    assert tree(project) == wanted


@pytest.mark.slow
def test_no_edit_is_lost(project: Path, rendered: dict[str, Path]) -> None:
    """Lines, files, a deletion and a renaming survive, and the template's changes are there."""
    edits = edit_everything(project)
    before = tree(project)
    update(project)
    require_every_edit(project, edits, before)
    require_new_versions(project)
    assert library(project) == library(rendered[NEW])


@pytest.mark.slow
def test_the_librarys_version_moves_among_edited_dependencies(
    project: Path, rendered: dict[str, Path]
) -> None:
    """Requirements and sources of one's own, on the template's very lines, are no conflict."""
    for edit in DEPENDENCY_EDITS:
        edit.apply(project)
    commit(project)
    update(project)
    assert library(project) == library(rendered[NEW])
    text = (project / "pyproject.toml").read_text()
    own = [line for edit in DEPENDENCY_EDITS for line in edit.lines if "dataflow-" not in line]
    assert [line for line in own if line not in text] == []


@pytest.mark.slow
def test_an_edited_generated_file_gives_way_and_is_named(project: Path) -> None:
    """A generated file is the template's; the report says which edit gave way, git has it."""
    macro = f"{WORKFLOWS}/sales/dbt/macros/generate_schema_name.sql"
    Edit(macro, "", "-- mine\n").apply(project)
    commit(project)
    update(project)
    assert "<<<<<<<" not in (project / macro).read_text()


@pytest.mark.slow
def test_every_question_has_an_answer_for_older_instances(releases: Path) -> None:
    """A question that 0.1.0 did not have needs a default: that is what its instances get."""
    old = yaml.safe_load(git(releases, "show", f"{OLD}:copier.yml"))
    new = yaml.safe_load((REPOSITORY / "copier.yml").read_text())
    added = [name for name in new if not name.startswith("_") and name not in old]
    assert [name for name in added if "default" not in new[name]] == []


@pytest.mark.slow
def test_a_history_without_the_release_is_a_failure(tmp_path: Path) -> None:
    """A shallow clone makes this file's tests fail with what to do, and never skip."""
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", REPOSITORY.as_uri(), str(shallow))
    with pytest.raises(pytest.fail.Exception, match="git fetch --unshallow"):
        make_releases(tmp_path / "template", shallow)


@pytest.mark.slow
def test_plain_copier_update_loses_nothing_either(project: Path, rendered: dict[str, Path]) -> None:
    """Without our command: `copier update` in the project and in each workflow, one by one."""
    edits = edit_everything(project)
    before = tree(project)
    for folder in (project, *(project / WORKFLOWS / name for name in ANSWERS)):
        run_update(folder, defaults=True, overwrite=True, quiet=True)
        commit(project, "Updated")
    require_every_edit(project, edits, before)
    require_new_versions(project)
    assert library(project) == library(rendered[NEW])


@pytest.mark.slow
def test_the_command_of_the_old_release_loses_nothing_either(
    project: Path, rendered: dict[str, Path], releases: Path, tmp_path: Path
) -> None:
    """The first update is made by the library that the project has: 0.1.0 itself."""
    edits = edit_everything(project)
    before = tree(project)
    git(releases, "worktree", "add", "--quiet", str(tmp_path / "old"), OLD)
    # Both are namespace packages; what 0.1.0 has comes before what is installed.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "old" / "runtime")}
    command = [sys.executable, "-m", "dataflow.cli", "workflow", "update", "--all", "--project"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    require_every_edit(project, edits, before)
    require_new_versions(project)
    assert library(project) == library(rendered[NEW])


@pytest.mark.slow
def test_an_edited_and_updated_project_runs(project: Path, dataflow: Dataflow) -> None:
    """After the update every workflow loads, and one goes end to end, its dbt models with it."""
    edit_everything(project)
    update(project)
    require_that_all_load(project, dataflow, {"RATES_TOKEN": "x"})
    ran = dataflow("workflow", "run", "sales", cwd=project, env=WARN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "dataflow.orchestration" not in ran.stderr


@pytest.mark.slow
def test_a_project_that_is_not_updated_yet_runs(project: Path, dataflow: Dataflow) -> None:
    """The new library runs what 0.1.0 rendered, and says what to write in place of old imports."""
    require_that_all_load(project, dataflow, {"RATES_TOKEN": "x"})
    ran = dataflow("workflow", "run", "sales", cwd=project, env=WARN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for old in ("dataflow.orchestration.steps", "dataflow.ingestion.source"):
        assert f"{old} is an old path, which goes in 0.3. Write: from dataflow.auth" in ran.stderr
    workspace = (project / "workspace.yaml").read_text()
    assert "module_name: dataflow.orchestration.definitions" in workspace


# Warnings of old paths are for authors; Python shows them to nobody else.
WARN = {"PYTHONWARNINGS": "default::DeprecationWarning"}


def require_that_all_load(root: Path, dataflow: Dataflow, secrets: dict[str, str]) -> None:
    """Require that each workflow's config and code are sound, and that Dagster takes them."""
    listed = dataflow("workflow", "list", "--check", cwd=root, env=secrets)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    (root / ".dagster").mkdir(exist_ok=True)
    environment = {**os.environ, **secrets, "DAGSTER_HOME": str(root / ".dagster")}
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    workspace = yaml.safe_load((root / "workspace.yaml").read_text())
    workspace["load_from"] = workspace["load_from"][:1]  # What a person added is not installed.
    (root / "workspace.yaml").write_text(yaml.safe_dump(workspace))
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
