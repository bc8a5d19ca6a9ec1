"""Where a template is, and which of its versions counts."""

from __future__ import annotations

import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.conftest import write
from tests.tools.fleet.material import ANSWERS, EMPTY, TEN, THEIRS

from dataflow_tools.fleet import versions
from dataflow_tools.fleet.versions import TemplateError, cache_folder, open_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.tools.fleet.conftest import Lab


def test_the_latest_release_is_the_target(lab: Lab) -> None:
    """Tags are ordered as versions; a pre-release is taken only when asked for."""
    for version in ("1.9.0", "1.10.0", "2.0.0rc1"):
        lab.release(version, {"a.py": f"{version}\n"})
    lab.render("one", version="1.9.0")

    assert [one.target for one in lab.update("one", plan_only=True).outcomes] == ["1.10.0"]
    pre = lab.update("one", plan_only=True, prereleases=True)
    assert [one.target for one in pre.outcomes] == ["2.0.0rc1"]
    named = lab.update("one", reference="1.9.0")
    assert lab.status_of(named) == "current"


def test_going_back_is_refused(lab: Lab) -> None:
    """A workflow is not taken to an older version than its own."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.release("1.1.0", {"a.py": "b\n"})
    lab.render("one")

    report = lab.update("one", reference="1.0.0")

    assert lab.status_of(report) == "failed"
    assert "newer than 1.0.0" in str(report.outcomes[0].reason)


def test_a_template_with_uncommitted_changes_gives_its_last_commit(lab: Lab) -> None:
    """The version that is recorded exists, so that the next update can start from it."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    (lab.template / "template/workflow/a.py").write_text(THEIRS, encoding="utf-8")
    lab.git_template("commit", "-qam", "more")
    (lab.template / "template/workflow/a.py").write_text("draft\n", encoding="utf-8")

    report = lab.update("one", reference="HEAD")

    assert lab.read("one", "a.py") == THEIRS
    assert any("uncommitted changes" in note for note in report.notes)
    recorded = report.outcomes[0].target
    assert lab.git_template("rev-parse", f"{recorded}^{{commit}}") == lab.git_template(
        "rev-parse", "HEAD"
    )


def test_a_wanted_version_that_does_not_exist_is_named_with_those_that_do(lab: Lab) -> None:
    """`--to` with a version that was never released fails with the releases there are."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one")
    lab.release("1.1.0", {"a.py": "b\n"})
    (outcome,) = lab.update("one", reference="9.9.9").outcomes
    assert "9.9.9" in str(outcome.reason)
    assert "Releases: 1.1.0, 1.0.0" in str(outcome.instruction)


def test_a_version_that_does_not_exist_is_named(lab: Lab) -> None:
    """A recorded version that the template does not have fails that workflow alone."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one", "two")
    lab.edit("one", {ANSWERS: lab.read("one", ANSWERS).replace("1.0.0", "0.9-4-gabcdef0")})
    lab.release("1.1.0", {"a.py": "b\n"})

    report = lab.update()

    assert (lab.status_of(report), lab.status_of(report, "two")) == ("failed", "updated")
    assert "no version '0.9-4-gabcdef0'" in str(report.outcomes[0].reason)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["file://{}", "git+file://{}.git", "{}.bundle"])
def test_templates_are_found_in_many_places(lab: Lab, tmp_path: Path, form: str) -> None:
    """A URL of a folder, a remote repository and a bundle serve as a template."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})
    place = tmp_path / "elsewhere"
    lab.git_template("clone", "-q", "--bare", ".", f"{place}.git")
    lab.git_template("clone", "-q", ".", str(place))
    lab.git_template("bundle", "create", f"{place}.bundle", "--all")
    source = form.format(place)
    lab.edit("one", {ANSWERS: f"_commit: 1.0.0\n_src_path: {source}\nkind: workflow\ntitle: one\n"})

    assert lab.update("one").exit_code == 0

    assert lab.read("one", "a.py") == THEIRS
    assert f"_src_path: {source}\n" in lab.read("one", ANSWERS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ("_commit: 1.0.0\n", "does not name a template"),
        ("_src_path: /nowhere\n", "records no version"),
        ("_commit: 1.0.0\n_src_path: /no/where\n", "/no/where does not exist"),
        ("a: [\n", "is not valid YAML"),
        ("_commit: --help\n_src_path: {template}\n", "no version '--help'"),
        ("_commit: 1.0.0\n_src_path: {template}/template\n", "not the root of a git repository"),
    ],
)
def test_a_useless_answers_file_is_explained(lab: Lab, answers: str, words: str) -> None:
    """What is wrong with an answers file is said in words, and other workflows go on."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one", "two")
    lab.edit("one", {ANSWERS: answers.format(template=lab.template)})
    lab.release("1.1.0", {"a.py": "b\n"})

    report = lab.update()

    assert (lab.status_of(report), lab.status_of(report, "two")) == ("failed", "updated")
    assert words in str(report.outcomes[0].reason)


def test_a_template_that_runs_code_is_left_to_copier(lab: Lab) -> None:
    """Tasks and migrations are never run, nor silently left out."""
    lab.release("1.0.0", {"a.py": "a\n"})
    lab.render("one")
    lab.release("1.1.0", {"a.py": "b\n"}, config=EMPTY + "_tasks: ['touch ran']\n")

    report = lab.update("one")

    assert lab.status_of(report) == "failed"
    assert "_tasks" in str(report.outcomes[0].reason)
    assert not lab.exists("one", "ran")


class Quiet(SimpleHTTPRequestHandler):
    """A web server that keeps its requests to itself."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def remote(lab: Lab, tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Gives the URL of the template on a server, and a function that puts its state there."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()

    def publish() -> None:
        shutil.rmtree(folder / "remote.git", ignore_errors=True)
        lab.git_template("clone", "-q", "--bare", ".", str(folder / "remote.git"))
        lab.git_template("--git-dir", str(folder / "remote.git"), "update-server-info")

    yield f"http://127.0.0.1:{server.server_port}/remote.git", publish
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_remote_template_is_kept_for_times_without_a_network(
    lab: Lab, remote: tuple[str, Callable[[], None]]
) -> None:
    """New versions are fetched; without a network the last known ones are used, and it is said."""
    source, publish = remote
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    publish()
    lab.edit("one", {ANSWERS: f"_commit: 1.0.0\n_src_path: {source}\nkind: workflow\ntitle: one\n"})
    assert lab.status_of(lab.update("one")) == "current"
    lab.release("1.1.0", {"a.py": THEIRS, "v.md.jinja": "{{ _copier_answers._src_path }}\n"})
    publish()
    assert lab.update("one", plan_only=True).outcomes[0].target == "1.1.0"
    shutil.rmtree(lab.template)
    Path(lab.project.root.parent, "served", "remote.git", "info", "refs").unlink()

    report = lab.update("one")

    assert lab.read("one", "a.py") == THEIRS
    assert lab.read("one", "v.md") == f"{source}\n"
    assert any("was not reached" in note for note in report.notes)


def test_a_hook_may_call_an_update(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that git sets for its hooks do not lead the update astray."""
    lab.release("1.0.0", {"a.py": TEN, "v.md.jinja": "{{ _copier_answers._commit }}\n"})
    lab.render("one")
    lab.release("1.1.0", {"a.py": THEIRS})
    monkeypatch.setenv("GIT_DIR", str(lab.project.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(lab.project.root / ".git" / "index"))

    report = lab.update("one")

    assert report.exit_code == 0
    assert (lab.read("one", "a.py"), lab.read("one", "v.md")) == (THEIRS, "1.1.0\n")


def test_a_template_at_an_address_is_mirrored_and_fetched_anew(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror that is broken is made again; an address that never answered is an error."""
    lab.release("1.0.0", {"a.py": TEN})
    monkeypatch.setattr(versions, "_local_path", lambda *_: None)
    source = str(lab.template)
    first = open_template(source, tmp_path)
    assert (first.address, first.releases, first.notes) == (source, ["1.0.0"], [])
    assert first.repository.parent == cache_folder()
    assert not first._is_dirty()
    lab.release("1.1.0", {"a.py": THEIRS})
    lab.git_template("tag", "-d", "1.0.0")
    assert open_template(source, tmp_path).releases == ["1.1.0"]
    (first.repository / "HEAD").unlink()
    assert open_template(source, tmp_path).latest().name == "1.1.0"
    lab.template.rename(tmp_path / "away")
    later = open_template(source, tmp_path)
    assert later.releases == ["1.1.0"]
    assert [note.startswith(f"{source} was not reached") for note in later.notes] == [True]
    with pytest.raises(TemplateError, match="cannot be fetched"):
        open_template(str(tmp_path / "nowhere"), tmp_path)


def test_a_template_without_releases_is_at_its_last_commit(lab: Lab) -> None:
    """Commits without a tag follow each other as git has them."""
    lab.git_template("add", "-A", "--force")
    lab.git_template("commit", "-qm", "first")
    template = open_template(str(lab.template), lab.project.root)
    first = template.latest()
    write(lab.template, {"more": "x"})
    lab.git_template("add", "-A")
    lab.git_template("commit", "-qm", "second")
    second = open_template(str(lab.template), lab.project.root).latest()
    assert template.is_older(first, second)
    assert not template.is_older(second, first)
    assert not template.is_older(first, first)


def test_a_version_with_submodules_is_refused(lab: Lab, tmp_path: Path) -> None:
    """Nothing of it is written for a render."""
    lab.git_template("add", "-A", "--force")
    lab.git_template("commit", "-qm", "first")
    commit = lab.git_template("rev-parse", "HEAD").strip()
    lab.git_template("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    lab.git_template("commit", "-qm", "with a submodule")
    template = open_template(str(lab.template), lab.project.root)
    with pytest.raises(TemplateError, match="has submodules"):
        template.export(template.latest(), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_releases_in_between_are_those_that_people_get(lab: Lab) -> None:
    """From after one version up to another; a pre-release only where it is the goal."""
    for tag in ("1.0.0", "1.1.0", "1.2.0rc1", "1.2.0", "other"):
        lab.release(tag)
    template = open_template(str(lab.template), lab.project.root)
    one, two, pre = (template.version(tag) for tag in ("1.0.0", "1.2.0", "1.2.0rc1"))
    assert template.releases == ["1.0.0", "1.1.0", "1.2.0rc1", "1.2.0"]
    assert template.between(one, two) == ["1.1.0", "1.2.0"]
    assert template.between(one, pre) == ["1.1.0", "1.2.0rc1"]
    assert template.between(two, two) == []
    assert template.latest().name == "1.2.0"
    lab.release("2.0.0a1")
    later = open_template(str(lab.template), lab.project.root)
    assert later.latest().name == "1.2.0"
    assert later.latest(prereleases=True).name == "2.0.0a1"
