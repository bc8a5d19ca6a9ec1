"""Template repositories and projects with a history, made in a few lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import EMPTY

from dataflow.shared.project import Project
from dataflow_tools.fleet.update import Request, update_workflows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dataflow_tools.fleet.results import UpdateReport

ANSWERS_TEMPLATE = "{{ _copier_conf.answers_file }}.jinja"
CONFIG = """\
_subdirectory: template/{{ kind }}
_answers_file: .copier-answers.yml
_preserve_symlinks: true
kind: {type: str, choices: [workflow, project], default: workflow}
title: {type: str, default: "{{ _folder_name }}"}
runtime_version: {type: str, default: "1.0.0", when: false}
"""
ANSWERS = "# Changes here will be overwritten by Copier\n{{ _copier_answers|to_nice_yaml -}}\n"

Content = str | bytes | None


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """Run git in a folder with an identity of its own."""
    done = subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *arguments],
        cwd=folder,
        input=stdin,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def write(folder: Path, files: Mapping[str, Content], executable: tuple[str, ...] = ()) -> None:
    """Write files; ``None`` removes one, and a text that starts with ``->`` makes a link."""
    for name, content in files.items():
        path = folder / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        if content is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("->"):
            path.symlink_to(content.removeprefix("->"))
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            if name in executable:
                path.chmod(0o755)


@dataclass
class Lab:
    """A template repository and a project with workflows made from it."""

    template: Path
    project: Project
    # The settings of a template that asks nothing but its kind, to add questions to.
    config: str = EMPTY

    def release(
        self,
        version: str,
        files: Mapping[str, Content] | None = None,
        *,
        config: str | None = None,
        executable: tuple[str, ...] = (),
        kind: str = "workflow",
    ) -> None:
        """Change the template's files for a kind, and tag that as a version."""
        inside = {f"template/{kind}/{name}": data for name, data in (files or {}).items()}
        runs = tuple(f"template/{kind}/{name}" for name in executable)
        write(self.template, inside, runs)
        if config is not None:
            write(self.template, {"copier.yml": config})
        git(self.template, "add", "-A", "--force")
        git(self.template, "commit", "--allow-empty", "-qm", version)
        git(self.template, "tag", version)

    def render(self, *names: str, version: str | None = None, **data: str) -> None:
        """Make workflows from a version of the template, and commit them."""
        import copier

        for name in names:
            copier.run_copy(
                str(self.template),
                self.project.workflow_dir(name),
                data=data,
                vcs_ref=version,
                defaults=True,
                quiet=True,
            )
        self.commit()

    def edit(
        self, name: str, files: Mapping[str, Content], executable: tuple[str, ...] = ()
    ) -> None:
        """Change a workflow's files as a person would, and commit that."""
        write(self.project.workflow_dir(name), files, executable)
        self.commit()

    def commit(self) -> None:
        """Commit everything in the project."""
        git(self.project.root, "add", "-A")
        git(self.project.root, "commit", "--allow-empty", "-qm", "work")

    def update(self, *names: str, **options: object) -> UpdateReport:
        """Update workflows with the engine."""
        return update_workflows(self.project, Request(names=names, **options))  # type: ignore[arg-type]

    @staticmethod
    def status_of(report: UpdateReport, name: str = "one") -> str:
        """How a report says that a workflow ended."""
        return next(one.status.value for one in report.outcomes if one.workflow_id == name)

    @staticmethod
    def actions(report: UpdateReport, name: str = "one") -> dict[str, str]:
        """What was done to each file of a workflow, the answers file left out."""
        outcome = next(one for one in report.outcomes if one.workflow_id == name)
        fates = {change.path: change.action.value for change in outcome.changes}
        return {path: fate for path, fate in fates.items() if fate != "version"}

    def snapshot(self) -> dict[str, tuple[int, int, bytes]]:
        """Everything about the project's files, git's own included, that a write changes."""
        return {
            str(path.relative_to(self.project.root)): (
                path.lstat().st_mtime_ns,
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in self.project.root.rglob("*")
            if not path.is_dir()
        }

    def read(self, name: str, path: str) -> str:
        """Read a file of a workflow."""
        return (self.project.workflow_dir(name) / path).read_bytes().decode()

    def exists(self, name: str, path: str) -> bool:
        """Whether a workflow has a file."""
        return os.path.lexists(self.project.workflow_dir(name) / path)

    def git(self, *arguments: str) -> str:
        """Run git in the project."""
        return git(self.project.root, *arguments)

    def git_template(self, *arguments: str) -> str:
        """Run git in the template."""
        return git(self.template, *arguments)

    def commit_only(self, name: str) -> None:
        """Commit one workflow, as one does while another has conflicts."""
        folder = str(self.project.workflow_dir(name))
        self.git("add", folder)
        self.git("commit", "-qm", name, "--", folder)

    def unmerged(self) -> set[tuple[str, str]]:
        """The stages and file names of git's conflicts."""
        lines = self.git("ls-files", "-u").splitlines()
        return {(line.split()[2], line.split("\t")[1].rpartition("/")[2]) for line in lines}

    def status(self) -> str:
        """What git says about the project."""
        return git(self.project.root, "status", "--porcelain", "--untracked-files=all")


def make_lab(folder: Path) -> Lab:
    """Make an empty project and a template without files for workflows."""
    template, root = folder / "the template", folder / "project"
    for repository in (template, root):
        repository.mkdir(parents=True)
        git(repository, "init", "-q", "-b", "main")
        for name, value in (("name", "T"), ("email", "t@example.org")):
            git(repository, "config", f"user.{name}", value)
    write(
        template,
        {
            "copier.yml": CONFIG,
            f"template/workflow/{ANSWERS_TEMPLATE}": ANSWERS,
            f"template/project/{ANSWERS_TEMPLATE}": ANSWERS,
        },
    )
    write(
        root,
        {
            "pyproject.toml": "[tool.dataflow]\n",
            ".gitignore": ".dataflow/\n__pycache__/\n",
            "src/dataflow/workflows/.gitkeep": "",
        },
    )
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    return Lab(template, Project(root))


@pytest.fixture(autouse=True)
def _plain_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the settings and caches of whoever runs the tests out of them."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    (home / "gitconfig").write_text("[user]\nname = T\nemail = t@example.org\n", encoding="utf-8")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A template and a project to try things in."""
    return make_lab(tmp_path)
