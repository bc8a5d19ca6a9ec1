"""Doctor's look at a project: its settings, ports, disk, folders and stores."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.finding import Finding
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow_tools.checks.protocol import Verdict, judged, not_applicable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.shared.project import Project

_LOOPBACK = "127.0.0.1"
_GIGABYTE = 1 << 30
# Larger histories would take longer to read through than anybody waits for.
_MOST_BYTES = 256 << 20


def diagnose_project(project: Project) -> dict[str, Verdict]:
    """Look at a project. Nothing in it is changed."""
    found = {"layout": judged(_strays(project), str(project.root))}
    try:
        settings = project.settings
    except BadInputError as error:
        found["settings"] = judged([Finding.of(error)])
        why = not_applicable("the settings cannot be read")
        found |= dict.fromkeys(("ports", "disk", "permissions", "warehouses", "run history"), why)
        return found
    found["settings"] = judged(_conflict(project), "[tool.dataflow] in pyproject.toml")
    found["ports"] = _ports(
        project,
        {
            "dagster": settings.dagster_port,
            "api": settings.api_port,
            "evidence": settings.evidence_port,
        },
    )
    found["disk"] = _disk(project)
    found["permissions"] = _permissions(project)
    found["warehouses"] = _warehouses(project)
    return {**found, "run history": _history(project)}


def _conflict(project: Project) -> Iterator[Finding]:
    path = project.root / PROJECT_FILE
    file = read_project_file(path)
    if file.conflict is not None:
        yield Finding(file.told(path), "Resolve them, then `git add pyproject.toml` and commit.")


def _strays(project: Project) -> Iterator[Finding]:
    for folder in (project.workflows_dir.parent, project.workflows_dir):
        stray = folder / "__init__.py"
        if stray.exists():
            yield Finding(
                f"{project.relative(stray)} makes Python see only one of the two folders named "
                f"`{folder.name}`: the project's or the library's.",
                "Delete that file; both folders are namespace packages and need none.",
            )


def _ports(project: Project, ports: dict[str, int]) -> Verdict:
    from dataflow.service.ports import Address, PortsInUseError, check_addresses

    findings: list[Finding] = []
    running: list[str] = []
    for name, port in ports.items():
        setting = f"DATAFLOW_{name.upper()}_PORT"
        try:
            check_addresses([Address(name, _LOOPBACK, port, setting)])
        except PortsInUseError as error:
            if _is_ours(project, error.reason):
                running.append(name)
            else:
                findings.append(Finding.of(error))
    if len(set(ports.values())) < len(ports):
        shared = ", ".join(f"{name} {port}" for name, port in ports.items())
        reason = f"Two services are to have the same port: {shared}."
        findings.append(Finding(reason, "Give each its own in [tool.dataflow]."))
    detail = ", ".join(
        f"{name} {port}{' (running)' if name in running else ''}" for name, port in ports.items()
    )
    return judged(findings, detail)


def _is_ours(project: Project, reason: str) -> bool:
    """Whether the program that holds a port was started in the project's folder."""
    import psutil

    found = re.search(r"by process (\d+)", reason)
    if found is None:
        return False
    try:
        return psutil.Process(int(found[1])).cwd() == str(project.root)
    except (psutil.Error, OSError):
        return False


def _disk(project: Project) -> Verdict:
    free = shutil.disk_usage(_existing(project.data_dir)).free
    largest = max((path.stat().st_size for path in _databases(project)), default=0)
    # A load writes the new table before the old one goes.
    needed = max(_GIGABYTE, 2 * largest)
    findings = []
    if free < needed:
        reason = (
            f"{free / _GIGABYTE:.1f} GB are free for {project.data_dir}, and a run may need "
            f"{needed / _GIGABYTE:.1f} GB."
        )
        findings.append(Finding(reason, "Make room, or set data_dir to a larger disk."))
    return judged(findings, f"{free / _GIGABYTE:.1f} GB free")


def _permissions(project: Project) -> Verdict:
    findings: list[Finding] = []
    told = "Make it yours (chown), or allow writing (chmod)."
    for folder in (project.data_dir, project.dagster_home, project.state_dir):
        shown = project.relative(folder)
        if folder.exists() and not folder.is_dir():
            findings.append(Finding(f"{shown} is not a folder.", "Move that file away."))
        elif reason := _why_not_writable(_existing(folder)):
            findings.append(Finding(f"{shown} cannot be written: {reason}.", told))
    for path in _databases(project):
        if not os.access(path, os.R_OK | os.W_OK):
            reason = f"{project.relative(path)} cannot be read and written by this user."
            findings.append(Finding(reason, told))
    return judged(findings, "data, .dagster and .dataflow can be written")


def _why_not_writable(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return (error.strerror or "unknown reason").lower()


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one around it that exists."""
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _databases(project: Project) -> list[Path]:
    return sorted(path for path in project.data_dir.glob("*.duckdb") if path.is_file())


def _warehouses(project: Project) -> Verdict:
    files = _databases(project)
    if not files:
        return not_applicable("no workflow has run yet")
    try:
        import duckdb
    except ImportError:
        return not_applicable("duckdb is not installed")
    findings: list[Finding] = []
    in_use = 0
    for path in files:
        try:
            duckdb.connect(str(path), read_only=True).close()
        except duckdb.Error as error:
            if "Could not set lock" in str(error):
                in_use += 1
                continue
            reason = f"{project.relative(path)} cannot be opened: {_first_line(error)}"
            told = "Restore it from a backup, or move it away and run the workflow again."
            findings.append(Finding(reason, told))
    used = f", {in_use} in use" if in_use else ""
    return judged(findings, f"{len(files)} files{used}")


def _history(project: Project) -> Verdict:
    home = project.dagster_home
    if not home.is_dir() and not project.settings.history:
        return not_applicable("no workflow has run yet")
    again = f"Move {project.relative(home)} away: only the history of runs is lost."
    findings = [
        Finding(f"{project.relative(path)} is damaged: {reason}.", again)
        for path in sorted(home.rglob("*.db"))
        if (reason := _sqlite_fault(path))
    ]
    if findings:
        return judged(findings)
    try:
        from dataflow.runs.instance import open_instance

        with open_instance(project) as instance:
            runs = instance.get_runs_count()
    except ImportError:
        return not_applicable("dagster is not installed")
    except DataflowError as error:
        return judged([Finding.of(error)])
    return judged((), f"{runs} runs")


def _sqlite_fault(path: Path) -> str:
    if path.stat().st_size > _MOST_BYTES:
        return ""
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        # Somebody writes at this moment: so it can be read.
        return "" if "locked" in str(error) else str(error)
    return "" if answer == "ok" else answer


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
