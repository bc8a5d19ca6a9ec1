"""The wheels of the library that a project brings along, where no index has them.

pip and uv record a wheel that was named by its file. They do not record the index or the folder
(`--find-links`) that a name and a version were found in, so that these two cannot be told apart.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

if TYPE_CHECKING:
    from collections.abc import Mapping

# What `find-links` in a project's pyproject.toml names.
WHEELS = "wheels"
_NAMES = ("dataflow_runtime", "dataflow_tools")


def wheel_folder() -> Path | None:
    """The folder of the wheel that the tools were installed from, if it was a file here."""
    try:
        text = distribution("dataflow-tools").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    url = str(json.loads(text).get("url", "")) if text else ""
    path = Path(unquote(urlparse(url).path))
    return path.parent if url.startswith("file:") and path.suffix == ".whl" else None


def library_answer() -> str:
    """What `library` is answered by where the template came with the tools."""
    return "index" if _found(wheel_folder()) is None else WHEELS


def place_wheels(root: Path, answers: Mapping[str, object]) -> list[str]:
    """Put the wheels into a new project that wants them, and say what is left to be done.

    Args:
        root: The project.
        answers: Answers to the template's questions.

    Returns:
        Lines for a person.
    """
    number = version("dataflow-tools")
    copy = f"cp FOLDER/dataflow_*-{number}-*.whl {root / WHEELS}/"
    if answers.get("library") == WHEELS:
        found = _found(wheel_folder())
        for wheel in found or ():
            shutil.copy(wheel, root / WHEELS)
        if found:
            return [f"The wheels that you installed are in its folder {WHEELS}/, to be committed."]
        return [f"Put the wheels of the library there before `uv sync`: {copy}"]
    if answers.get("library") != "index":
        return []
    told = (
        f"`uv sync` takes dataflow-runtime and dataflow-tools {number} from your package index. If "
        "no index has them because you installed a folder of wheels (--find-links):"
    )
    return [
        told,
        f"  mkdir {root / WHEELS} && {copy}",
        f"  printf '\\n[tool.uv]\\nfind-links = [\"{WHEELS}\"]\\n' >> {root / 'pyproject.toml'}",
    ]


def _found(folder: Path | None) -> list[Path] | None:
    """Both wheels of the installed version in a folder; None if one is missing."""
    if folder is None:
        return None
    number = version("dataflow-tools")
    wheels = [next(iter(folder.glob(f"{name}-{number}-*.whl")), None) for name in _NAMES]
    found = [wheel for wheel in wheels if wheel is not None]
    return found if len(found) == len(_NAMES) else None
