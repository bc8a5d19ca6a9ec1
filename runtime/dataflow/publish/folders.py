"""Where the dashboards of a project lie on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataflow.shared.project import Project


@dataclass(frozen=True)
class SiteFolders:
    """The folders below ``<project>/.dataflow/site``.

    The published data lies inside the public folder, so that one folder is all there is to serve
    or to copy to a static host, and a build replaces everything in it but the data.
    """

    base: Path

    @classmethod
    def of(cls, project: Project) -> SiteFolders:
        """The folders of one project, which need not exist."""
        return cls(project.state_dir.resolve() / "site")

    @property
    def modules(self) -> Path:
        """Node's packages, installed once per lock file."""
        return self.base / "node_modules"

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
    def build_record(self) -> Path:
        """What is known of the last build, as JSON.

        ``workflows`` are those it has pages of, ``base_path`` is where it stands on its host.
        """
        return self.base / "built.json"

    def template(self, use: str) -> Path:
        """The generated site of one use: ``build`` or ``dev``.

        Evidence recognises its working folder by the name ``.evidence/template``.
        """
        return self.base / use / ".evidence" / "template"

    def lock_file(self, name: str) -> Path:
        """The file behind one lock: ``publish``, ``build`` or ``install``."""
        self.base.mkdir(parents=True, exist_ok=True)
        return self.base / f"{name}.lock"


def workflow_folders(project: Project) -> list[Path]:
    """The folders of the workflows that have an ``evidence`` folder, in order of their names."""
    found = project.workflows_dir.glob("*/config.yaml")
    return sorted(path.parent for path in found if (path.parent / "evidence").is_dir())


def project_pages_folder(project: Project) -> Path:
    """The folder of the project's own pages, beside those of its workflows; it need not exist."""
    return project.root / "evidence"


def is_built(project: Project, workflow_id: str) -> bool:
    """Whether the built site has a workflow's pages, and none was written since."""
    record = SiteFolders.of(project).build_record
    if workflow_id not in _read_record(record).get("workflows", []):
        return False
    evidence = project.workflow_dir(workflow_id) / "evidence"
    built_at = record.stat().st_mtime
    # A source needs no build.
    own = (path for part in evidence.glob("*") if part.name != "sources" for path in _below(part))
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
