"""Editing dashboards with hot reload."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from dataflow.publish.folders import project_pages_folder, workflow_folders
from dataflow.publish.published_files import copy_published
from dataflow.service.web_access import WebAccess
from dataflow.service.web_server import listen
from dataflow.shared.errors import DataflowError
from dataflow_tools.dashboards.outdated import publish_outdated
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.node import find_node
from dataflow_tools.site.packages import install_packages
from dataflow_tools.site.site_folder import assemble_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from dataflow.shared.project import Project

_SECONDS_BETWEEN_LOOKS = 0.4
# Node's packages lie outside the folder that vite serves; only the first setting lets it.
_ENVIRONMENT = {"NODE_ENV": "development", "VITE_EVIDENCE_SPA": "true"}


class DevServerError(DataflowError):
    """The development server ended by itself."""


def develop_site(
    project: Project,
    host: str,
    port: int,
    report: Callable[[str], None] = print,
    vendored: Path | None = None,
) -> None:
    """Serve a project's pages as they are edited, until interrupted.

    What is saved in a workflow's ``evidence`` folder shows in the browser by itself; workflows
    may come and go meanwhile. The data is what the last runs published; a source query that is
    edited is run again.

    It takes over SIGTERM meanwhile, so it is called from a program's main thread.

    Args:
        vendored: A folder with the packages, made by ``dataflow evidence vendor``.

    Raises:
        PortInUseError: Another program listens there.
        DevServerError: The server ended with an error.
        MissingDependencyError: There is no Node.js.
    """
    folders = EvidenceFolders.of(project)
    node = find_node()
    listen(host, port).close()
    install_packages(folders, node, report, vendored)
    publish_outdated(project, report)
    site = assemble_site(project, "dev")
    _show_published(site.template, folders)
    before = signal.signal(signal.SIGTERM, _end)
    command = (str(node.node), str(folders.modules / "vite/bin/vite.js"), "dev")
    options = ("--host", host, "--port", str(port), "--strictPort", "--clearScreen=false")
    config = ("--config", "vite.dataflow.config.js")
    names = WebAccess.to(host, project.settings).names
    variables = {**_ENVIRONMENT, "DATAFLOW_DEV_HOSTS": ",".join(sorted(names))}
    try:
        with node.running(
            *(*command, *options, *config), cwd=site.template, variables=variables
        ) as process:
            address = f"http://{host}:{port}{site.base_path}"
            report(f"Opening takes half a minute the first time: {address}")
            _follow(project, process, report)
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)
    raise DevServerError(
        f"The development server ended with exit code {process.returncode}.",
        "What it printed above says why.",
    )


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise SystemExit(128 + number)


def _follow(
    project: Project, process: subprocess.Popen[bytes], report: Callable[[str], None]
) -> None:
    """Carry what people save into the generated site, for as long as the server runs."""
    seen = _stamp(project)
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_SECONDS_BETWEEN_LOOKS)
        now = _stamp(project)
        if now == seen:
            continue
        seen = now
        try:
            # Before the pages, which may ask for what is new in the data.
            publish_outdated(project, report)
            assemble_site(project, "dev")
        except DataflowError as error:
            report(str(error))
        except FileNotFoundError:
            # An editor replaced a file while it was being read: look again.
            seen = {}


def _stamp(project: Project) -> dict[str, tuple[int, int]]:
    """What changes whenever a file is saved, made or deleted."""
    stamp = {}
    folders = workflow_folders(project)
    tops = [project_pages_folder(project), *(folder / "evidence" for folder in folders)]
    below = chain.from_iterable(top.rglob("*") for top in tops)
    for path in chain((folder / "config.yaml" for folder in folders), below):
        with suppress(FileNotFoundError):
            facts = path.stat()
            stamp[str(path)] = (facts.st_mtime_ns, facts.st_size)
    return stamp


def _show_published(template: Path, folders: EvidenceFolders) -> None:
    """Have the development server serve the published data under ``/data``."""
    folders.data.mkdir(parents=True, exist_ok=True)
    copy_published(folders)
    link = template / "static" / "data"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(folders.data, link.parent), target_is_directory=True)
