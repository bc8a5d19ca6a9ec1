from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow_tools.site import vendored
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.node import find_node
from dataflow_tools.site.npm_install import packages_hash
from dataflow_tools.site.packages import install_packages
from dataflow_tools.site.vendored import lock_of_vendored, vendor_packages


@pytest.mark.slow
def test_packages_are_installed_from_a_folder_where_no_registry_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one machine has packed another installs, with nothing but the folder."""
    folder = tmp_path / "packages"
    node = find_node()
    count = vendor_packages(folder, node, lambda _: None)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    folders = EvidenceFolders(tmp_path / "site")

    install_packages(folders, node, lambda _: None, folder)

    assert count > 800
    assert (folders.modules / "@evidence-dev/evidence/package.json").is_file()
    assert (folders.modules / "vite/bin/vite.js").is_file()


def _facts(folder: Path, **changed: str) -> None:
    folder.mkdir()
    facts = {"lock": packages_hash(), "system": vendored._system(), **changed}
    (folder / "vendored.json").write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder.mkdir(), "holds no packages of the dashboards"),
        (lambda folder: _facts(folder, lock="other"), "are for other versions"),
        (lambda folder: _facts(folder, system="plan9"), "are for another kind of machine"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    """Nobody finds out half-way through the build."""
    make(tmp_path / "packages")

    with pytest.raises(BadInputError) as caught:
        lock_of_vendored(tmp_path / "packages")

    assert reason in caught.value.reason


def test_a_folder_with_something_else_in_it_stays_as_it_is(tmp_path: Path) -> None:
    """A wrong argument deletes nothing."""
    (tmp_path / "mine.txt").write_text("x")

    with pytest.raises(BadInputError):
        vendor_packages(tmp_path, find_node(), lambda _: None)

    assert (tmp_path / "mine.txt").read_text() == "x"
