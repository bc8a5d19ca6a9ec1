"""Finding what is wrong in the pages before the site is built, file by file and line by line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.publish.descriptions import DESCRIPTIONS_TABLE
from dataflow.publish.folders import SiteFolders, source_queries, workflow_folders
from dataflow.publish.manifest import read_manifest
from dataflow.publish.parquet import FRESHNESS_TABLE
from dataflow.publish.published_files import published_file
from dataflow.shared.finding import Finding, Severity
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.kept_answers import KeptAnswers
from dataflow_tools.site.page_datasets import dataset_faults, find_datasets
from dataflow_tools.site.page_text import Origin
from dataflow_tools.site.preprocessed import PREPROCESSED, preprocessed_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.shared.project import Project
    from dataflow_tools.site.node import Node
    from dataflow_tools.site.site_folder import Site


def check_site(
    project: Project, site: Site, node: Node, report: Callable[[str], None]
) -> list[Finding]:
    """Compile every page and component alone, and have its queries read by the browser's engine.

    Queries are checked against the tables that are published; of a workflow that has published
    nothing yet, only the pages are checked. A page that fails because of a component has a finding
    too, so that the two can be left out of the site together.

    Args:
        report: Told if the check itself could not be run; the build then finds the first fault.

    Returns:
        What is wrong, in the order of the files: an error if the page cannot be shown, a warning
        if only one of its queries cannot.
    """
    folders = EvidenceFolders.of(project)
    kept = KeptAnswers.of(
        preprocessed_folder(site, folders), site, _request(project, site, folders)
    )
    if kept.unknown["files"]:
        words = _ask(site, node, kept)
        if words is not None:
            report(f"The pages could not be checked one by one: {words}")
            return site.faults
    findings = [*site.faults, *(_finding(project, site, item) for item in kept.faults())]
    findings += _dataset_findings(project, site, folders)
    return sorted(_explained(project, site, findings), key=lambda f: (f.file, f.line))


def _ask(site: Site, node: Node, kept: KeptAnswers) -> str | None:
    """Have Node check what is not known yet; return what it said if it could not."""
    request, answer = site.template / "check-request.json", site.template / "check-answer.json"
    request.write_text(json.dumps(kept.unknown), encoding="utf-8")
    answer.unlink(missing_ok=True)
    # The build has then nothing of this to do again.
    variables = {PREPROCESSED: str(kept.folder)}
    command = (str(node.node), "check.mjs", request.name, answer.name)
    done = node.run(*command, cwd=site.template, variables=variables)
    try:
        kept.add(json.loads(answer.read_text(encoding="utf-8"))["faults"])
    except (OSError, ValueError):
        return " ".join(done.stderr.split())[:500]
    return None


def _finding(project: Project, site: Site, item: dict[str, Any]) -> Finding:
    text = site.texts.get(item["target"])
    origin = text.origin(item["line"]) if text else Origin(item["line"])
    place = f"{origin.place}: " if origin.place else ""
    return Finding(
        f"{place}{item['message']}",
        file=project.relative(Path(item["source"])),
        line=origin.line,
        severity=Severity.ERROR if item["stops_build"] else Severity.WARNING,
    )


def _request(project: Project, site: Site, folders: SiteFolders) -> dict[str, Any]:
    published = read_manifest(folders).tables
    workflows = sorted({folder.name for folder in workflow_folders(project)} & set(published))
    tables = {
        name: {
            path.stem: str(path)
            for path in (published_file(folders, file) for file in published[name])
        }
        for name in workflows
    }
    return {
        "files": [
            {"source": str(file.source), "target": file.target, "workflow": file.workflow_id}
            for file in (*site.components, *site.pages)
        ],
        # Also of those that are not asked for, since a component may be an input.
        "components": [file.target for file in site.components],
        "tables": tables,
        # A source query that was written after the last run has no table yet: not a fault.
        "awaited": {
            name: [
                path.stem
                for path in (project.workflow_dir(name) / "evidence" / "sources").glob("*.sql")
                if path.stem not in tables.get(name, {})
            ]
            for name in (folder.name for folder in workflow_folders(project))
        },
    }


def _dataset_findings(project: Project, site: Site, folders: SiteFolders) -> list[Finding]:
    """What the site's components are told of tables and columns that are not published."""
    import duckdb

    published, findings = read_manifest(folders).tables, []
    with duckdb.connect() as connection:
        for page in site.pages:
            text = site.texts.get(page.target)
            datasets = find_datasets(text.text) if text and page.workflow_id in published else []
            if text is None or not datasets:
                continue
            awaited = source_queries(project, page.workflow_id)
            files = (published_file(folders, file) for file in published[page.workflow_id])
            tables = {
                path.stem: connection.read_parquet(str(path)).columns
                for path in files
                if path.stem not in (FRESHNESS_TABLE, DESCRIPTIONS_TABLE)
            }
            # A source query that was written after the last run has no table yet: not a fault.
            datasets = [
                each
                for each in datasets
                if each.table.name in tables or each.table.name not in awaited
            ]
            new = [name for name in awaited if name not in tables]
            for fault in dataset_faults(datasets, tables, new):
                origin = text.origin(fault.line)
                place = f"{origin.place}: " if origin.place else ""
                file = project.relative(page.source)
                reason = f"{place}{fault.reason}"
                findings.append(Finding(reason, "", file, origin.line, Severity.WARNING))
    return findings


def _explained(project: Project, site: Site, findings: list[Finding]) -> list[Finding]:
    """Have the pages that use a component with an error say that it is the component's."""
    errors = {finding.file: finding for finding in findings if finding.severity is Severity.ERROR}
    explained = {(finding.file, finding.line, finding.reason): finding for finding in findings}
    for component in site.components:
        error = errors.get(project.relative(component.source))
        if error is None:
            continue
        name = component.source.stem
        for page in site.pages:
            line = _first_use(page.source, name)
            if component.workflow_id in ("", page.workflow_id) and line:
                file = project.relative(page.source)
                explained.pop((file, line, f"'{name}' is not defined"), None)
                reason = f"<{name}> has an error ({error.file}, line {error.line}): {error.reason}"
                explained[file, line, reason] = Finding(reason, file=file, line=line)
    return list(explained.values())


def _first_use(page: Path, component: str) -> int:
    use = re.compile(rf"<{re.escape(component)}(?![\w-])")
    lines = page.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if use.search(line)), 0)
