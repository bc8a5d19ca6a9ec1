"""Doctor's look at the machine: Python, what is installed in it, and the tools beside it."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.finding import Finding
from dataflow_tools.checks.protocol import Verdict, judged, not_applicable
from dataflow_tools.fleet.library_install import install_command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from packaging.requirements import Requirement

# One repository, one version.
RUNTIME, TOOLS = "dataflow-runtime", "dataflow-tools"
# Copier's own floor (copier.readthedocs.io, "Installation").
_OLDEST_GIT = (2, 27)
# Why this library has an upper limit for a package: DESIGN.md, section 5, by measurement.
_REASONS = {
    "duckdb": "DuckDB 2 writes files that the dashboards' reader may not open",
    "dbt-core": "dbt-core 1.12 cannot be installed without reaching a code host",
}


def diagnose_installation(
    needed: Collection[str], *, needs_node: bool, root: Path | None = None
) -> dict[str, Verdict]:
    """Look at what is installed.

    Args:
        needed: The extras of the runtime that the project's workflows need.
        needs_node: Whether a workflow has dashboards.
        root: The project, whose pins say how the library is installed.
    """
    ours = install_command(root) if root is not None else None
    findings, optional = _packages(ours)
    return {
        "python": _python(),
        "namespace": _namespace(),
        "packages": judged(findings, f"{RUNTIME} {version(RUNTIME)}, {TOOLS} {version(TOOLS)}"),
        **_extras(optional, needed, ours),
        "git": _git(),
        "node": _node(needs_node=needs_node),
    }


def _python() -> Verdict:
    return judged((), f"{platform.python_version()} in {sys.prefix}")


def _namespace() -> Verdict:
    """Look for what hides the library or the workflows: another package of the same name."""
    findings = []
    reinstall = f"pip uninstall dataflow && pip install --force-reinstall {RUNTIME}"
    if _find("dataflow"):
        reason = (
            "The distribution `dataflow` is installed. It is not this one, and has the same import "
            "name."
        )
        findings.append(Finding(reason, reinstall))
    spec = find_spec("dataflow")
    if spec is not None and spec.origin is not None:
        reason = f"{spec.origin} makes Python see only one of the folders named `dataflow`."
        findings.append(Finding(reason, f"Delete that file, or: {reinstall}"))
    return judged(findings, "`dataflow` is a namespace package")


def _packages(ours: str | None) -> tuple[list[Finding], dict[str, list[str]]]:
    """Compare all that our two distributions stand on with what is installed.

    Returns:
        What does not fit together, and by extra, the packages that are not installed.
    """
    root = distribution(RUNTIME)
    findings = list(_two_versions(ours))
    optional: dict[str, list[str]] = {}
    for extra in sorted(root.metadata.get_all("Provides-Extra") or []):
        optional[extra] = [
            requirement.name
            for requirement in _requirements(root, {extra})
            if not _find(requirement.name) and requirement.name != RUNTIME
        ]
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(root, frozenset(optional)), (distribution(TOOLS), frozenset[str]())]
    while waiting:
        package, extras = waiting.pop()
        if (package.name, extras) in seen:
            continue
        seen.add((package.name, extras))
        for requirement in _requirements(package, extras):
            if requirement.name == RUNTIME:
                continue  # itself, or said of both already
            found = _find(requirement.name)
            if found is not None:
                findings += _misfit(package, requirement, found.version)
                waiting.append((found, frozenset(requirement.extras)))
            elif package.name != RUNTIME:
                reason = f"{package.name} {package.version} needs {requirement.name}, which is not "
                install = f"pip install '{requirement.name}{requirement.specifier}'"
                findings.append(Finding(f"{reason}installed.", install))
    return sorted(set(findings), key=lambda finding: finding.reason), optional


def _two_versions(ours: str | None) -> Iterator[Finding]:
    runtime, tools = version(RUNTIME), version(TOOLS)
    if runtime != tools:
        yield Finding(
            f"{RUNTIME} is {runtime} and {TOOLS} is {tools}; they belong together in one version.",
            ours or f"pip install '{RUNTIME}=={runtime}' '{TOOLS}=={runtime}'",
        )


def _requirements(package: Distribution, extras: Collection[str]) -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    for text in package.requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _misfit(package: Distribution, requirement: Requirement, version: str) -> Iterator[Finding]:
    if requirement.specifier.contains(version, prereleases=True):
        return
    why = _REASONS.get(requirement.name, "")
    yield Finding(
        f"{package.name} {package.version} needs {requirement.name}{requirement.specifier}, and "
        f"{version} is installed{f': {why}' if why else ''}.",
        f"pip install '{requirement.name}{requirement.specifier}'",
    )


def _extras(
    optional: dict[str, list[str]], needed: Collection[str], ours: str | None
) -> dict[str, Verdict]:
    found = {}
    for extra, absent in optional.items():
        if extra == "all":
            continue
        install = f"pip install '{RUNTIME}[{extra}]'"
        if not absent:
            verdict = judged((), "installed")
        elif extra in needed:
            reason = f"It is needed here, and lacks {', '.join(absent)}."
            verdict = judged([Finding(reason, ours or install)])
        else:
            verdict = not_applicable(f"not installed; if you need it: {install}")
        found[f"extra {extra}"] = verdict
    return found


def _git() -> Verdict:
    path = shutil.which("git")
    if path is None:
        reason = "git is not on the PATH; workflows are made and updated with it."
        return judged([Finding(reason, "Install git.")])
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[\d.]*", done.stdout)
    findings = []
    if found is None or tuple(map(int, found[0].split(".")[:2])) < _OLDEST_GIT:
        findings.append(Finding("git 2.27 or later is needed.", "Install a newer git."))
    return judged(findings, found[0] if found else "")


def _node(*, needs_node: bool) -> Verdict:
    from dataflow_tools.site.node import find_node

    try:
        node = find_node()
    except MissingDependencyError as error:
        if not needs_node:
            return not_applicable("no workflow here has dashboards")
        return judged([Finding.of(error)])
    return judged((), f"{node.version} at {node.node}")


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
