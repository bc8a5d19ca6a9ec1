"""A small template in a repository of its own, with a changelog and two kinds of instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.tools.fleet.conftest import ANSWERS, ANSWERS_TEMPLATE, _plain_home, git, write

__all__ = ["_plain_home"]

CONFIG = """\
_subdirectory: template/{{ kind }}
_answers_file: .copier-answers.yml
_skip_if_exists: [ingestion.py]
_generated: [profiles.yml]
kind: {type: str, choices: [workflow, project], default: workflow}
workflow_id: {type: str, default: x, when: "{{ kind == 'workflow' }}"}
source_type:
  type: str
  choices: {A file: file, An API: api}
  default: file
  when: "{{ kind == 'workflow' }}"
use_dbt: {type: bool, default: true, when: "{{ kind == 'workflow' }}"}
"""
CHANGELOG = """\
# Changelog

## [Unreleased]

- Sources of another kind.

## [1.0.0] - 2026-01-01

- The first one.

[Unreleased]: https://example.org/compare/v1.0.0...HEAD
"""
JOB = '"""A job."""\n\nKIND = "{{ source_type }}"\n'


@dataclass(frozen=True)
class Fork:
    """A template's repository."""

    root: Path

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write files, or remove those without a text, and commit that."""
        write(self.root, files)
        self.commit()

    def change(self, name: str, old: str, new: str) -> None:
        """Replace some text of a file and commit it."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.commit()

    def commit(self, tag: str | None = None) -> None:
        """Commit everything, and tag it."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", "Work")
        if tag is not None:
            git(self.root, "tag", tag)

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        return git(self.root, *arguments).strip()

    def state(self) -> tuple[str, str, str]:
        """The commit, the tags, and what is not committed."""
        return self.git("rev-parse", "HEAD"), self.git("tag"), self.git("status", "--porcelain")


@pytest.fixture
def fork(tmp_path: Path) -> Fork:
    """A template with the release v1.0.0 and something new in its changelog."""
    root = tmp_path / "fork"
    root.mkdir()
    git(root, "init", "--quiet", "-b", "main")
    for name, value in (("name", "T"), ("email", "t@example.org")):
        git(root, "config", f"user.{name}", value)
    ruff = "[tool.dataflow]\n\n[tool.ruff.lint]\nselect = ['F']\n"
    write(
        root,
        {
            "copier.yml": CONFIG,
            "CHANGELOG.md": CHANGELOG,
            f"template/workflow/{ANSWERS_TEMPLATE}": ANSWERS,
            "template/workflow/__init__.py": "",
            "template/workflow/job.py.jinja": JOB,
            "template/workflow/ingestion.py": "X = 1\n",
            "template/workflow/profiles.yml": "a: 1\n",
            "template/workflow/{% if use_dbt %}dbt.sql{% endif %}": "select 1\n",
            f"template/project/{ANSWERS_TEMPLATE}": ANSWERS,
            "template/project/pyproject.toml": ruff,
            "template/project/.gitignore": ".dataflow/\n",
        },
    )
    fork = Fork(root)
    fork.commit("v1.0.0")
    return fork
