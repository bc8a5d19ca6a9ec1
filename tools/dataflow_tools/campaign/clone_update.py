"""Update all that a clone has of a template, leave out what conflicts, and check the rest."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion
from packaging.version import Version as Release

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import PROJECT_VARIABLE, Project
from dataflow_tools.campaign.ledger import State
from dataflow_tools.campaign.settings import NO_CHECKS, OWN_CHECKS
from dataflow_tools.fleet.results import UpdateOutcome, UpdateStatus
from dataflow_tools.fleet.template_instance import PROJECT
from dataflow_tools.fleet.update import Request, update_workflows
from dataflow_tools.fleet.workflow_health import check_workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow_tools.campaign.clone import Clone
    from dataflow_tools.fleet.render_cache import RenderCache

_SECONDS = 1800


class BrokenProjectError(DataflowError):
    """A project's pyproject.toml cannot be read."""


@dataclass
class CloneUpdate:
    """What an update makes, or would make, of a clone.

    Args:
        updated: What goes to the new version; the project is ``(project)``.
        left_out: What stays as it is, and why.
        workflows: The updated workflows, with the project that each is of.
    """

    state: State = State.CURRENT
    updated: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    instruction: str = ""
    notes: list[str] = field(default_factory=list)
    workflows: list[tuple[Project, str]] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)


def update_clone(
    clone: Clone, version: str, cache: RenderCache, *, plan_only: bool = False
) -> CloneUpdate:
    """Bring every project of a clone, and its workflows, to a version of their template.

    A workflow that conflicts, or that cannot be updated, is left as it was, and the others go on.
    Where the project's own files conflict, nothing goes on: its workflows run on what they pin.

    Raises:
        DataflowError: The clone cannot be updated at all, and why.
    """
    found = CloneUpdate()
    roots = clone.projects()
    if not roots:
        found.state, found.reason = State.SKIPPED, "It has no DATAFLOW project."
        return found
    managed = False
    for root in roots:
        _require_readable(clone.folder, root)
        project = Project(root)
        found.projects.append(project)
        request = Request(project=True, reference=version, plan_only=plan_only)
        report = update_workflows(project, request, shared=cache)
        if report.interrupted:
            raise KeyboardInterrupt
        prefix = "" if root == clone.folder else f"{root.relative_to(clone.folder).as_posix()}/"
        for outcome in report.outcomes:
            managed = managed or outcome.status is not UpdateStatus.UNMANAGED
            if outcome.workflow_id == PROJECT and not _may_go_on(outcome):
                return _whole_stays(found, outcome, prefix)
            _take(found, outcome, project, prefix)
        if not plan_only:
            conflicting = [o for o in report.outcomes if o.status is UpdateStatus.CONFLICT]
            clone.leave_as_it_was(prefix + outcome.path for outcome in conflicting)
    if not managed:
        found.state, found.reason = State.SKIPPED, "No part of it was made from a template."
    elif found.updated:
        found.state = State.READY
    elif found.left_out:
        conflict = any(words.startswith(_CONFLICT) for words in found.left_out.values())
        found.state = State.CONFLICT if conflict else State.FAILED
        found.reason = "; ".join(f"{name}: {why}" for name, why in found.left_out.items())
        found.instruction = _BY_HAND
    return found


_CONFLICT = "conflicts in "
_BY_HAND = "Update it by hand there: `dataflow workflow update --all --project`, then commit."


def _may_go_on(outcome: UpdateOutcome) -> bool:
    return outcome.status.is_fine or _is_ahead(outcome)


def _whole_stays(found: CloneUpdate, outcome: UpdateOutcome, prefix: str) -> CloneUpdate:
    found.updated, found.workflows = [], []
    if outcome.status is UpdateStatus.CONFLICT:
        found.state = State.CONFLICT
        files = ", ".join(prefix + path for path in outcome.conflicts)
        found.reason = f"The project's own files conflict: {files or outcome.reason}."
        found.instruction = _BY_HAND
    else:
        found.state = State.FAILED
        found.reason = outcome.reason or "The project's own files could not be updated."
        found.instruction = outcome.instruction or ""
    return found


def _take(found: CloneUpdate, outcome: UpdateOutcome, project: Project, prefix: str) -> None:
    name = prefix + outcome.workflow_id
    if outcome.status is UpdateStatus.UPDATED:
        found.updated.append(name)
        found.notes += [f"{name}: {note}" for note in outcome.notes]
        if outcome.workflow_id != PROJECT:
            found.workflows.append((project, outcome.workflow_id))
    elif outcome.status is UpdateStatus.CONFLICT:
        found.left_out[name] = _CONFLICT + ", ".join(outcome.conflicts)
    elif not outcome.status.is_fine and not _is_ahead(outcome):
        found.left_out[name] = outcome.reason or outcome.status.value


def _is_ahead(outcome: UpdateOutcome) -> bool:
    """Whether somebody was faster: what is newer already has nothing to come."""
    try:
        return Release(str(outcome.current)) > Release(str(outcome.target))
    except InvalidVersion:
        return False


def _require_readable(top: Path, root: Path) -> None:
    path = root / "pyproject.toml"
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrokenProjectError(
            f"{path.relative_to(top)} cannot be read: {error}.",
            "Fix it in the repository, and plan the campaign again.",
        ) from error


def check_clone(
    update: CloneUpdate, check: str, progress: Callable[[str], None]
) -> tuple[str, str] | None:
    """Check what was updated; ``None`` if all is well, else the reason and what to do.

    Args:
        check: What to run, as `Settings.check` says.
    """
    if check == NO_CHECKS:
        return None
    if check != OWN_CHECKS:
        return run_command(update, check)
    for project, name in update.workflows:
        progress(f"checking {name}")
        well, words = check_workflow(project, name)
        if not well:
            again = f"dataflow workflow update {name} --check"
            return f"{name}: " + "\n".join(words), f"See it there with: {again}"
    return None


def run_command(update: CloneUpdate, command: str) -> tuple[str, str] | None:
    """Run a command line in each project; ``None`` if all is well, else why not and what to do."""
    for project in update.projects:
        try:
            done = subprocess.run(  # noqa: S602 (the person's own command line)
                command,
                shell=True,
                cwd=project.root,
                env={**os.environ, PROJECT_VARIABLE: str(project.root)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"`{command}` took longer than {_SECONDS} s.", "Make it faster, or see why."
        if done.returncode != 0:
            lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            reason = f"`{command}` ended with exit code {done.returncode}."
            return "\n".join([reason, *lines[-8:]]), "Fix what it says, then run this again."
    return None
