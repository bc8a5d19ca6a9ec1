from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.node import Node
from dataflow_tools.site.npm_install import InstallError, packages_hash, site_files
from dataflow_tools.site.packages import install_packages


def _npm(tmp_path: Path, script: str) -> Node:
    program = tmp_path / "npm"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o755)
    return Node(Path(sys.executable), (str(program),), "v20.0.0")


def test_the_lock_file_names_no_host() -> None:
    """Npm asks the registry that the person's own settings name, and no other."""
    text = (site_files() / "package-lock.json").read_text()

    assert re.findall(r"https?://\S+|\"resolved\"", text) == []


def test_the_lock_file_belongs_to_the_package_file() -> None:
    """`npm ci` refuses a lock file that was made for other dependencies."""
    package = json.loads((site_files() / "package.json").read_text())
    root = json.loads((site_files() / "package-lock.json").read_text())["packages"][""]

    assert root["dependencies"] == package["dependencies"]
    assert {"@evidence-dev/evidence", "@evidence-dev/core-components"} <= set(root["dependencies"])


def test_packages_are_installed_once_for_all_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a second build nor a second project waits for npm; another lock file does."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = EvidenceFolders(tmp_path / "site")
    node = _npm(
        tmp_path,
        "import pathlib; pathlib.Path('node_modules').mkdir(exist_ok=True);"
        "log = pathlib.Path('runs').open('a'); log.write('x')",
    )
    said: list[str] = []

    install_packages(folders, node, said.append)
    install_packages(folders, node, said.append)

    other = EvidenceFolders(tmp_path / "other")
    install_packages(other, node, said.append)

    assert (folders.modules.resolve().parent / "runs").read_text() == "x"
    assert folders.modules.resolve() == other.modules.resolve()
    assert (folders.modules / ".dataflow-lock").read_text() == packages_hash()
    assert len(said) == 1
    (folders.modules / ".dataflow-lock").write_text("of another version")
    install_packages(folders, node, said.append)
    assert (folders.modules.resolve().parent / "runs").read_text() == "xx"


def test_a_project_with_packages_of_its_own_keeps_them_till_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier version installed is used; then it makes place for those of all projects."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = EvidenceFolders(tmp_path / "site")
    node = _npm(tmp_path, "import pathlib; pathlib.Path('node_modules').mkdir()")
    folders.modules.mkdir(parents=True)
    stamp = folders.modules / ".dataflow-lock"
    stamp.write_text(packages_hash())

    install_packages(folders, node, lambda _: None)
    assert not folders.modules.is_symlink()

    stamp.write_text("of another version")
    install_packages(folders, node, lambda _: None)
    assert folders.modules.is_symlink()
    assert stamp.read_text() == packages_hash()


def test_what_npm_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is behind a proxy sees npm's own words and what to check."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    node = _npm(
        tmp_path, "import sys; print('npm error code ENOTFOUND', file=sys.stderr); sys.exit(1)"
    )

    with pytest.raises(InstallError) as caught:
        install_packages(EvidenceFolders(tmp_path / "site"), node, lambda _: None)

    assert "code ENOTFOUND" in caught.value.reason
    assert "registry" in caught.value.instruction
    assert not (tmp_path / "site/node_modules/.dataflow-lock").exists()
