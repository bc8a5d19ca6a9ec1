"""`dataflow template release`: all together or nothing, and nothing that breaks old instances."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools.fleet.conftest import write
from tests.tools.templates.conftest import CONFIG, Fork

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.scaffold.git import run_git
from dataflow_tools.templates import changelog
from dataflow_tools.templates.release import (
    BreakingReleaseError,
    finish_release,
    make_release,
    plan_release,
)
from dataflow_tools.templates.version_files import with_version


def release(fork: Fork, version: str = "minor", *meant: str) -> str:
    """Plan a release and make it; its tag."""
    plan = plan_release(fork.root, version, meant)
    make_release(plan)
    return plan.tag


@pytest.mark.slow
def test_version_changelog_and_tag_move_together(fork: Fork) -> None:
    """One commit has the changelog's new part, an empty one above it, and the tag."""
    assert release(fork) == "v1.1.0"
    text = (fork.root / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n## [1.1.0] - 2" in text
    assert "[Unreleased]: https://example.org/compare/v1.1.0...HEAD\n" in text
    assert "[1.1.0]: https://example.org/compare/v1.0.0...v1.1.0" in text
    assert fork.git("status", "--porcelain") == ""
    assert fork.git("rev-list", "-1", "v1.1.0") == fork.git("rev-parse", "main")
    assert fork.git("cat-file", "-t", "v1.1.0") == "tag"
    assert "Sources of another kind." in fork.git("tag", "-l", "--format=%(contents)", "v1.1.0")


@pytest.mark.slow
def test_line_ends_stay_as_they_are(fork: Fork) -> None:
    """A changelog from Windows changes in the lines of the release alone."""
    path = fork.root / "CHANGELOG.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    fork.git("config", "core.autocrlf", "false")
    fork.commit()
    release(fork)
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")
    added, removed, _ = fork.git("show", "--numstat", "--format=", "v1.1.0^{commit}").split()
    assert (int(added), int(removed)) == (4, 1)


@pytest.mark.slow
def test_a_repository_with_the_library_moves_its_version_too(fork: Fork) -> None:
    """Both distributions, the pin between them and the question get the version."""
    project = '[project]\nname = "x"\nversion = "1.0.0"\n'
    pin = 'dependencies = [\n  "dataflow-runtime[run]==1.0.0",\n]\n'
    question = 'runtime_version:\n  type: str\n  default: "1.0.0"\n  when: false\n'
    write(fork.root, {"runtime/pyproject.toml": project, "tools/pyproject.toml": project + pin})
    fork.write({"copier.yml": CONFIG + question})
    release(fork, "2.0.0")
    assert 'version = "2.0.0"' in (fork.root / "runtime/pyproject.toml").read_text()
    assert '"dataflow-runtime[run]==2.0.0"' in (fork.root / "tools/pyproject.toml").read_text()
    assert 'default: "2.0.0"' in (fork.root / "copier.yml").read_text()


def test_a_template_alone_leaves_the_librarys_version(fork: Fork) -> None:
    """What its projects ask for is the library's version, not its own."""
    fork.write({"copier.yml": CONFIG + 'runtime_version: {default: "0.2.0", when: false}\n'})
    assert with_version(fork.root, "9.9.9") == {}


REFUSED: dict[str, tuple[Callable[[Fork], object], str, str]] = {
    "not committed": (lambda f: write(f.root, {"new": "x"}), "minor", "not committed: new"),
    "a tag that exists": (lambda f: f.git("tag", "v1.1.0", "HEAD"), "1.1.0", "does not come after"),
    "nothing in the changelog": (
        lambda f: f.change("CHANGELOG.md", "- Sources of another kind.\n", ""),
        "minor",
        "nothing under Unreleased",
    ),
    "no part for it": (
        lambda f: f.change("CHANGELOG.md", "## [Unreleased]", "## [1.0.1] - 2026-02-02"),
        "minor",
        "no part that is not released",
    ),
    "no changelog": (lambda f: f.write({"CHANGELOG.md": None}), "minor", "no CHANGELOG.md"),
    "going back": (Fork.commit, "0.9.0", "does not come after"),
    "no version": (Fork.commit, "soon", "not a version"),
    "not on a branch": (lambda f: f.git("checkout", "--detach"), "minor", "not on a branch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_ready_is_refused_and_nothing_changes(fork: Fork, case: str) -> None:
    """Each refusal names the reason, and leaves commits, tags and files as they were."""
    prepare, version, words = REFUSED[case]
    prepare(fork)
    before = fork.state()
    with pytest.raises(BadInputError, match=words):
        release(fork, version)
    assert fork.state() == before


BREAKING: dict[str, tuple[str, str, str]] = {
    "choice:source_type=api": ("An API: api", "A database: database", "does not offer 'api'"),
    "type:use_dbt": (
        "use_dbt: {type: bool, default: true",
        "use_dbt: {type: str, default: 'a'",
        "type",
    ),
    "question:use_dbt": ("use_dbt: {", "other: {", "is gone"),
    "question:source_type": (
        "  when: \"{{ kind == 'workflow' }}\"\nu",
        "  when: false\nu",
        "computed",
    ),
    "owner:ingestion.py": ("[ingestion.py]", "[]", "under people's hands"),
    "owner:job.py": ("_generated: [", "_generated: [job.py, ", "replace what people wrote"),
}


@pytest.mark.slow
@pytest.mark.parametrize("key", BREAKING)
def test_what_breaks_old_instances_is_refused_until_it_is_meant(fork: Fork, key: str) -> None:
    """It is named with the reason; with --meant it needs a word in the changelog, then it goes."""
    old, new, words = BREAKING[key]
    fork.change("copier.yml", old, new)
    before = fork.state()
    with pytest.raises(BreakingReleaseError, match=words) as refused:
        release(fork)
    assert key in refused.value.reason
    with pytest.raises(BreakingReleaseError, match="does not say so"):
        release(fork, "minor", key)
    assert fork.state() == before
    word = key.split(":")[1].partition("=")[0]
    fork.change("CHANGELOG.md", "another kind.", f"another kind. Of {word}: do this first.")
    assert release(fork, "minor", key) == "v1.1.0"


NEVER = {
    "default:colour": "colour: {type: str}\n",
    "trust:_tasks": "_tasks: [ls]\n",
}


@pytest.mark.parametrize("key", NEVER)
def test_what_would_stop_every_update_cannot_be_meant(fork: Fork, key: str) -> None:
    """A question without a default, and what needs --trust, are refused whatever is said."""
    fork.write({"copier.yml": CONFIG + NEVER[key]})
    for meant in ((), (key,)):
        with pytest.raises(BreakingReleaseError) as refused:
            release(fork, "minor", *meant)
        assert key in refused.value.reason


def test_a_file_of_peoples_that_goes_is_refused(fork: Fork) -> None:
    """Renaming what people own leaves theirs behind, used by nothing."""
    fork.git("mv", "template/workflow/ingestion.py", "template/workflow/reading.py")
    fork.commit()
    with pytest.raises(BreakingReleaseError, match="file:ingestion.py"):
        release(fork)


def test_new_questions_files_and_choices_are_no_breakage(fork: Fork) -> None:
    """What only adds goes through without a word."""
    fork.change("copier.yml", "An API: api}", "An API: api, A database: database}")
    fork.write({"template/workflow/more.py": "Y = 1\n"})
    assert release(fork) == "v1.1.0"


def test_a_key_that_breaks_nothing_is_refused(fork: Fork) -> None:
    """A misspelt --meant does not pass for one that was needed."""
    with pytest.raises(BadInputError, match="Nothing of this name"):
        release(fork, "minor", "choice:nothing")


@pytest.mark.slow
def test_git_saying_no_leaves_everything_as_it_was(fork: Fork) -> None:
    """A lock on the tag, as another process holds it, fails branch and tag together."""
    plan = plan_release(fork.root, "minor")
    before = fork.state()
    lock = fork.root / ".git/refs/tags/v1.1.0.lock"
    lock.touch()
    with pytest.raises(DataflowError):
        make_release(plan)
    lock.unlink()
    assert fork.state() == before
    assert release(fork) == "v1.1.0"


@pytest.mark.slow
def test_a_release_killed_before_its_files_follow_is_finished(fork: Fork) -> None:
    """Killed between the tag and the working tree, the next call brings the files up."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dataflow_tools.templates import release\n"
        "real = release.run_git\n"
        "def run_git(*words, **more):\n"
        "    if words[:2] == ('read-tree', '-m'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*words, **more)\n"
        "release.run_git = run_git\n"
        "release.make_release(release.plan_release(Path(sys.argv[1]), 'minor'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, fork.root], env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    assert fork.git("status", "--porcelain") != ""
    assert finish_release(fork.root) == "v1.1.0"
    assert fork.git("status", "--porcelain") == ""
    assert "## [1.1.0]" in (fork.root / "CHANGELOG.md").read_text()
    assert finish_release(fork.root) is None


def test_a_heading_with_the_version_to_come_is_the_unreleased_part() -> None:
    """`## [0.2.0] - Unreleased` is understood as well, and what is below stays below."""
    text = "# C\n\n## [0.2.0] - Unreleased\n\n- new\n\n## [0.1.0]\n\n- old\n"
    released = changelog.with_release(text, "0.2.0", "2026-01-02")
    assert released.startswith(
        "# C\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n- new\n\n## [0"
    )
    assert changelog.unreleased(text) == "- new"


def test_outside_of_a_template_it_says_where_to_go(tmp_path: Path) -> None:
    """A folder without copier.yml is refused by what it lacks."""
    with pytest.raises(BadInputError, match="not in a git repository"):
        plan_release(tmp_path, "minor")
    run_git("init", "--quiet", cwd=tmp_path)
    with pytest.raises(BadInputError, match=r"no copier\.yml"):
        plan_release(tmp_path, "minor")
