"""Building the static site: what its pages show is decided here, and drawn in the browser."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from dataflow.publish.descriptions import DESCRIPTIONS_TABLE
from dataflow.publish.folders import SiteFolders, workflow_folders
from dataflow.publish.manifest import forget_workflows, read_manifest
from dataflow.publish.parquet import FRESHNESS_TABLE
from dataflow.publish.published_files import published_file
from dataflow.shared.config import load_config
from dataflow.shared.errors import DataflowError
from dataflow_tools.dashboards.built import BrokenPagesError, SiteBuild
from dataflow_tools.dashboards.description import describe_workflow
from dataflow_tools.dashboards.outdated import publish_outdated
from dataflow_tools.dashboards.public import replace_public
from dataflow_tools.static_site.packages import collect_code, page_files
from dataflow_tools.static_site.page_spec import page_of
from dataflow_tools.static_site.table_shape import shape_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project

# Tables that the template's own pages derive from the one with all rows.
_DERIVED = ("_daily", "_latest", "_columns", "_groups")
_PAGE = "index.html"


def build_site(project: Project, report: Callable[[str], None]) -> SiteBuild:
    """Build a page for each workflow of a project that has published tables, and a list of all.

    The JavaScript is fetched first if it is not there, and workflows whose source queries are newer
    than what they published are published. New data needs no build: a page reads the manifest.

    Args:
        report: Told what is going on, line by line.

    Raises:
        BrokenPagesError: Some queries have errors; all else was built.
        MissingDependencyError: Mosaic is not installed.
        PackageFetchError: The JavaScript cannot be fetched.
    """
    began = time.perf_counter()
    folders = SiteFolders.of(project)
    with FileLock(folders.lock_file("build")):
        code = collect_code(folders, project.root, report)
        workflows = [path.name for path in workflow_folders(project)]
        # In a shared place, this machine need not be the one that has all workflows.
        if folders.target is None:
            forget_workflows(folders, set(workflows))
        outdated = publish_outdated(project, report)
        pages = [_page(project, folders, name) for name in workflows]
        draft = folders.base / "static_build"
        shutil.rmtree(draft, ignore_errors=True)
        _write(draft, project.root.name, pages, code)
        replace_public(draft, folders)
        shutil.rmtree(draft)
        # A workflow without a table to tell by has no page yet: its first run asks for a build.
        shown = [page["id"] for page in pages if page["tables"]]
        folders.build_record.write_text(json.dumps({"workflows": shown}), encoding="utf-8")
    urls = {name: [f"/{name}/"] for name in workflows}
    done = SiteBuild(folders.public, urls, time.perf_counter() - began)
    if outdated.faults:
        raise BrokenPagesError(done, outdated.faults)
    return done


def _page(project: Project, folders: SiteFolders, workflow_id: str) -> dict[str, Any]:
    import duckdb

    described = describe_workflow(project, workflow_id)
    names = read_manifest(folders).tables.get(workflow_id, [])
    files = {path.stem: path for path in (published_file(folders, name) for name in names)}
    keys = _primary_keys(project, workflow_id)
    tables = []
    with duckdb.connect() as connection:
        for name in sorted(_own_tables(set(files)), key=lambda name: name != described["table"]):
            shape = shape_of(connection, files[name], keys.get(name, []))
            if shape is not None:
                tables.append(page_of(name, shape))
    return {
        "id": workflow_id,
        "title": described["title"],
        "description": described["description"],
        "tables": tables,
    }


def _own_tables(names: set[str]) -> list[str]:
    derived = {f"{name}{ending}" for name in names for ending in _DERIVED}
    return sorted(names - derived - {FRESHNESS_TABLE, DESCRIPTIONS_TABLE})


def _primary_keys(project: Project, workflow_id: str) -> dict[str, list[str]]:
    try:
        config = load_config(workflow_id, project)
    except DataflowError:
        # A page is better than none where a key of the config is wrong; a run says what is.
        return {}
    loads = [config.get("load") or {}]
    loads += [
        {"table": name, **(source.get("load") or {})}
        for name, source in (config["ingestion"].get("sources") or {}).items()
    ]
    return {load["table"]: load.get("primary_key") or [] for load in loads if load.get("table")}


def _write(draft: Path, title: str, pages: list[dict[str, Any]], code: dict[str, Path]) -> None:
    own = {path.name: path for path in page_files().glob("*.js")}
    own |= {path.name: path for path in page_files().glob("*.css")}
    digest = hashlib.sha256()
    for name, path in sorted({**code, **own}.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    place = f"_app/immutable/{digest.hexdigest()[:16]}"
    (draft / place).mkdir(parents=True)
    for name, path in {**code, **own}.items():
        shutil.copyfile(path, draft / place / name)
    text = (page_files() / _PAGE).read_text(encoding="utf-8").replace("{code}", f"/{place}")
    (draft / _PAGE).write_text(text, encoding="utf-8")
    listed = []
    for page in pages:
        # Servers that know nothing of this site find a page where its address says.
        folder = draft / page["id"]
        folder.mkdir()
        (folder / _PAGE).write_text(text, encoding="utf-8")
        tables = page["tables"]
        (folder / "tables.json").write_text(json.dumps(tables), encoding="utf-8")
        first = tables[0]["name"] if tables else None
        listed.append({**{key: page[key] for key in page if key != "tables"}, "table": first})
    facts = {"title": title, "workflows": listed}
    (draft / "workflows.json").write_text(json.dumps(facts), encoding="utf-8")
