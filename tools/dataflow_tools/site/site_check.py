"""Finding what is wrong in the pages before the site is built, file by file and line by line."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow_tools.site.site_folder import PageFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.site.node import Node
    from dataflow_tools.site.site_folder import Site


def check_site(
    project: Project, site: Site, node: Node, report: Callable[[str], None]
) -> list[PageFault]:
    """Compile every page and component alone, and have its queries read by the browser's engine.

    Queries are checked against the tables that are published; of a workflow that has published
    nothing yet, only the pages are checked. A page that fails because of a component has a fault
    too, so that the two can be left out of the site together.

    Args:
        project: The project.
        site: Its assembled site.
        node: The Node.js to run the check with.
        report: Told if the check itself could not be run; the build then finds the first fault.

    Returns:
        The faults, in the order of the files.
    """
    folders = SiteFolders.of(project)
    files = [*site.components, *site.pages]
    by_source = {str(file.source): file for file in files}
    request, answer = site.template / "check-request.json", site.template / "check-answer.json"
    request.write_text(json.dumps(_request(project, site, folders)), encoding="utf-8")
    answer.unlink(missing_ok=True)
    done = subprocess.run(
        [str(node.node), "check.mjs", request.name, answer.name],
        cwd=site.template,
        env=node.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(answer.read_text(encoding="utf-8"))["faults"]
    except (OSError, ValueError):
        words = " ".join(done.stderr.split())[:500]
        report(f"The pages could not be checked one by one: {words}")
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
    faults = _explain_users(project, site, faults)
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


def _explain_users(project: Project, site: Site, faults: list[PageFault]) -> list[PageFault]:
    """Have the pages that use a component with a fault say that it is the component's."""
    stopped = {fault.source: fault for fault in faults if fault.stops_build}
    explained = {(fault.source, fault.line, fault.message): fault for fault in faults}
    for component in site.components:
        fault = stopped.get(component.source)
        if fault is None:
            continue
        name = component.source.stem
        where = f"{project.relative(component.source)}, line {fault.line}"
        for page in site.pages:
            line = _first_use(page.source, name)
            if page.workflow_id == component.workflow_id and line:
                explained.pop((page.source, line, f"'{name}' is not defined"), None)
                message = f"<{name}> has an error ({where}): {fault.message}"
                found = PageFault(page.workflow_id, page.source, line, message)
                explained[page.source, line, message] = found
    return list(explained.values())


def _first_use(page: Path, component: str) -> int:
    use = re.compile(rf"<{re.escape(component)}(?![\w-])")
    lines = page.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if use.search(line)), 0)
