"""The dbt packages that a workflow's models use: installed when they are named, and kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.errors import DataflowError
from dataflow.shared.plain_yaml import load_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The files that name packages; dbt reads the first that has any, and makes the last.
_NAMED_IN = ("packages.yml", "dependencies.yml")
_LOCK = "package-lock.yml"
# Beside those that are named: what the library tells dbt of other workflows' tables.
UPSTREAM_PACKAGE = "dataflow_upstream"


class PackageError(DataflowError):
    """A dbt package cannot be installed.

    Why: `packages.yml` of the workflow's dbt project names packages, which are installed before
    the first build and when the file changes.

    What to do: Without a network, keep packages in a folder and name them as `local:`.
    """


def install_packages(
    folder: Path, state: Path, invoke: Callable[[list[str]], Any], shown: str
) -> bool:
    """Run ``dbt deps`` if a dbt project names packages that are not there as it names them.

    Packages given as ``local:`` need no network.

    Args:
        folder: The dbt project.
        state: Where to note which packages were installed.
        invoke: Runs a command of dbt's and gives what came of it.
        shown: What to call the folder.

    Returns:
        Whether it was needed.

    Raises:
        PackageError: The file is no YAML, or a package cannot be fetched.
    """
    named = _named(folder, shown)
    if not named:
        return False
    note = state / "packages.sha256"
    installed = packages_folder(folder)
    if _is_noted(note, folder) and _folders(installed) >= named:
        return False
    note.unlink(missing_ok=True)
    outcome = invoke(["deps"])
    if not outcome.success:
        said = " ".join(str(outcome.exception or "dbt gives no reason").split())
        raise PackageError(
            f"The dbt packages of {shown} cannot be installed: {said}",
            "Look at the names and versions in packages.yml. Where there is no internet, keep the "
            "packages in a folder and name them as `local: ../packages/NAME`.",
        )
    note.write_text(_digest(folder), encoding="utf-8")
    return True


def _named(folder: Path, shown: str) -> int:
    """How many packages the project names."""
    for name in _NAMED_IN:
        path = folder / name
        if not path.is_file():
            continue
        try:
            values = load_yaml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise PackageError(
                f"{name} in {shown} cannot be read: {' '.join(str(error).split())}",
                "Correct it; it is a YAML file with the key `packages`.",
            ) from error
        packages = values.get("packages") if isinstance(values, dict) else None
        if packages:
            return len(packages)
    return 0


def packages_folder(folder: Path) -> Path:
    """Where dbt puts the packages of a project, which it may say."""
    try:
        values = load_yaml((folder / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        # dbt says what is wrong with it.
        values = None
    path = values.get("packages-install-path") if isinstance(values, dict) else None
    return folder / (path if isinstance(path, str) and "{{" not in path else "dbt_packages")


def _folders(path: Path) -> int:
    if not path.is_dir():
        return 0
    return sum(entry.is_dir() and entry.name != UPSTREAM_PACKAGE for entry in path.iterdir())


def _is_noted(note: Path, folder: Path) -> bool:
    return note.is_file() and note.read_text(encoding="utf-8") == _digest(folder)


def _digest(folder: Path) -> str:
    paths = [folder / name for name in (*_NAMED_IN, _LOCK)]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes() if path.is_file() else b"\0")
    return digest.hexdigest()
