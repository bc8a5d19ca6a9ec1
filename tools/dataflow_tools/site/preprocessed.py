"""What was made of pages and components before: it is kept from one build to the next."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from dataflow_tools.site.npm_install import packages_hash
from dataflow_tools.site.site_config import CONFIG_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow_tools.site.folders import EvidenceFolders
    from dataflow_tools.site.site_folder import Site

# The variable by which Node's side is told of the folder: see svelte.config.js.
PREPROCESSED = "DATAFLOW_PREPROCESSED"
# Each edit of a page leaves two files.
_MOST_KEPT = 5_000


def preprocessed_folder(site: Site, folders: EvidenceFolders) -> Path:
    """Where what was made of pages and components is kept, till something beside them changes."""
    top = folders.base / "preprocessed"
    digest = hashlib.sha256(packages_hash().encode())
    for path in (*sorted(site.template.glob("*.*js")), site.template.parent.parent / CONFIG_NAME):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    components = (
        (site.template / "src").glob(f"{part}/**/*") for part in ("components", "dataflow")
    )
    names = sorted(
        path.relative_to(site.template).as_posix() for part in components for path in part
    )
    digest.update("\0".join(names).encode())
    folder = top / digest.hexdigest()[:24]
    if not folder.is_dir() or len(os.listdir(folder)) > _MOST_KEPT:  # noqa: PTH208
        shutil.rmtree(top, ignore_errors=True)
        folder.mkdir(parents=True)
    return folder
