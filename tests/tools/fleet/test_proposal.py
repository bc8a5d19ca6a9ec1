"""The weekly job: the steps of the rendered files, run against a bare remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.conftest import git, write
from tests.tools.fleet.material import ANSWERS, TEN, THEIRS
from tests.tools.fleet.test_workflow_health import CONFIG, JOB
from tests.tools.fleet.weekly_job import BRANCH, GUARD, WeeklyJob

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.forge import Forge
from dataflow_tools.fleet.proposal import propose_update

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.fleet.conftest import Lab

ONE = "src/dataflow/workflows/one"
PINS = """\
[project]
name = "shop"
version = "1"
dependencies = ["dataflow-runtime==0.0.{}"]

[tool.dataflow]
"""
# A test of the workflow's own, which passes once the new library is installed.
CHECK = """\
import os
from pathlib import Path

def test_installed():
    pins = Path(os.environ["DATAFLOW_PROJECT"], "pyproject.toml").read_text()
    assert Path(os.environ["INSTALLED"]).read_text().strip() in pins
"""
FLOW = {
    "config.yaml": CONFIG,
    "__init__.py": "",
    "dagster_job.py.jinja": JOB,
    "notes.txt": TEN,
    "tests/test_installed.py": CHECK,
}


def release(lab: Lab, number: int, files: dict[str, str | bytes | None], ci: str = "") -> None:
    """Release a version of the workflow's and the project's files."""
    project: dict[str, str | bytes | None] = {"pyproject.toml": PINS.format(number)}
    if ci:
        project[".github/workflows/ci.yml"] = ci
    lab.release(f"1.{number}.0", project, kind="project")
    git(lab.template, "tag", "-d", f"1.{number}.0")
    lab.release(f"1.{number}.0", files)


@pytest.fixture
def lab_of_project(lab: Lab) -> Lab:
    """A project from a template, with a workflow that a person edited, and a lock file."""
    import copier

    release(lab, 0, dict(FLOW), "old\n")
    copier.run_copy(
        str(lab.template),
        lab.project.root,
        data={"kind": "project"},
        defaults=True,
        quiet=True,
        overwrite=True,
    )
    write(lab.project.root, {"uv.lock": "dataflow-runtime==0.0.0\n"})
    lab.render("one")
    lab.edit("one", {"notes.txt": TEN.replace("line 4", "mine")})
    return lab


@pytest.fixture
def job(lab_of_project: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> WeeklyJob:
    """The weekly job of that project."""
    made = WeeklyJob(lab_of_project, tmp_path / "ci", getattr(request, "param", "github"))
    made.start()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("job", ["github", "gitlab"], indirect=True)
def test_an_update_is_proposed_once_and_only_when_there_is_one(job: WeeklyJob) -> None:
    """Nothing is pushed when nothing is new; a release is, checked with the library it asks for."""
    idle = job.run()
    assert (idle.returncode, job.pushes()) == (0, 0), idle.stderr
    assert "Nothing is new." in idle.stdout
    release(job.lab, 1, {"notes.txt": THEIRS, "new.sql": "select 1\n"})

    first = job.run()

    assert first.returncode == 0, first.stdout + first.stderr
    assert "checks passed" in first.stdout
    # What was checked out is as it was, but for what the first step installs.
    clone = job.folder / f"checkout-{job.runs}"
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "branch", "--show-current").strip() == "main"
    assert job.show("uv.lock") == "dataflow-runtime==0.0.1\n"
    assert job.show("pyproject.toml") == PINS.format(1)
    assert "mine" in job.show(f"{ONE}/notes.txt")
    assert "theirs" in job.show(f"{ONE}/notes.txt")
    assert job.show(f"{ONE}/new.sql") == "select 1\n"
    assert git(job.remote, "diff", "--name-only", "main", BRANCH).split() == [
        ANSWERS,
        "pyproject.toml",
        f"{ONE}/{ANSWERS}",
        f"{ONE}/new.sql",
        f"{ONE}/notes.txt",
        "uv.lock",
    ]
    if job.forge == "github":
        said = (job.folder / "requests").read_text()
        assert "--title Update from the template to 1.1.0\n" in f"{said.split(' --body')[0]}\n"
        assert "checks passed" in (job.folder / "requests.body").read_text()
    else:
        options = (job.remote / "options").read_text()
        assert "merge_request.create" in options
        assert "merge_request.title=Update from the template to 1.1.0" in options
        assert "merge_request.target=main" in options
        return
    # Somebody works on main in the meantime, which is no news of the template.
    other = job.person(branch="main")
    write(other, {"notes.md": "notes\n"})
    git(other, "add", "-A")
    git(other, "commit", "-qm", "notes")
    git(other, "push", "-q")
    before = job.tip()

    again = job.run()

    assert (again.returncode, job.tip()) == (0, before)
    assert "Nothing is new since the last run." in again.stdout
    if job.forge == "github":
        assert (job.folder / "requests.log").read_text().split() == ["list", "create", "list"]
    # The next release goes into the same request, on what main is then.
    release(job.lab, 2, {"new.sql": "select 2\n"})
    assert job.run().returncode == 0
    assert job.show(f"{ONE}/new.sql") == "select 2\n"
    assert job.show("notes.md") == "notes\n"
    if job.forge == "github":
        assert "edit" in (job.folder / "requests.log").read_text()


@pytest.mark.slow
def test_what_people_did_on_the_branch_is_never_overwritten(job: WeeklyJob) -> None:
    """A resolved conflict stays, also if it was amended; a new release goes on from there."""
    theirs = TEN.replace("line 4", "theirs")
    release(job.lab, 1, {"notes.txt": theirs})
    first = job.run()
    assert first.returncode == 0, first.stderr
    assert "<<<<<<< yours" in job.show(f"{ONE}/notes.txt")
    assert "needs a hand" in (job.folder / "requests").read_text()
    body = (job.folder / "requests.body").read_text()
    assert f"Resolve the conflicts on this branch: {ONE}/notes.txt" in body
    assert "git add" not in body
    person = job.person()
    resolved = TEN.replace("line 4", "both")
    write(person / ONE, {"notes.txt": resolved})
    git(person, "commit", "-qa", "--amend", "--no-edit")
    git(person, "push", "-q", "--force")
    before = job.tip()

    again = job.run()

    assert (again.returncode, job.tip()) == (0, before), again.stdout + again.stderr
    assert "has commits of others" in again.stdout
    release(job.lab, 2, {"notes.txt": theirs.replace("line 8", "more")})
    after = job.run()
    assert after.returncode == 0, after.stdout + after.stderr
    assert job.show(f"{ONE}/notes.txt") == resolved.replace("line 8", "more")
    assert git(job.remote, "rev-parse", f"{BRANCH}^").strip() == before
    assert job.show("pyproject.toml") == PINS.format(2)
    # Merged by squashing, the branch is history, and the next update starts from main.
    clone = job.person(branch="main")
    git(clone, "merge", "-q", "--squash", f"origin/{BRANCH}")
    git(clone, "commit", "-qm", "squashed")
    git(clone, "push", "-q")
    release(job.lab, 3, {"notes.txt": theirs.replace("line 8", "most")})
    assert job.run().returncode == 0
    assert git(job.remote, "rev-parse", f"{BRANCH}^") == git(job.remote, "rev-parse", "main")
    assert job.show(f"{ONE}/notes.txt") == resolved.replace("line 8", "most")


@pytest.mark.slow
def test_unfinished_work_on_the_branch_waits_for_its_person(job: WeeklyJob) -> None:
    """Markers that nobody has resolved yet are not merged into by the next release."""
    release(job.lab, 1, {"notes.txt": TEN.replace("line 4", "theirs")})
    job.run()
    person = job.person()
    write(person, {"notes.md": "looking at it\n"})
    git(person, "add", "-A")
    git(person, "commit", "-qm", "notes")
    git(person, "push", "-q")
    release(job.lab, 2, {"notes.txt": TEN.replace("line 4", "more")})

    done = job.run()

    assert done.returncode == 0, done.stderr
    assert "conflict markers" in done.stdout
    assert job.show(f"{ONE}/notes.txt").count("<<<<<<<") == 1
    assert job.show("pyproject.toml") == PINS.format(2)


@pytest.mark.slow
def test_files_that_the_token_may_not_push_are_left_out_and_said(job: WeeklyJob) -> None:
    """The rest of the update arrives; the pull request has the file's change as a patch."""
    job.hook("pre-receive", GUARD)
    release(job.lab, 1, {"notes.txt": THEIRS}, "new\n")

    done = job.run()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Files of CI were left out" in done.stdout
    assert job.show(".github/workflows/ci.yml") == "old\n"
    assert "theirs" in job.show(f"{ONE}/notes.txt")
    body = (job.folder / "requests.body").read_text()
    assert "git apply left-out.patch" in body
    assert "-old\n+new\n" in body
    before = job.tip()
    assert job.run().returncode == 0
    assert job.tip() == before
    person = job.person()
    (person / "left-out.patch").write_text(
        body.partition("````diff\n")[2].removesuffix("````\n"), encoding="utf-8"
    )
    git(person, "apply", "left-out.patch")
    assert (person / ".github/workflows/ci.yml").read_text() == "new\n"


@pytest.mark.slow
def test_conflicts_in_pyproject_install_nothing_and_are_gone_on_from(job: WeeklyJob) -> None:
    """With markers in it nothing can be installed; once they are resolved, the workflows follow."""
    clone = job.person(branch="main")
    mine = PINS.format(0).replace('version = "1"', 'version = "2"')
    write(clone, {"pyproject.toml": mine})
    git(clone, "commit", "-qam", "mine")
    git(clone, "push", "-q")
    theirs = PINS.format(1).replace('version = "1"', 'version = "3"')
    release(job.lab, 1, {"notes.txt": THEIRS})
    job.lab.release("1.2.0", {"pyproject.toml": theirs}, kind="project")

    first = job.run()

    assert first.returncode == 0, first.stdout + first.stderr
    assert "pyproject.toml has conflicts" in first.stdout
    assert "<<<<<<< yours" in job.show("pyproject.toml")
    assert "theirs" not in job.show(f"{ONE}/notes.txt")
    person = job.person()
    write(person, {"notes.md": "looking at it\n"})
    git(person, "add", "-A")
    git(person, "commit", "-qm", "notes")
    git(person, "push", "-q")
    waiting, before = job.run(), job.tip()
    assert waiting.returncode == 0, waiting.stdout + waiting.stderr
    assert "pyproject.toml has conflicts" in waiting.stdout
    assert job.tip() == before == git(person, "rev-parse", "HEAD").strip()
    write(person, {"pyproject.toml": theirs})
    git(person, "commit", "-qam", "resolved")
    git(person, "push", "-q")
    second = job.run()
    assert second.returncode == 0, second.stdout + second.stderr
    assert job.show("pyproject.toml") == theirs
    assert job.show("uv.lock") == "dataflow-runtime==0.0.1\n"
    assert "theirs" in job.show(f"{ONE}/notes.txt")


@pytest.mark.slow
def test_somebody_elses_push_in_the_middle_is_not_overwritten(job: WeeklyJob) -> None:
    """Whoever pushes while the job runs keeps what they pushed, and the job says so."""
    release(job.lab, 1, {"notes.txt": THEIRS})
    job.run()
    release(job.lab, 2, {"notes.txt": THEIRS.replace("theirs", "more")})
    person = job.person()
    write(person, {"notes.md": "quick\n"})
    git(person, "add", "-A")
    git(person, "commit", "-qm", "quick")
    # The job installs in the middle of its work.
    uv = job.folder / "bin" / "uv"
    text = uv.read_text().replace("cp ", f"git -C '{person}' push -q; cp ", 1)
    uv.write_text(text)

    done = job.run()

    if "Somebody pushed" not in done.stderr:
        # The first step, before the branch is read, may have pushed it already.
        assert done.returncode == 0
    assert job.show("notes.md") == "quick\n"


def test_an_update_is_proposed_from_ones_own_machine(lab: Lab, tmp_path: Path) -> None:
    """Without a forge the branch is pushed, and the next step named.

    What the remote does not take is left out, with its patch; others' commits stay.
    """
    ci = ".github/workflows/ci.yml"
    lab.release("1.0.0", {ci: "old\n"}, kind="project")
    git(lab.template, "tag", "-d", "1.0.0")
    lab.release("1.0.0", {"notes.txt": TEN})
    answers = f"_commit: 1.0.0\n_src_path: {lab.template}\nkind: workflow\n"
    write(lab.project.root, {ci: "old\n", ANSWERS: answers.replace("workflow\n", "project\n")})
    lab.edit("one", {ANSWERS: answers, "notes.txt": TEN})
    write(lab.template, {f"template/project/{ci}": "new\n"})
    lab.release("1.1.0", {"notes.txt": THEIRS})
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(lab.project.root), str(remote))
    with pytest.raises(BadInputError, match="no remote called 'origin'"):
        propose_update(lab.project, "update", Forge.NONE)
    lab.git("remote", "add", "origin", str(remote))
    (lab.project.workflow_dir("one") / "notes.txt").write_text("mine\n")
    with pytest.raises(BadInputError, match=f"Uncommitted changes in {ONE}/notes.txt"):
        propose_update(lab.project, "update", Forge.NONE)
    lab.git("checkout", "--quiet", "--", ".")
    write(remote, {"hooks/pre-receive": GUARD}, executable=("hooks/pre-receive",))
    said: list[str] = []

    first = propose_update(lab.project, "update", Forge.NONE, progress=said.append)
    assert lab.git("branch", "--show-current").strip() == "main"
    git(tmp_path, "clone", "-q", "-b", "update", str(remote), "person")
    write(tmp_path / "person", {"notes.md": "looking at it\n"})
    git(tmp_path / "person", "add", "-A")
    git(tmp_path / "person", "commit", "-qm", "My notes")
    git(tmp_path / "person", "push", "-q")
    lab.git("checkout", "--quiet", "--detach")
    again = propose_update(lab.project, "update", Forge.NONE)

    assert not first.failed
    assert first.lines[-2:] == ["Pushed to update.", "Open a pull request from update."]
    assert "Files of CI were left out, since the remote did not take them." in first.lines
    assert {"-old", "+new", f"+++ b/{ci}"} <= {*first.lines}
    assert "Next:" not in first.lines
    assert not any("git commit" in line or "git mergetool" in line for line in first.lines)
    title = git(remote, "log", "-1", "--format=%s", "update^").strip()
    assert title == "Update from the template to 1.1.0: needs a hand"
    assert git(remote, "show", f"update:{ci}") == "old\n"
    assert "update has commits of others, which stay as they are:" in again.lines
    assert any("My notes" in line for line in again.lines)
    assert again.lines[-1] == "Nothing is new."
    assert said[0] == "looking at the branch update"
    assert said[-1] == "pushing"
    assert git(remote, "show", f"update:{ONE}/notes.txt") == THEIRS
    assert lab.git("branch", "--show-current").strip() == ""
    assert lab.git("rev-parse", "HEAD") == lab.git("rev-parse", "main")
    assert (lab.status(), lab.read("one", "notes.txt")) == ("", TEN)
