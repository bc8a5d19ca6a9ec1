"""The command that installs the library as a project pins it: by uv or pip, from wherever it is."""

from __future__ import annotations

import json
import shlex
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    uses_uv = (root / "uv.lock").is_file() or any(name in sources for name in _NAMES)
    if uses_uv and shutil.which("uv"):
        return UV_SYNC
    lines = list(_requirements(content)) or list(_NAMES)
    words = [word for line in lines for word in _for_pip(line, sources)]
    folder = _wheel_folder()
    if folder is not None and all("==" in line for line in lines) and not sources:
        words = ["--find-links", str(folder), *words]
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


def _wheel_folder() -> Path | None:
    """The folder of the wheel that the library was installed from, if it was a file here."""
    try:
        text = distribution("dataflow-tools").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    url = str(json.loads(text).get("url", "")) if text else ""
    path = Path(unquote(urlparse(url).path))
    return path.parent if url.startswith("file:") and path.suffix == ".whl" else None
