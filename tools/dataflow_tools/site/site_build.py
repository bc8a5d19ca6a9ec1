"""Building the dashboard site, so that one folder can be served or copied to a static host."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from dataflow.publish.folders import workflow_folders
from dataflow.publish.manifest import forget_workflows, read_manifest
from dataflow.shared.errors import DataflowError
from dataflow.shared.finding import Finding, Severity
from dataflow_tools.dashboards.built import BrokenPagesError, SiteBuild
from dataflow_tools.dashboards.outdated import publish_outdated
from dataflow_tools.dashboards.public import replace_public
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.node import find_node
from dataflow_tools.site.packages import install_packages
from dataflow_tools.site.site_check import check_site
from dataflow_tools.site.site_folder import assemble_site, broken_sources, workflow_of
from dataflow_tools.site.vite_build import run_vite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.site.node import Node
    from dataflow_tools.site.site_folder import Site

_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")
_PAGE_IN_LOG = re.compile(r"src/(?:pages|components)/[^\s:'\"?]+")


class SiteBuildError(DataflowError):
    """The site could not be built; what was built before is still there.

    Why: A page of Evidence, or one of its queries, does not compile. One broken page fails a
    whole build, which is why it is made aside: the site that people see is the old one.

    What to do: Fix the page that is named; `dataflow evidence dev` shows it at each save.
    """


def build_site(
    project: Project, report: Callable[[str], None], vendored: Path | None = None
) -> SiteBuild:
    """Build the dashboards of all workflows of a project.

    Packages are installed first if they are not, and workflows whose source queries are newer than
    what they published, or whose state was deleted, are published. The new site replaces the old
    one only when it is whole, and the old one is served until then. Nothing is done when no page
    changed since the last build: new data needs no build.

    Args:
        report: Told what is going on, line by line.
        vendored: A folder with the packages, made by ``dataflow evidence vendor``.

    Raises:
        BrokenPagesError: Some pages or queries have errors; all else was built.
        SiteBuildError: Nothing was built.
        MissingDependencyError: There is no Node.js.
    """
    began = time.perf_counter()
    folders = EvidenceFolders.of(project)
    node = find_node()
    lock = FileLock(folders.lock_file("build"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report("Another build of this project is going on; waiting for it ...")
        lock.acquire()
    try:
        install_packages(folders, node, report, vendored)
        # In a shared place, this machine need not be the one that has all workflows.
        if folders.target is None:
            forget_workflows(folders, {path.name for path in workflow_folders(project)})
        outdated = publish_outdated(project, report)
        site = assemble_site(project, "build")
        findings, unchanged = _build_if_changed(project, site, node, report)
    finally:
        lock.release()
    pages: dict[str, list[str]] = {}
    for page in site.pages:
        pages.setdefault(page.workflow_id, []).append(page.url)
    seconds = time.perf_counter() - began
    done = SiteBuild(folders.public, pages, seconds, unchanged, findings)
    if lines := [*outdated.faults, *_as_lines(project, findings)]:
        raise BrokenPagesError(done, lines)
    return done


def _build_if_changed(
    project: Project, site: Site, node: Node, report: Callable[[str], None]
) -> tuple[list[Finding], bool]:
    """What is wrong with the site, and whether the last build was still good."""
    folders = EvidenceFolders.of(project)
    record = folders.build_record
    wanted = _wanted(site, folders)
    last = _read_json(record) if (folders.public / "index.html").exists() else {}
    unchanged = "findings" in last and {name: last.get(name) for name in wanted} == wanted
    checked: list[Finding] = []
    if not unchanged or last["checked"]:
        report(f"Checking {len(site.pages)} pages ...")
        checked = check_site(project, site, node, report)
        unchanged = unchanged and last["checked"] == _as_lines(project, checked)
    if unchanged:
        report("No page changed since the last build.")
        record.touch()
        kept = [Finding(**item) for item in last["findings"]]
        return [replace(f, severity=Severity(f.severity)) for f in kept], True
    record.unlink(missing_ok=True)
    findings = _build(project, checked, node, report)
    replace_public(folders.template("build") / "build", folders)
    workflows = sorted({page.workflow_id for page in site.pages if page.workflow_id})
    content = {
        **wanted,
        "workflows": workflows,
        "base_path": site.base_path,
        "checked": _as_lines(project, checked),
        "findings": [asdict(finding) for finding in findings],
    }
    record.write_text(json.dumps(content), encoding="utf-8")
    return findings, False


def _as_lines(project: Project, findings: list[Finding]) -> list[str]:
    places = [
        (f"{workflow_of(project, f)}: " if workflow_of(project, f) else "", f) for f in findings
    ]
    return [f"{whose}{f.file}, line {f.line}: {f.reason}" for whose, f in places]


def _wanted(site: Site, folders: EvidenceFolders) -> dict[str, Any]:
    # Queries are checked against the published tables, so a new table asks for a new check.
    tables = {
        name: sorted(path.rsplit("/", 1)[-1] for path in paths)
        for name, paths in read_manifest(folders).tables.items()
    }
    return {"site": site.fingerprint, "tables": tables}


def _build(
    project: Project, findings: list[Finding], node: Node, report: Callable[[str], None]
) -> list[Finding]:
    """Build, leaving out what is broken; what only the build finds is left out the next time."""
    while True:
        site = assemble_site(project, "build", findings)
        log = run_vite(site, EvidenceFolders.of(project), node, report)
        if log is None:
            return findings
        found = _finding_in_log(project, site, log, findings)
        if found is None:
            (site.template.parent.parent / "build.log").write_text(log, encoding="utf-8")
            tail = "\n".join(line for line in log.splitlines() if line.strip())[-2000:]
            raise SiteBuildError(
                f"The dashboards could not be built:\n{tail}",
                "Fix what it names. What was built before is still there.",
            )
        findings = [*findings, found]
        report(f"{_as_lines(project, [found])[0]}; building without it.")


def _finding_in_log(project: Project, site: Site, log: str, known: list[Finding]) -> Finding | None:
    """The page or component that the build tool names as its reason to stop."""
    broken = broken_sources(project, known)
    files = {file.target: file for file in (*site.pages, *site.components)}
    for said in log.splitlines():
        for name in _PAGE_IN_LOG.findall(said):
            file = files.get(name)
            if file is not None and file.source not in broken:
                message = said.strip().replace(name, file.source.name)
                line = _line_of(file.source, message)
                return Finding(message, file=project.relative(file.source), line=line)
    return None


def _line_of(source: Path, message: str) -> int:
    """The first line with something that the message quotes, such as a file that is not there."""
    quoted = [word for word in _QUOTED.findall(message) if word != source.name]
    lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    found = (n for n, line in enumerate(lines, 1) if any(word in line for word in quoted))
    return next(found, 1)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
