"""Node's packages for the dashboard site: installed once per project and lock file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow_tools.site.npm_install import (
    WHAT_NPM_READS,
    install_with_npm,
    packages_hash,
    site_files,
)
from dataflow_tools.site.vendored import lock_of_vendored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow_tools.site.folders import EvidenceFolders
    from dataflow_tools.site.node import Node


def install_packages(
    folders: EvidenceFolders,
    node: Node,
    report: Callable[[str], None],
    vendored: Path | None = None,
) -> None:
    """Have ``node_modules`` hold what the lock file asks for; do nothing if it does.

    Args:
        vendored: A folder made by ``dataflow evidence vendor``, to be asked and no registry.

    Raises:
        InstallError: npm failed; its own words are in the error.
        BadInputError: The folder is not one for these packages and this machine.
    """
    stamp = folders.modules / ".dataflow-lock"
    wanted = packages_hash()
    with FileLock(folders.lock_file("install")):
        for name in WHAT_NPM_READS:
            shutil.copyfile(site_files() / name, folders.base / name)
        if _read(stamp) == wanted:
            return
        options: tuple[str, ...] = ()
        if vendored is not None:
            lock = lock_of_vendored(vendored)
            (folders.base / "package-lock.json").write_text(lock, encoding="utf-8")
            options = ("--offline",)
        report("Installing the dashboards' packages, once per project (about 600 MB, a minute) ...")
        install_with_npm(folders.base, node, report, *options)
        stamp.write_text(wanted, encoding="utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
