"""Where the dashboards of a project lie on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dataflow.shared.project import Project
from dataflow.shared.setting_values import setting_value

if TYPE_CHECKING:
    from dataflow.shared.file_store import FileStore

# Where people write for the dashboards, in the project and in each workflow: published tables come
# from its `sources`, whatever builds the site. Projects have it by this name.
DASHBOARD_FOLDER = "evidence"


@dataclass(frozen=True)
class SiteFolders:
    """The folders below ``<project>/.dataflow/site``.

    The published data lies inside the public folder, so that one folder is all there is to serve
    or to copy to a static host, and a build replaces everything in it but the data.
    """

    base: Path
    # Where the published data is in their place, if the setting `publish_target` names one.
    target: FileStore | None = None

    @classmethod
    def of(cls, project: Project) -> Self:
        """The folders of one project, which need not exist.

        Raises:
            BadInputError: The setting `publish_target` is wrong.
        """
        base = project.state_dir.resolve() / "site"
        address = setting_value(project, "publish_target")
        if not address:
            return cls(base)
        from dataflow.shared.store_address import open_store

        return cls(base, open_store(address, "publish_target", project.root))

    @property
    def public(self) -> Path:
        """The built site and the published data: what is served."""
        return self.base / "public"

    @property
    def data(self) -> Path:
        """The published tables: ``<workflow_id>/<table>/<hash>/<table>.parquet``."""
        return self.public / "data"

    @property
    def manifest(self) -> Path:
        """The list of the published tables that a browser starts from."""
        return self.data / "manifest.json"

    @property
    def staging(self) -> Path:
        """Tables being written; on the same disk as ``data``, so that a rename moves them."""
        return self.base / "staging"

    @property
    def copies(self) -> Path:
        """Published files of a shared place that were asked for here; can be deleted."""
        return self.base / "copies"

    @property
    def build_record(self) -> Path:
        """What is known of the last build, as JSON.

        ``workflows`` are those it has pages of, ``base_path`` is where it stands on its host.
        """
        return self.base / "built.json"

    def lock_file(self, name: str) -> Path:
        """The file behind one lock: ``publish``, ``build`` or ``install``."""
        self.base.mkdir(parents=True, exist_ok=True)
        return self.base / f"{name}.lock"


def workflow_folders(project: Project) -> list[Path]:
    """The folders of the workflows that have dashboards, in order of their names."""
    found = project.workflows_dir.glob("*/config.yaml")
    return sorted(path.parent for path in found if (path.parent / DASHBOARD_FOLDER).is_dir())


def dashboard_folder(project: Project, workflow_id: str) -> Path:
    """The folder of a workflow's queries and pages; it need not exist."""
    return project.workflow_dir(workflow_id) / DASHBOARD_FOLDER


def source_queries(project: Project, workflow_id: str) -> dict[str, Path]:
    """The files of the queries whose results a workflow publishes, by the names of the tables."""
    found = (dashboard_folder(project, workflow_id) / "sources").glob("*.sql")
    return {path.stem: path for path in sorted(found)}


def project_pages_folder(project: Project) -> Path:
    """The folder of the project's own pages, beside those of its workflows; it need not exist."""
    return project.root / DASHBOARD_FOLDER


def is_built(project: Project, workflow_id: str) -> bool:
    """Whether the built site has a workflow's pages, and none was written since."""
    record = SiteFolders.of(project).build_record
    if workflow_id not in _read_record(record).get("workflows", []):
        return False
    own_folder = dashboard_folder(project, workflow_id)
    built_at = record.stat().st_mtime
    # A source needs no build.
    own = (path for part in own_folder.glob("*") if part.name != "sources" for path in _below(part))
    files = (*own, *_below(project_pages_folder(project)))
    return all(path.stat().st_mtime <= built_at for path in files)


def built_base_path(folders: SiteFolders) -> str:
    """The path that the built site stands under, such as ``/dash``; empty for none."""
    return str(_read_record(folders.build_record).get("base_path", ""))


def _read_record(record: Path) -> dict[str, Any]:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _below(top: Path) -> Iterator[Path]:
    return (path for path in top.rglob("*") if path.is_file())
