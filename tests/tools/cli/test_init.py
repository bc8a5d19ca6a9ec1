"""`dataflow init`: the repository that a new project is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from tests.conftest import Dataflow

from dataflow.cli.main import dataflow as command_line

Init = Callable[..., subprocess.CompletedProcess[str]]
NAMED = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def init(tmp_path: Path, template_repository: Path, dataflow: Dataflow) -> Init:
    """Makes the project `shop`, as a person does who is called as the variables say."""

    def make(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
        arguments = ("init", "shop", "--template", template_repository, "--defaults", *options)
        return dataflow(*arguments, cwd=tmp_path, env={**NAMED, **env})

    return make


@pytest.mark.slow
def test_a_new_project_is_a_repository_with_one_commit(init: Init, tmp_path: Path) -> None:
    """Nothing is left over, no state is in it, and the branch is called main."""
    made = init()
    assert made.returncode == 0, made.stderr
    root = tmp_path / "shop"
    assert git(root, "log", "--format=%s %an") == "New project, made with dataflow init Ann"
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "symbolic-ref", "--short", "HEAD") == "main"
    assert ".dataflow/config.schema.json" not in git(root, "ls-files")
    assert "in its first commit" in made.stdout


@pytest.mark.slow
def test_commits_run_the_hooks_of_the_project(init: Init, tmp_path: Path) -> None:
    """`git commit` calls the pre-commit of the project's own environment, and obeys it."""
    init()
    root = tmp_path / "shop"
    program = root / ".venv" / "bin" / "pre-commit"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho called $1 $3; exit 3\n")
    program.chmod(0o755)
    done = subprocess.run(
        ["git", "commit", "--allow-empty", "-m", "x"],
        cwd=root,
        env={**os.environ, **NAMED},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "called hook-impl --hook-type=pre-commit" in done.stdout + done.stderr


@pytest.mark.slow
def test_no_git_leaves_the_files_alone(init: Init, tmp_path: Path) -> None:
    """--no-git is for a person who keeps repositories in another way."""
    assert init("--no-git").returncode == 0
    assert not (tmp_path / "shop" / ".git").exists()


@pytest.mark.slow
def test_a_project_inside_a_repository_is_left_to_that_one(init: Init, tmp_path: Path) -> None:
    """A repository in a repository would be lost on the next clone."""
    git(tmp_path, "init", "--quiet")
    made = init()
    assert made.returncode == 0
    assert "lies in the repository" in made.stdout
    assert not (tmp_path / "shop" / ".git").exists()


@pytest.mark.slow
def test_a_person_without_a_name_is_told_how_to_commit(init: Init, tmp_path: Path) -> None:
    """The project is made all the same; its files are added, and git's commands are printed."""
    nobody = {
        **dict.fromkeys(NAMED, ""),
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "user.useConfigOnly",
        "GIT_CONFIG_VALUE_0": "true",
    }
    made = init(**nobody)
    assert made.returncode == 0, made.stderr
    assert "git config --global user.email" in made.stdout
    assert "AGENTS.md" in git(tmp_path / "shop", "diff", "--cached", "--name-only")


@pytest.mark.slow
def test_commits_of_a_repository_that_was_there_are_left_alone(init: Init, tmp_path: Path) -> None:
    """An empty clone of a forge's gets its first commit; one with history is its owner's."""
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "--quiet")
    subprocess.run(
        ["git", "commit", "--quiet", "--allow-empty", "-m", "Mine"],
        cwd=root,
        env={**os.environ, **NAMED},
        check=True,
    )
    made = init()
    assert made.returncode == 0, made.stderr
    assert git(root, "log", "--format=%s") == "Mine"
    assert "commits of yours already" in made.stdout


def test_assistants_and_editors_are_told_commands_that_exist(project_folder: Path) -> None:
    """Each `dataflow ...` of AGENTS.md and of VS Code's tasks is a command with those options."""
    tasks = json.loads((project_folder / ".vscode" / "tasks.json").read_text())["tasks"]
    told = [task["command"] for task in tasks]
    told += re.findall(r"`(dataflow [^`]+)`", (project_folder / "AGENTS.md").read_text())
    told = [each for each in told if each.startswith("dataflow ")]
    assert len(told) > 10
    for line in told:
        for words in _each_choice(line.split()[1:]):
            command: click.Command = command_line
            context = click.Context(command, info_name="dataflow")
            while isinstance(command, click.Group) and words:
                found = command.get_command(context, words.pop(0))
                assert found is not None, line
                command, context = found, click.Context(found, parent=context)
            options = {name for parameter in command.params for name in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


def _each_choice(words: list[str]) -> list[list[str]]:
    """`rename|copy` as two commands."""
    at = next((at for at, word in enumerate(words) if "|" in word), None)
    if at is None:
        return [words]
    return [[*words[:at], choice, *words[at + 1 :]] for choice in words[at].split("|")]


@pytest.mark.slow
def test_git_is_needed_for_a_repository_alone(init: Init, tmp_path: Path) -> None:
    """Without git there is no template either, and the message says what to install."""
    only = tmp_path / "bin"
    only.mkdir()
    (only / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    made = init(PATH=str(only))
    assert made.returncode != 0
    assert "Traceback" not in made.stderr
    assert "git" in made.stderr
