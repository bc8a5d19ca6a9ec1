"""The tables and tests of a workflow's dbt project, for whoever must not wait for dbt.

After each build a digest of dbt's manifest is kept, with the state that the project's files had.
As long as they have it still, the digest is what dbt would say; else the files are read, and what
they say is kept in the same way.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.modelling.manifest import Manifest
from dataflow.modelling.model_graph import ModelGraph
from dataflow.modelling.project_files import graph_of_files

if TYPE_CHECKING:
    from dataflow.shared.project import Project

_OF_DBT = "graph.json"
_OF_FILES = "graph_of_files.json"
# What dbt writes into a project.
_MADE_BY_DBT = ("target", "logs", "dbt_packages", "__pycache__")


def known_graph(project: Project, workflow_id: str) -> ModelGraph:
    """What the dbt project of a workflow makes and tests; nothing for a workflow without one."""
    folder = project.workflow_dir(workflow_id) / "dbt"
    if not (folder / "dbt_project.yml").is_file():
        return ModelGraph()
    state = state_of_models(folder)
    for name in (_OF_DBT, _OF_FILES):
        try:
            kept = json.loads(_path(project, workflow_id, name).read_text(encoding="utf-8"))
            if kept["state"] == state:
                return ModelGraph.from_json(kept["graph"])
        except (OSError, ValueError, KeyError, TypeError):
            # There is none, or one of another version: it is made anew.
            continue
    graph = graph_of_files(folder)
    with suppress(OSError):  # Whoever may only read reads the files again.
        _keep(_path(project, workflow_id, _OF_FILES), state, graph)
    return graph


def read_manifest(project: Project, workflow_id: str) -> Manifest | None:
    """The manifest of the last build; None if there is none, or none that can be read."""
    path = project.state_dir / "dbt" / workflow_id / "target" / "manifest.json"
    try:
        return Manifest(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_graph(project: Project, workflow_id: str, manifest: Manifest) -> None:
    """Write down what a manifest says for `known_graph`."""
    state = state_of_models(project.workflow_dir(workflow_id) / "dbt")
    _keep(_path(project, workflow_id, _OF_DBT), state, manifest.graph())


def _keep(path: Path, state: str, graph: ModelGraph) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps({"state": state, "graph": graph.to_json()}), encoding="utf-8")
    aside.replace(path)


def _path(project: Project, workflow_id: str, name: str) -> Path:
    return project.state_dir / "dbt" / workflow_id / name


def state_of_models(folder: Path) -> str:
    """Sizes and times of a project's files: enough to see that somebody has edited one."""
    digest = hashlib.sha256()
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - set(_MADE_BY_DBT))
        for name in sorted(files):
            known = os.stat(os.path.join(parent, name))  # noqa: PTH116, PTH118 - of many files
            digest.update(f"{parent}/{name}\0{known.st_size}\0{known.st_mtime_ns}\n".encode())
    return digest.hexdigest()
