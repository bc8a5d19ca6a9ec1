"""The generated site: the pages and components of project and workflows, put together for Evidence.

Files are copied, not linked: a build then sees one moment of them, Windows needs no privilege,
and a page with an error can be replaced without touching what its author wrote.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.finding import Finding, Severity
from dataflow_tools.dashboards.description import describe_workflow
from dataflow_tools.inspection.countries import countries_file
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.npm_install import packages_hash, site_files
from dataflow_tools.site.page_files import find_page_files
from dataflow_tools.site.page_text import page_text
from dataflow_tools.site.site_config import CONFIG_NAME, read_site_config
from dataflow_tools.site.user_cache import link_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.site.page_files import SitePage
    from dataflow_tools.site.page_text import PageText
    from dataflow_tools.site.site_config import SiteConfig

_TEMPLATE = ".evidence/template"
# Evidence's own pages for settings and exploring write files or only work while developing.
_LEFT_OUT = ("src/pages/settings", "src/pages/explore", "src/pages/+page.md")
# What the tools themselves make inside the generated site.
_MADE_BY_TOOLS = (
    "node_modules",
    f"{_TEMPLATE}/.svelte-kit",
    f"{_TEMPLATE}/build",
    f"{_TEMPLATE}/static/data",
)


@dataclass(frozen=True)
class Site:
    """An assembled site: the build tool's folder in it, and what people put there.

    Two sites with the same content have the same fingerprint.

    Args:
        base_path: The path that it stands under on its host; empty for none.
        texts: Of each page, by its target, its text and where that was written.
        faults: What is wrong before anything is compiled.
    """

    template: Path
    pages: list[SitePage] = field(default_factory=list)
    components: list[SitePage] = field(default_factory=list)
    fingerprint: str = ""
    base_path: str = ""
    texts: dict[str, PageText] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)


def assemble_site(project: Project, use: str, findings: Sequence[Finding] = ()) -> Site:
    """Bring the generated site of one use up to date; write only what changed.

    Args:
        use: ``build`` or ``dev``: each has a site of its own, so that they do not meet.
        findings: What is known to be wrong: a page with an error is replaced by one that says so.

    Raises:
        DuplicatePageError: Two files would be the same page, component or other thing.
        BadInputError: The project's own ``evidence.config.yaml`` has a fault.
    """
    folders = EvidenceFolders.of(project)
    config = read_site_config(project)
    files = find_page_files(project)
    texts = {page.target: page_text(project, page, files) for page in files.pages}
    faults = [fault for text in texts.values() for fault in text.faults]
    findings = [*faults, *(finding for finding in findings if finding not in faults)]
    broken = broken_sources(project, findings)
    contents: dict[str, bytes] = {}
    for name, path in _own_files(folders).items():
        contents[f"{_TEMPLATE}/{name}"] = path.read_bytes()
    for asset in files.assets:
        contents[f"{_TEMPLATE}/{asset.target}"] = asset.source.read_bytes()
    for component in files.components:
        if component.source not in broken:
            contents[f"{_TEMPLATE}/{component.target}"] = component.source.read_bytes()
    for owner, queries in files.queries.items():
        for name, path in queries.items():
            contents[f"{_TEMPLATE}/queries/{owner}/{name}"] = path.read_bytes()
    for page in files.pages:
        text = texts[page.target].text.encode("utf-8", "surrogateescape")
        text = _error_page(page) if page.source in broken else text
        contents[f"{_TEMPLATE}/{page.target}"] = text
        contents[_listed_name(page)] = text
    facts = json.dumps(_facts(project, config, files.pages, findings), indent=1)
    contents[f"{_TEMPLATE}/src/dataflow/site.json"] = facts.encode()
    # JSON, which is YAML: Evidence's reader changes names that begin with @ where they are bare.
    contents[CONFIG_NAME] = json.dumps(config.evidence, indent=1).encode()
    root = folders.base / use
    _synchronise(root, contents)
    link_folder(root / "node_modules", folders.modules)
    return Site(
        folders.template(use),
        files.pages,
        files.components,
        _fingerprint(contents),
        config.base_path,
        texts,
        faults,
    )


def _own_files(folders: EvidenceFolders) -> dict[str, Path]:
    """Evidence's template with our files over it."""
    found = {}
    for top in (folders.modules / "@evidence-dev" / "evidence" / "template", _overlay()):
        for path in top.rglob("*"):
            name = path.relative_to(top).as_posix()
            if path.is_file() and (top == _overlay() or not name.startswith(_LEFT_OUT)):
                found[name] = path
    # The maps know the same countries as those who look at data.
    found["src/dataflow/countries.csv"] = countries_file()
    return found


def _overlay() -> Path:
    return site_files() / "template"


def _listed_name(page: SitePage) -> str:
    """Where Evidence looks for the names of all pages."""
    inner = page.target.removeprefix("src/pages/").removesuffix("+page.md")
    return f"pages/{inner}index.md"


def broken_sources(project: Project, findings: Iterable[Finding]) -> set[Path]:
    """The pages and components that cannot be shown; a warning is about one query of a page."""
    return {project.root / f.file for f in findings if f.severity is Severity.ERROR}


def workflow_of(project: Project, finding: Finding) -> str:
    """The workflow in whose page or component something was found; empty for the project's own."""
    path = project.root / finding.file
    if not path.is_relative_to(project.workflows_dir):
        return ""
    return path.relative_to(project.workflows_dir).parts[0]


def _facts(
    project: Project, config: SiteConfig, pages: list[SitePage], findings: Sequence[Finding]
) -> dict[str, Any]:
    by_source: dict[Path, list[dict[str, Any]]] = {}
    for finding in findings:
        shown = {
            "file": finding.file,
            "line": finding.line,
            "message": finding.reason,
            "stops_build": finding.severity is Severity.ERROR,
        }
        by_source.setdefault(project.root / finding.file, []).append(shown)
    broken = {workflow_of(project, finding) for finding in findings}
    return {
        "layout": {"title": project.root.name, **config.layout},
        "workflows": [
            {"id": name, **describe_workflow(project, name), "fault": name in broken}
            for name in sorted({page.workflow_id for page in pages if page.workflow_id})
        ],
        "faults": {
            page.route: by_source[page.source] for page in pages if page.source in by_source
        },
    }


def _error_page(page: SitePage) -> bytes:
    up = "../" * (page.target.count("/") - 1)
    title = page.url.rstrip("/").rpartition("/")[2].replace("_", " ").capitalize() or "Dashboards"
    return (
        f"---\ntitle: {json.dumps(title)}\n---\n\n<script>\n"
        f"\timport PageError from '{up}dataflow/PageError.svelte';\n</script>\n\n<PageError />\n"
    ).encode()


def _synchronise(root: Path, contents: dict[str, bytes]) -> None:
    kept = tuple(f"{name}/" for name in _MADE_BY_TOOLS)
    for folder, subfolders, names in os.walk(root):
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if inner == "." else f"{inner}/"
        subfolders[:] = [name for name in subfolders if f"{prefix}{name}/" not in kept]
        for name in names:
            if f"{prefix}{name}" not in contents and f"{prefix}{name}/" not in kept:
                (root / prefix / name).unlink()
    for name, content in contents.items():
        path = root / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    _remove_empty_folders(root, kept)


def _remove_empty_folders(root: Path, kept: tuple[str, ...]) -> None:
    for folder, _, _ in os.walk(root, topdown=False):
        inner = os.path.relpath(folder, root).replace(os.sep, "/") + "/"
        if inner != "./" and not inner.startswith(kept) and not os.listdir(folder):  # noqa: PTH208
            shutil.rmtree(folder, ignore_errors=True)


def _fingerprint(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256(packages_hash().encode())
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()
