"""What people write for the dashboards: the files of each workflow and those of the project.

The project's own ``evidence`` folder has the same parts as a workflow's, except for sources: its
pages lie beside the workflows', and its components, partials and queries are everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.publish.folders import project_pages_folder, workflow_folders
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

# No workflow can be called so, since its id is an identifier.
PROJECT_WIDE = "project-wide"
# The site answers these by itself; `fonts` and others are Evidence's.
_TAKEN_PATHS = ("_app", "api", "data", "explore", "fonts", "settings")
_TAKEN_FILES = ("index.html", "manifest.webmanifest", "fix-tprotocol-service-worker.js")


class DuplicatePageError(DataflowError):
    """Two files want to be the same thing on the site."""


@dataclass(frozen=True)
class SitePage:
    """A page, a component or another file, and where it lies in the generated site.

    Args:
        workflow_id: Whose it is; empty if it is the project's.
        source: The file that a person edits.
        target: Its copy, relative to Evidence's template folder.
        url: The page's path on the site; empty for all else.
    """

    workflow_id: str
    source: Path
    target: str
    url: str = ""

    @property
    def route(self) -> str:
        """The page's route as SvelteKit names it."""
        return "/" + self.target.removeprefix("src/pages").removesuffix("+page.md").strip("/")


@dataclass(frozen=True)
class PageFiles:
    """All files that people wrote for the site.

    Args:
        assets: What is copied as it is: images, scripts, styles, static files.
        partials: By workflow (`PROJECT_WIDE` for the project) and name.
        queries: Files that pages name in their head under ``queries``; as partials.
    """

    pages: list[SitePage] = field(default_factory=list)
    components: list[SitePage] = field(default_factory=list)
    assets: list[SitePage] = field(default_factory=list)
    partials: dict[str, dict[str, Path]] = field(default_factory=dict)
    queries: dict[str, dict[str, Path]] = field(default_factory=dict)


def find_page_files(project: Project) -> PageFiles:
    """Find what people wrote for the site, in order of the workflows' names.

    Raises:
        DuplicatePageError: Two files would be the same page, component, partial, query or static
            file, or one would stand where the site has something already.
    """
    found = PageFiles()
    places = [(folder.name, folder / "evidence") for folder in workflow_folders(project)]
    for name, top in (("", project_pages_folder(project)), *places):
        _find_in(top, name, found)
    _refuse_taken(project, found, {name for name, _ in places})
    _refuse_twins(project, {page: page.target for page in found.pages})
    _refuse_twins(project, {item: item.target for item in found.assets})
    # To Evidence a component has a name, and no folder; the project's are seen by all workflows.
    for name in [name for name, _ in places]:
        seen = [item for item in found.components if item.workflow_id in ("", name)]
        _refuse_twins(project, {item: item.source.name for item in seen})
    _refuse_shared(project, found)
    return found


def _find_in(top: Path, name: str, found: PageFiles) -> None:
    base = f"{name}/" if name else ""
    for path, inner in _visible_files(top / "pages"):
        if path.suffix == ".md":
            place = inner.removesuffix(".md")
            place = "" if place == "index" else place.removesuffix("/index")
            url = "/" + "/".join(part for part in (name, place) if part)
            url = url if url == "/" else f"{url}/"
            found.pages.append(SitePage(name, path, f"src/pages{url}+page.md", url))
        else:
            found.assets.append(SitePage(name, path, f"src/pages/{base}{inner}"))
    for path, inner in _visible_files(top / "components"):
        entry = SitePage(name, path, f"src/components/{name or PROJECT_WIDE}/{inner}")
        (found.components if path.suffix == ".svelte" else found.assets).append(entry)
    for path, inner in _visible_files(top / "static"):
        found.assets.append(SitePage(name, path, f"static/{base}{inner}"))
    for kind, kept in (("partials", found.partials), ("queries", found.queries)):
        kept[name or PROJECT_WIDE] = {inner: path for path, inner in _visible_files(top / kind)}


def _visible_files(top: Path) -> list[tuple[Path, str]]:
    return [
        (path, path.relative_to(top).as_posix())
        for path in sorted(top.rglob("*"))
        if path.is_file() and not any(part[0] in ".~" for part in path.relative_to(top).parts)
    ]


def _refuse_twins(project: Project, names: dict[SitePage, str]) -> None:
    owners: dict[str, SitePage] = {}
    for item, name in names.items():
        # Also where a file system does not tell capitals from small letters.
        other = owners.setdefault(name.lower(), item)
        if other is not item:
            raise _twins(project, other.source, item.source)


def _refuse_shared(project: Project, found: PageFiles) -> None:
    for kept in (found.partials, found.queries):
        for name, paths in kept.items():
            for inner, path in paths.items():
                shared = kept[PROJECT_WIDE].get(inner, path)
                if name != PROJECT_WIDE and shared != path:
                    raise _twins(project, shared, path)


def _refuse_taken(project: Project, found: PageFiles, workflows: set[str]) -> None:
    for item in (*found.pages, *found.assets):
        place = item.url or item.target.removeprefix("static").removeprefix("src/pages")
        first = place.strip("/").partition("/")[0]
        if item.workflow_id or item.target.startswith("src/components"):
            continue
        if first in workflows:
            raise DuplicatePageError(
                f"{project.relative(item.source)} would be {place}, where the pages of the "
                f"workflow {first} are.",
                f"Rename it, or put it into the evidence folder of {first}.",
            )
        if first in _TAKEN_PATHS or place.strip("/") in _TAKEN_FILES:
            raise DuplicatePageError(
                f"{project.relative(item.source)} would be {place}, which the site keeps for "
                "itself.",
                "Rename it.",
            )


def _twins(project: Project, one: Path, other: Path) -> DuplicatePageError:
    return DuplicatePageError(
        f"{project.relative(one)} and {project.relative(other)} are one and the same to Evidence.",
        "Rename one of them.",
    )
