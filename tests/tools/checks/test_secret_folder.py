"""A folder of secrets in the project, and git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

from dataflow.shared.project import Project
from dataflow_tools.checks import secret_folder
from dataflow_tools.checks.protocol import Status
from dataflow_tools.checks.secret_folder import diagnose_secrets, exposed_secrets


def project_at(root: Path, folder: str) -> Project:
    """A repository whose secrets are in a folder, with one in it."""
    secret_folder._exposed.cache_clear()
    (root / "pyproject.toml").write_text(f'[tool.dataflow]\nsecrets_dir = "{folder}"\n')
    (root / folder).mkdir(exist_ok=True)
    (root / folder / "SHOP_TOKEN").write_text("abc\n")
    subprocess.run(["git", "init", "-q", root], check=True)
    return Project(root)


@pytest.mark.parametrize("added", [True, False], ids=["added", "not ignored"])
def test_secrets_that_git_has_or_would_get_are_named(tmp_path: Path, added: bool) -> None:
    """By doctor and by each workflow's check, with what to type; no value is shown."""
    project = project_at(tmp_path, "keys")
    if added:
        subprocess.run(["git", "add", "keys"], cwd=tmp_path, check=True)
    (finding,) = exposed_secrets(project)
    assert "keys/SHOP_TOKEN" in finding.reason
    assert "Write /keys/ into .gitignore" in finding.instruction
    assert "abc" not in finding.reason
    assert diagnose_secrets(project)["secrets"].findings == (finding,)


def test_the_projects_own_gitignore_has_the_usual_name(tmp_path: Path) -> None:
    """`secrets_dir = "secrets"` needs nothing else; a folder elsewhere is not looked at."""
    project = project_at(tmp_path, "secrets")
    rendered = REPOSITORY / "template" / "project" / ".gitignore"
    (tmp_path / ".gitignore").write_text(rendered.read_text(encoding="utf-8"))
    assert diagnose_secrets(project)["secrets"].status is Status.MET
    elsewhere = tmp_path / "project"
    elsewhere.mkdir()
    (elsewhere / "pyproject.toml").write_text('[tool.dataflow]\nsecrets_dir = "../secrets"\n')
    assert diagnose_secrets(Project(elsewhere))["secrets"].status is Status.NOT_APPLICABLE
