"""Fifty repositories on the disk, each with a history of its own, and code hosts' command lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy
from tests.tools.fleet.conftest import ANSWERS, ANSWERS_TEMPLATE, _plain_home, git, write

from dataflow_tools.campaign.campaign import Voice, plan_campaign, run_campaign
from dataflow_tools.campaign.report import CampaignReport
from dataflow_tools.campaign.settings import Settings
from dataflow_tools.campaign.sources import find_repositories

__all__ = ["_plain_home"]

BRANCH = "refs/heads/dataflow/update-v1.1.0"
WORKFLOWS = "src/dataflow/workflows"
CONFIG = """\
_subdirectory: template/{{ kind }}
_answers_file: .copier-answers.yml
kind: {type: str, choices: [workflow, project], default: workflow}
"""
TEN = "".join(f"line {number}\n" for number in range(10))
# How many repositories of each kind there are among the fifty, and how an update of one ends.
KINDS = {
    "plain": (12, "ready"),
    "edited": (10, "ready"),
    "partly": (4, "ready"),
    "trunk": (4, "ready"),
    "below": (2, "ready"),
    "failing": (2, "ready"),
    "taken": (2, "ready"),
    "conflict": (3, "conflict"),
    "current": (3, "current"),
    "handmade": (2, "skipped"),
    "other": (2, "skipped"),
    "broken": (3, "failed"),
    "empty": (1, "failed"),
}


def make_template(root: Path) -> None:
    """Two versions: the second changes line 8 of two files of workflows, and one of projects."""
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    project = {"pyproject.toml": f"[tool.dataflow]\n{comment(TEN)}", ".gitignore": ".dataflow/\n"}
    files = {
        "copier.yml": CONFIG,
        f"template/workflow/{ANSWERS_TEMPLATE}": ANSWERS,
        "template/workflow/__init__.py": "",
        "template/workflow/config.yaml": TEN,
        "template/workflow/job.py": comment(TEN),
        f"template/project/{ANSWERS_TEMPLATE}": ANSWERS,
        **{f"template/project/{name}": text for name, text in project.items()},
    }
    for version, line in (("v1.0.0", "line 8\n"), ("v1.1.0", "line eight\n")):
        write(root, {name: text.replace("line 8\n", line) for name, text in files.items()})
        git(root, "add", "-A", "-f")
        git(root, "commit", "-qm", version)
        git(root, "tag", version)


def comment(text: str) -> str:
    """Lines as comments of Python or TOML."""
    return "".join(f"# {line}\n" for line in text.splitlines())


def make_kinds(folder: Path, template: Path) -> None:
    """One bare repository of each kind."""
    model = folder / "model"
    made: dict[str, Any] = {"defaults": True, "quiet": True}
    run_copy(str(template), model, {"kind": "project"}, vcs_ref="v1.0.0", **made)
    for name in ("one", "two"):
        run_copy(str(template), model / WORKFLOWS / name, vcs_ref="v1.0.0", **made)
    changes: dict[str, dict[str, str | None]] = {
        "plain": {},
        "edited": {
            f"{WORKFLOWS}/one/config.yaml": TEN.replace("line 1\n", "mine\n"),
            f"{WORKFLOWS}/one/own.py": "X = 1\n",
        },
        "partly": {f"{WORKFLOWS}/one/config.yaml": TEN.replace("line 8\n", "mine\n")},
        "trunk": {f"{WORKFLOWS}/two/job.py": comment(TEN) + "X = 1\n"},
        "failing": {"broken": "x\n"},
        "taken": {},
        "conflict": {
            "pyproject.toml": f"[tool.dataflow]\n{comment(TEN)}".replace("line 8\n", "mine\n")
        },
        "handmade": dict.fromkeys([".copier-answers.yml", f"{WORKFLOWS}/one", f"{WORKFLOWS}/two"]),
        "broken": {"pyproject.toml": "<<<<<<< yours\n[tool.dataflow]\n=======\n>>>>>>> theirs\n"},
    }
    for kind in KINDS:
        work = folder / kind
        if kind == "below":
            shutil.copytree(model, work / "team" / "pipelines")
        elif kind == "other":
            write(work, {"README.md": "Something else.\n"})
        elif kind != "empty":
            shutil.copytree(model, work)
        write(work, changes.get(kind, {}))
        work.mkdir(exist_ok=True)
        git(work, "init", "-q", "--template=", "-b", "trunk" if kind == "trunk" else "main")
        if kind == "current":
            for name in (".", f"{WORKFLOWS}/one", f"{WORKFLOWS}/two"):
                project = {"kind": "project" if name == "." else "workflow"}
                options = {**made, "overwrite": True}
                run_copy(str(template), work / name, project, vcs_ref="v1.1.0", **options)
        if kind != "empty":
            git(work, "add", "-A")
            git(work, "commit", "-qm", "Start")
            git(work, "branch", "of-a-person")
        if kind == "taken":
            git(work, "checkout", "-q", "-b", BRANCH.removeprefix("refs/heads/"))
            git(work, "commit", "-q", "--allow-empty", "-m", "Of a person")
            git(work, "checkout", "-q", "main")
        bare = folder / f"{kind}.git"
        git(folder, "clone", "-q", "--bare", "--template=", str(work), str(bare))
        (bare / "hooks").mkdir()
        hook = bare / "hooks" / "post-receive"
        hook.write_text('#!/bin/sh\ncat >> "$GIT_DIR/pushes"\n', encoding="utf-8")
        hook.chmod(0o755)


@dataclass
class Fleet:
    """Repositories to take through a campaign.

    Args:
        remotes: The folder of the bare repositories.
        folder: The campaign's.
        bin: A folder on the PATH with the code hosts' command lines.
    """

    remotes: Path
    folder: Path
    bin: Path

    def settings(self, **changed: object) -> Settings:
        """What is asked for: a plain branch in each repository that has no file `broken`."""
        names = sorted(self.remotes.iterdir())
        wanted: dict[str, object] = {
            "version": "",
            "repositories": find_repositories([str(path) for path in names]),
            "rings": [],
            "sizes": ["3", "20%", "100%"],
            "stop_above": 1.0,
            "pull_requests": "none",
            "check": "test ! -e broken",
            **changed,
        }
        return Settings(**wanted)  # type: ignore[arg-type]

    def plan(self, **changed: object) -> CampaignReport:
        """Plan the campaign."""
        return plan_campaign(self.folder, self.settings(**changed), Voice())

    def run(self, last_ring: int | None = None) -> CampaignReport:
        """Run it."""
        return run_campaign(self.folder, Voice(), last_ring)

    def start(self, folder: Path | None = None) -> subprocess.Popen[str]:
        """Run it by the command line, in a process of its own."""
        command = [sys.executable, "-m", "dataflow.cli", "campaign", "run", "--in"]
        return subprocess.Popen(
            [*command, str(folder or self.folder)],
            env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pushes(self) -> dict[str, list[str]]:
        """What was pushed to each repository: a line for each branch and push."""
        return {
            path.stem: (path / "pushes").read_text().splitlines()
            if (path / "pushes").exists()
            else []
            for path in sorted(self.remotes.iterdir())
        }

    def show(self, name: str, path: str) -> str:
        """A file of the campaign's branch in a repository."""
        return git(self.remotes / f"{name}.git", "show", f"{BRANCH}:{path}")

    def calls(self) -> list[list[str]]:
        """How the code hosts' command lines were called."""
        log = self.bin / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template, and a repository of each kind."""
    folder = tmp_path_factory.mktemp("material")
    make_template(folder / "template")
    make_kinds(folder, folder / "template")
    return folder


def make_fleet(material: Path, folder: Path, kinds: dict[str, int]) -> Fleet:
    """Copies of the kinds, each with a commit of its own."""
    remotes = folder / "remotes"
    for kind, number in kinds.items():
        for position in range(number):
            bare = remotes / f"{kind}-{position}.git"
            shutil.copytree(material / f"{kind}.git", bare)
            if kind == "empty":
                continue
            head = git(bare, "symbolic-ref", "HEAD").strip()
            own = git(bare, "commit-tree", f"{head}^{{tree}}", "-p", head, "-m", f"Mine {position}")
            git(bare, "update-ref", head, own.strip())
    (folder / "bin").mkdir()
    return Fleet(remotes, folder / "campaign", folder / "bin")


@pytest.fixture
def fifty(material: Path, tmp_path: Path) -> Fleet:
    """All fifty."""
    return make_fleet(material, tmp_path, {kind: number for kind, (number, _) in KINDS.items()})


@pytest.fixture
def few(material: Path, tmp_path: Path) -> Fleet:
    """Four that an update goes through, and one whose check fails."""
    return make_fleet(material, tmp_path, {"plain": 2, "edited": 1, "partly": 1, "failing": 1})


CODE_HOST = """\
#!{python}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as file:
    told = [os.path.basename(sys.argv[0]), os.path.basename(os.getcwd()), *sys.argv[1:]]
    file.write(json.dumps(told) + "\\n")
place = here / (os.path.basename(os.getcwd()) + ".url")
key = "web_url" if sys.argv[0].endswith("glab") else "url"
if sys.argv[1:3] == ["auth", "status"]:
    if (here / "nobody").exists():
        sys.exit("You are not logged into any hosts.")
elif (here / "fails").exists():
    sys.exit((here / "fails").read_text())
elif sys.argv[2] == "list":
    known = place.exists() and not (here / "blind").exists()
    print(json.dumps([{{key: place.read_text()}}] if known else []))
elif place.exists():
    sys.exit("a pull request for this branch already exists:\\n" + place.read_text())
else:
    place.write_text("https://host.test/pull/" + os.path.basename(os.getcwd()))
    print("Creating it\\n" + place.read_text())
"""


def install_host(fleet: Fleet, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a code host's command line on the PATH; it writes down how it is called."""
    program = fleet.bin / name
    program.write_text(CODE_HOST.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fleet.bin}:{os.environ['PATH']}")
