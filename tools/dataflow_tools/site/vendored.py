"""The dashboards' packages in a folder, for machines that reach no registry."""

from __future__ import annotations

import base64
import json
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow_tools.site.npm_install import (
    WHAT_NPM_READS,
    install_with_npm,
    packages_hash,
    site_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow_tools.site.node import Node

_FACTS = "vendored.json"
_LOCK = "package-lock.json"


def vendor_packages(folder: Path, node: Node, report: Callable[[str], None]) -> int:
    """Fetch what the lock file asks for on this kind of machine, and put it into a folder.

    Returns:
        The number of packages.

    Raises:
        BadInputError: The folder holds something else.
        InstallError: npm failed; its own words are in the error.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / _FACTS).is_file():
        raise BadInputError(f"{folder} is not empty.", "Name a new or an empty folder.")
    with tempfile.TemporaryDirectory(prefix="dataflow-vendor-") as scratch:
        aside, cache = Path(scratch) / "site", Path(scratch) / "cache"
        aside.mkdir()
        for name in WHAT_NPM_READS:
            shutil.copyfile(site_files() / name, aside / name)
        # npm keeps each package under its hash, which the lock file names.
        install_with_npm(aside, node, report, "--cache", str(cache))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kept = set()
        for _, digest in _locked():
            algorithm, name = digest
            source = cache / "_cacache" / "content-v2" / algorithm / name[:2] / name[2:4] / name[4:]
            # What is for another kind of machine was not fetched.
            if source.is_file():
                shutil.copyfile(source, folder / f"{name}.tgz")
                kept.add(name)
    facts = {"lock": packages_hash(), "system": _system()}
    (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
    return len(kept)


def lock_of_vendored(folder: Path) -> str:
    """The lock file, with the files of a folder in place of the registry.

    Raises:
        BadInputError: It is no such folder, or one for other packages or another kind of machine.
    """
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{folder} holds no packages of the dashboards.",
            "Make it on a machine with a registry: dataflow evidence vendor FOLDER",
        ) from error
    wanted = {"lock": packages_hash(), "system": _system()}
    if facts != wanted:
        what = (
            "another kind of machine" if facts.get("lock") == wanted["lock"] else "other versions"
        )
        raise BadInputError(
            f"The packages in {folder} are for {what}.",
            "Make the folder anew, with this version on the same kind of machine.",
        )
    lock = json.loads((site_files() / _LOCK).read_text(encoding="utf-8"))
    for place, (_, name) in _locked():
        path = folder.resolve() / f"{name}.tgz"
        if path.is_file():
            lock["packages"][place]["resolved"] = f"file:{path.as_posix()}"
    return json.dumps(lock)


def _locked() -> list[tuple[str, tuple[str, str]]]:
    """Each place in the lock file with the hash of its package: the algorithm and the digits."""
    lock: dict[str, Any] = json.loads((site_files() / _LOCK).read_text(encoding="utf-8"))
    found = []
    for place, entry in lock["packages"].items():
        if integrity := entry.get("integrity"):
            algorithm, _, digest = integrity.split()[0].partition("-")
            found.append((place, (algorithm, base64.b64decode(digest).hex())))
    return found


def _system() -> str:
    return f"{sys.platform}-{platform.machine()}"
