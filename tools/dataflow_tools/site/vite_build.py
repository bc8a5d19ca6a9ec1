"""The build tool: with the shell in seconds, without it in minutes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from dataflow_tools.site.node import ROOM_FOR_NEW
from dataflow_tools.site.preprocessed import PREPROCESSED, preprocessed_folder
from dataflow_tools.site.shell import MISSING, add_shell, prepare_shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow_tools.site.folders import EvidenceFolders
    from dataflow_tools.site.node import Node
    from dataflow_tools.site.site_folder import Site

_SECONDS_BETWEEN_REPORTS = 15.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run_vite(
    site: Site, folders: EvidenceFolders, node: Node, report: Callable[[str], None]
) -> str | None:
    """Build an assembled site into ``build`` below its template folder.

    Returns:
        What the build tool said if it failed.
    """
    shell = prepare_shell(site, folders, node, report)
    if shell is not None:
        report("Building the site ...")
        said = _run(site, folders, node, report, shell)
        if said is None:
            add_shell(shell, site.template / "build", site.base_path)
            return None
        if MISSING not in said:
            return said
    report("Building the site with all its libraries (minutes) ...")
    return _run(site, folders, node, report, None)


def _run(
    site: Site,
    folders: EvidenceFolders,
    node: Node,
    report: Callable[[str], None],
    shell: Path | None,
) -> str | None:
    shutil.rmtree(site.template / "build", ignore_errors=True)
    variables = {
        "EVIDENCE_IS_BUILDING": "true",
        "VITE_EVIDENCE_SPA": "true",
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} --max-old-space-size=4096".strip(),
        PREPROCESSED: str(preprocessed_folder(site, folders)),
        # An open page learns by it that there is another build.
        "DATAFLOW_SITE_VERSION": f"{site.fingerprint[:16]}-{time.time_ns()}",
    }
    options = ["--logLevel", "error"]
    if shell is not None:
        variables["DATAFLOW_SHELL"] = str(shell)
        options += ["--config", "vite.shell.config.js"]
    began = time.monotonic()
    log_file = site.template.parent.parent / "build.log"
    with log_file.open("w+", encoding="utf-8", errors="replace") as log:
        vite = str(folders.modules / "vite/bin/vite.js")
        command = (str(node.node), ROOM_FOR_NEW, vite, "build")
        with node.running(
            *(*command, *options),
            cwd=site.template,
            variables=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process:
            while True:
                try:
                    code = process.wait(timeout=_SECONDS_BETWEEN_REPORTS)
                    break
                except subprocess.TimeoutExpired:
                    report(f"... still building, {time.monotonic() - began:.0f} s")
        log.seek(0)
        said = _COLOURS.sub("", log.read())
    built = (site.template / "build" / "index.html").exists()
    return None if code == 0 and built else said or f"vite ended with exit code {code}"
