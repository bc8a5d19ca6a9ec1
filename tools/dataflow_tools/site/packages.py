"""Node's packages for the dashboard site: installed once per user and lock file."""

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
from dataflow_tools.site.user_cache import cache_folder, link_folder, mark_used
from dataflow_tools.site.vendored import lock_of_vendored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow_tools.site.folders import EvidenceFolders
    from dataflow_tools.site.node import Node

_STAMP = ".dataflow-lock"


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
    stamp = folders.modules / _STAMP
    wanted = packages_hash()
    with FileLock(folders.lock_file("install")):
        for name in WHAT_NPM_READS:
            shutil.copyfile(site_files() / name, folders.base / name)
        if _read(stamp) == wanted:
            return
        shared = cache_folder(folders, "packages") / wanted[:24]
        _install_shared(shared, node, report, vendored)
        if folders.modules.is_symlink():
            folders.modules.unlink()
        elif folders.modules.exists():
            # As every project had it once.
            shutil.rmtree(folders.modules)
        link_folder(folders.modules, shared / "node_modules")


def _install_shared(
    shared: Path, node: Node, report: Callable[[str], None], vendored: Path | None
) -> None:
    stamp = shared / "node_modules" / _STAMP
    wanted = packages_hash()
    with FileLock(shared.with_suffix(".lock")):
        if _read(stamp) == wanted:
            mark_used(shared)
            return
        shared.mkdir(exist_ok=True)
        for name in WHAT_NPM_READS:
            shutil.copyfile(site_files() / name, shared / name)
        options: tuple[str, ...] = ()
        if vendored is not None:
            lock = lock_of_vendored(vendored)
            (shared / "package-lock.json").write_text(lock, encoding="utf-8")
            options = ("--offline",)
        report("Installing the dashboards' packages, once for all projects (460 MB, a minute) ...")
        install_with_npm(shared, node, report, *options)
        stamp.write_text(wanted, encoding="utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
