"""The shell: what all pages run on, made once for all sites of the same packages and settings.

It is Svelte, Evidence's components, its charts and its engine, in one file for browsers. With it a
build compiles what people wrote and nothing else. What it cannot do is done without it, as before.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow_tools.dashboards.public import compress
from dataflow_tools.site.node import ROOM_FOR_NEW
from dataflow_tools.site.npm_install import packages_hash
from dataflow_tools.site.site_config import CONFIG_NAME
from dataflow_tools.site.user_cache import cache_folder, link_or_copy, mark_used

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow_tools.site.folders import EvidenceFolders
    from dataflow_tools.site.node import Node
    from dataflow_tools.site.site_folder import Site

# What a page asked for that the shell has no name of; see shell_plugin.mjs.
MISSING = "shell: "
_MADE_BY = ("shell.mjs", "preprocess.mjs", "svelte.config.js", "tailwind.config.cjs")
_FACTS = "shell.json"
_PLACE = "_app/immutable/shell"


def prepare_shell(
    site: Site, folders: EvidenceFolders, node: Node, report: Callable[[str], None]
) -> Path | None:
    """The folder of the shell for a site; made if it is not there.

    Returns:
        Nothing if it could not be made; the report says why.
    """
    top = cache_folder(folders, "shells")
    folder = top / _key(site)
    with FileLock(top / f"{folder.name}.lock"):
        if (folder / _FACTS).is_file():
            mark_used(folder)
            return folder
        report("Preparing what all pages run on, once for all projects (half a minute) ...")
        draft = top / f"{folder.name}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            done = node.run(
                *(str(node.node), ROOM_FOR_NEW, "shell.mjs", str(draft)), cwd=site.template
            )
        except (OSError, subprocess.SubprocessError) as error:
            report(f"It could not be made, so that the build takes longer: {error}")
            return None
        if done.returncode != 0 or not (draft / _FACTS).is_file():
            words = " ".join(done.stderr.split())[:500]
            report(f"It could not be made, so that the build takes longer: {words}")
            return None
        compress(draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    return folder


def add_shell(shell: Path, built: Path, base_path: str) -> None:
    """Put the shell into a site that was built with it, and have its page ask for it at once."""
    facts = json.loads((shell / _FACTS).read_text(encoding="utf-8"))
    left_out = {_FACTS, f"{_FACTS}.gz", facts["css"], f"{facts['css']}.gz"}
    for path in shell.rglob("*"):
        name = path.relative_to(shell).as_posix()
        if path.is_file() and name not in left_out:
            link_or_copy(path, built / _PLACE / name)
    index = built / "index.html"
    link = f'<link rel="modulepreload" href="{base_path}/{_PLACE}/{facts["main"]}">'
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("</head>", f"{link}</head>", 1), encoding="utf-8")


def _key(site: Site) -> str:
    digest = hashlib.sha256(packages_hash().encode())
    config = site.template.parent.parent / CONFIG_NAME
    for path in (*(site.template / name for name in _MADE_BY), config):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]
