"""The lock file of the dashboards' packages, and npm, which installs what it asks for.

The lock file is made with ``npm install --package-lock-only`` in an empty folder that holds
``package.json`` and ``.npmrc``; the entries ``funding`` are taken out of it, and by
``.ci/prune_site_lock.py`` a third of the packages, with which nobody builds a site. It names no
host, so that npm asks whichever registry the person's own settings name.
"""

from __future__ import annotations

import hashlib
import threading
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow_tools.site.node import Node

WHAT_NPM_READS = ("package.json", "package-lock.json", ".npmrc")
_SECONDS_BETWEEN_REPORTS = 10.0


class InstallError(DataflowError):
    """npm could not install the packages of the dashboard site.

    Why: Dashboards are built with packages of npm's, which are fetched once for all projects of
    a user. The registry cannot be reached, a proxy is in between, or Node is too old.

    What to do: `npm config get registry` and HTTPS_PROXY say where npm asks. Where there is no
    registry: `dataflow evidence vendor` elsewhere, or `dashboard = "static"`, which needs no
    Node.
    """


def site_files() -> Path:
    """The folder of this library's own files of the generated site."""
    return Path(str(files("dataflow_tools.site"))) / "site_files"


def packages_hash() -> str:
    """A name for the set of packages that the lock file asks for."""
    content = b"\0".join((site_files() / name).read_bytes() for name in WHAT_NPM_READS)
    return hashlib.sha256(content).hexdigest()


def install_with_npm(
    folder: Path, node: Node, report: Callable[[str], None], *options: str
) -> None:
    """Run ``npm ci`` in a folder.

    Raises:
        InstallError: It failed; its own words are in the error.
    """
    ended = threading.Event()

    def reassure() -> None:
        while not ended.wait(_SECONDS_BETWEEN_REPORTS):
            report("... still installing")

    threading.Thread(target=reassure, daemon=True).start()
    try:
        # npm takes what is in its cache without asking the registry whether it is still the same.
        usual = ("--prefer-offline", "--no-progress", "--loglevel=error")
        done = node.run(*node.npm, "ci", *usual, *options, cwd=folder)
    finally:
        ended.set()
    if done.returncode != 0:
        said = [line.removeprefix("npm error ") for line in done.stderr.splitlines()]
        words = "\n".join(line for line in said if line.strip())[-1500:]
        raise InstallError(
            f"npm could not install the dashboards' packages in {folder}:\n{words}",
            "Check that npm reaches its registry (npm config get registry; HTTPS_PROXY behind a "
            "proxy), then build again. Without a registry: `dataflow evidence vendor` on a machine "
            "that has one, then `dataflow evidence build --packages FOLDER`.",
        )
