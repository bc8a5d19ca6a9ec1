"""The command that installs the library as a project pins it: by uv or pip, from wherever it is."""

from __future__ import annotations

import shlex
import shutil
from itertools import chain
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow_tools.scaffold.project_wheels import wheel_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMES = ("dataflow-runtime", "dataflow-tools")
UV_SYNC = "uv sync --all-groups"


def install_command(root: Path) -> str:
    """What to type in a project's folder so that the library is there that pyproject.toml asks for.

    A lock file, or a source that only uv reads while uv is here, means uv. Otherwise it is pip,
    and what uv would read is written out for it: a tag of a repository, a folder, a wheel.
    """
    try:
        content = read_project_file(root / PROJECT_FILE).content
    except (OSError, UnicodeDecodeError, BadInputError):
        content = {}
    sources = content.get("tool", {}).get("uv", {}).get("sources", {})
    links = content.get("tool", {}).get("uv", {}).get("find-links", [])
    uses_uv = (root / "uv.lock").is_file() or links or any(name in sources for name in _NAMES)
    if uses_uv and shutil.which("uv"):
        return UV_SYNC
    lines = list(_requirements(content)) or list(_NAMES)
    words = [word for line in lines for word in _for_pip(line, sources)]
    folders = [str(link) for link in links] if isinstance(links, list) else []
    if not folders and (folder := wheel_folder()) is not None:
        folders = [str(folder)]
    if folders and all("==" in line for line in lines) and not sources:
        words = [*(word for link in folders for word in ("--find-links", link)), *words]
    return shlex.join(["pip", "install", *words])


def _requirements(content: dict[str, Any]) -> Iterator[str]:
    groups = content.get("dependency-groups", {}).values()
    lines = chain(content.get("project", {}).get("dependencies", []), *groups)
    for line in lines:
        if isinstance(line, str) and line.startswith(_NAMES):
            yield line


def _for_pip(line: str, sources: dict[str, Any]) -> list[str]:
    """A requirement as pip takes it, with the source that uv has for it."""
    name = next(one for one in _NAMES if line.startswith(one))
    wanted = line.partition("==")[0].strip()
    source = sources.get(name)
    if not isinstance(source, dict):
        return [line]
    if "git" in source:
        rev = next((source[key] for key in ("rev", "tag", "branch") if key in source), None)
        part = source.get("subdirectory")
        address = f"git+{source['git']}{f'@{rev}' if rev else ''}"
        return [f"{wanted} @ {address}{f'#subdirectory={part}' if part else ''}"]
    if "path" in source:
        extras = wanted.removeprefix(name)
        return [*(["-e"] if source.get("editable") else []), f"{source['path']}{extras}"]
    return [f"{wanted} @ {source['url']}"] if "url" in source else [line]
