"""Finding what is wrong in the pages before the site is built, file by file and line by line."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

from dataflow.dashboards.folders import SiteFolders
from dataflow.dashboards.manifest import read_manifest
from dataflow.dashboards.site import PageFault

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.dashboards.node import Node
    from dataflow.dashboards.site import Site
    from dataflow.shared.project import Project

__all__ = ["check_site"]

_TIMEOUT_SECONDS = 600


def check_site(project: Project, site: Site, node: Node) -> list[PageFault]:
    """Compile every page and component alone, and have its queries read by the browser's engine.

    Queries are checked against the tables that are published; of a workflow that has published
    nothing yet, only the pages are checked. A page that fails because of a component has a fault
    too, so that the two can be left out of the site together.

    Args:
        project: The project.
        site: Its assembled site.
        node: The Node.js to run the check with.

    Returns:
        The faults, in the order of the files. None if the check itself could not be run: the
        build then finds what there is to find.
    """
    folders = SiteFolders.of(project)
    files = [*site.components, *site.pages]
    by_source = {str(file.source): file for file in files}
    request, answer = site.template / "check-request.json", site.template / "check-answer.json"
    request.write_text(json.dumps(_request(project, site, folders)), encoding="utf-8")
    try:
        subprocess.run(
            [str(node.node), "check.mjs", request.name, answer.name],
            cwd=site.template,
            env=node.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        found = json.loads(answer.read_text(encoding="utf-8"))["faults"]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    faults = [
        PageFault(
            by_source[item["source"]].workflow_id,
            by_source[item["source"]].source,
            item["line"],
            item["message"],
            item["stops_build"],
        )
        for item in found
    ]
    faults += _of_users(project, site, faults)
    return sorted(faults, key=lambda fault: (str(fault.source), fault.line))


def _request(project: Project, site: Site, folders: SiteFolders) -> dict[str, Any]:
    published = read_manifest(folders).tables
    workflows = sorted({page.workflow_id for page in site.pages} & set(published))
    tables = {
        name: {path.stem: str(path) for path in (folders.public / file for file in published[name])}
        for name in workflows
    }
    return {
        "files": [
            {"source": str(file.source), "target": file.target, "workflow": file.workflow_id}
            for file in (*site.components, *site.pages)
        ],
        "tables": tables,
        # A source query that was written after the last run has no table yet: not a fault.
        "awaited": {
            name: [
                path.stem
                for path in (project.workflow_dir(name) / "evidence" / "sources").glob("*.sql")
                if path.stem not in tables[name]
            ]
            for name in workflows
        },
    }


def _of_users(project: Project, site: Site, faults: list[PageFault]) -> list[PageFault]:
    """The faults of the pages that use a component with a fault."""
    broken = {fault.source: fault for fault in faults if fault.stops_build}
    found = []
    for component in site.components:
        fault = broken.get(component.source)
        if fault is None:
            continue
        where = f"{project.relative(component.source)}, line {fault.line}"
        for page in site.pages:
            if page.workflow_id != component.workflow_id or page.source in broken:
                continue
            line = _first_use(page.source, component.source.stem)
            if line:
                message = f"<{component.source.stem}> has an error ({where}): {fault.message}"
                found.append(PageFault(page.workflow_id, page.source, line, message))
    return found


def _first_use(page: Path, component: str) -> int:
    use = re.compile(rf"<{re.escape(component)}(?![\w-])")
    lines = page.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if use.search(line)), 0)
