"""Doctor's look at the machine: Python, what is installed in it, and the tools beside it."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow_tools.checks.diagnosis import Diagnosis, Problem, diagnosed, unasked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from packaging.requirements import Requirement

_RUNTIME = "dataflow-runtime"
_OLDEST_PYTHON = (3, 11)
# Copier's own floor (copier.readthedocs.io, "Installation").
_OLDEST_GIT = (2, 27)
# Why this library has an upper limit for a package: DESIGN.md, section 5, by measurement.
_REASONS = {
    "duckdb": "DuckDB 2 writes files that the dashboards' reader may not open",
    "dbt-core": "dbt-core 1.12 cannot be installed without reaching a code host",
}


def diagnose_installation(needed: Collection[str], *, needs_node: bool) -> list[Diagnosis]:
    """Look at what is installed.

    Args:
        needed: The extras of this library that the project's workflows need.
        needs_node: Whether a workflow has dashboards.
    """
    own, optional = _versions()
    return [
        _python(),
        _namespace(),
        diagnosed("packages", own, f"{_RUNTIME} {_installed(_RUNTIME)}"),
        *_extras(optional, needed),
        _git(),
        _node(needs_node=needs_node),
    ]


def _python() -> Diagnosis:
    problems = []
    if sys.version_info[:2] < _OLDEST_PYTHON:
        problems.append(Problem("Python 3.11 or later is needed.", "Make a new environment."))
    return diagnosed("python", problems, f"{platform.python_version()} in {sys.prefix}")


def _namespace() -> Diagnosis:
    """Look for what hides the library or the workflows: another package of the same name."""
    problems = []
    reinstall = f"pip uninstall dataflow && pip install --force-reinstall {_RUNTIME}"
    if _installed("dataflow"):
        problems.append(
            Problem(
                "The distribution `dataflow` is installed. It is not this one, and has the same "
                "import name.",
                reinstall,
            )
        )
    spec = find_spec("dataflow")
    if spec is not None and spec.origin is not None:
        problems.append(
            Problem(
                f"{spec.origin} makes Python see only one of the folders named `dataflow`.",
                f"Delete that file, or: {reinstall}",
            )
        )
    return diagnosed("namespace", problems, "`dataflow` is a namespace package")


def _versions() -> tuple[list[Problem], dict[str, list[str]]]:
    """Compare all that this library stands on with what is installed.

    Returns:
        What does not fit together, and by extra, the packages that are not installed.
    """
    root = distribution(_RUNTIME)
    problems: list[Problem] = []
    optional: dict[str, list[str]] = {}
    for extra in sorted(root.metadata.get_all("Provides-Extra") or []):
        optional[extra] = [
            requirement.name
            for requirement in _requirements(root, {extra})
            if not _installed(requirement.name) and requirement.name != _RUNTIME
        ]
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(root, frozenset(optional))]
    while waiting:
        package, extras = waiting.pop()
        if (package.name, extras) in seen:
            continue
        seen.add((package.name, extras))
        for requirement in _requirements(package, extras):
            found = _find(requirement.name)
            if found is not None:
                problems += _misfit(package, requirement, found.version)
                waiting.append((found, frozenset(requirement.extras)))
            elif package is not root:
                problems.append(
                    Problem(
                        f"{package.name} {package.version} needs {requirement.name}, which is not "
                        "installed.",
                        f"pip install '{requirement.name}{requirement.specifier}'",
                    )
                )
    return sorted(set(problems), key=lambda problem: problem.reason), optional


def _requirements(package: Distribution, extras: Collection[str]) -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    for text in package.requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _misfit(package: Distribution, requirement: Requirement, version: str) -> Iterator[Problem]:
    if requirement.specifier.contains(version, prereleases=True):
        return
    why = _REASONS.get(requirement.name, "")
    yield Problem(
        f"{package.name} {package.version} needs {requirement.name}{requirement.specifier}, and "
        f"{version} is installed{f': {why}' if why else ''}.",
        f"pip install '{requirement.name}{requirement.specifier}'",
    )


def _extras(optional: dict[str, list[str]], needed: Collection[str]) -> Iterator[Diagnosis]:
    for extra, absent in optional.items():
        if extra == "all":
            continue
        install = f"pip install '{_RUNTIME}[{extra}]'"
        if not absent:
            yield diagnosed(f"extra {extra}", (), "installed")
        elif extra in needed:
            reason = f"It is needed here, and lacks {', '.join(absent)}."
            yield diagnosed(f"extra {extra}", [Problem(reason, install)])
        else:
            yield unasked(f"extra {extra}", f"not installed; if you need it: {install}")


def _git() -> Diagnosis:
    path = shutil.which("git")
    if path is None:
        reason = "git is not on the PATH; workflows are made and updated with it."
        return diagnosed("git", [Problem(reason, "Install git.")])
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\d+\.\d+[\d.]*", done.stdout)
    problems = []
    if version is None or tuple(map(int, version[0].split(".")[:2])) < _OLDEST_GIT:
        problems.append(Problem("git 2.27 or later is needed.", "Install a newer git."))
    return diagnosed("git", problems, version[0] if version else "")


def _node(*, needs_node: bool) -> Diagnosis:
    from dataflow_tools.site.node import find_node

    try:
        node = find_node()
    except MissingDependencyError as error:
        if not needs_node:
            return unasked("node", "no workflow here has dashboards")
        return diagnosed("node", [Problem(error.reason, error.instruction)])
    return diagnosed("node", (), f"{node.version} at {node.node}")


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _installed(name: str) -> str:
    found = _find(name)
    return found.version if found else ""
