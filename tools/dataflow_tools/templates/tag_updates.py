"""Instances of each released version, updated to the working tree: equal to fresh ones, whole."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import Project
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.render import Owner
from dataflow_tools.fleet.results import UpdateStatus
from dataflow_tools.fleet.tree import Entry, read_entry
from dataflow_tools.fleet.update import Request, update_workflows
from dataflow_tools.scaffold.git import run_git
from dataflow_tools.templates.rendered_project import (
    PROJECT_SET,
    RenderedProject,
    render_fresh,
    render_project,
)
from dataflow_tools.templates.snapshot import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.render import Rendering
    from dataflow_tools.fleet.render_cache import RenderCache
    from dataflow_tools.fleet.results import UpdateReport

# What a person writes at the end of a file, by the file's ending.
_COMMENTS = {
    ".py": "# mine",
    ".yaml": "# mine",
    ".yml": "# mine",
    ".toml": "# mine",
    ".sql": "-- mine",
    ".md": "\nMine.",
}
_OWN_FILE = "mine.txt"


@dataclass
class TagUpdate:
    """What came of updating instances of one version.

    Args:
        problems: For each the set of answers, the file and what is wrong.
        conflicts: How often which file conflicts with a line that a person wrote at its end.
        refused: How many sets the old version does not take.
    """

    tag: str
    instances: int = 0
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    conflicts: Counter[str] = field(default_factory=Counter)
    refused: int = 0


def update_from(
    cache: RenderCache,
    old: Export,
    new: Export,
    sets: Mapping[str, Mapping[str, Any]],
    folder: Path,
    progress: Callable[[str], None],
) -> TagUpdate:
    """Render every set of answers by an old version, and update untouched and edited ones.

    Args:
        folder: An empty folder to work in.
    """
    found = TagUpdate(old.version.name)
    before = render_project(cache, old, sets, folder / "untouched", progress)
    found.refused = len(before.refused)
    found.instances = len(before.renderings)
    _commit(before.project.root)
    edited = Project(folder / "edited")
    shutil.copytree(before.project.root, edited.root, symlinks=True)
    written = _edit(edited, before)
    progress(f"updating {found.instances} instances of {found.tag}")
    for project, kind in ((before.project, "untouched"), (edited, "edited")):
        report = _update(project, new, cache)
        _tell_failures(found, report, kind)
    _compare(cache, new, before, found)
    _look_for_edits(edited, written, found)
    return found


def _update(project: Project, new: Export, cache: RenderCache) -> UpdateReport:
    request = Request(project=True, reference=new.version.commit)
    return update_workflows(project, request, shared=cache)


def _tell_failures(found: TagUpdate, report: UpdateReport, kind: str) -> None:
    for outcome in report.outcomes:
        if outcome.status is UpdateStatus.CONFLICT and kind == "edited":
            found.conflicts.update(outcome.conflicts)
        elif outcome.status is UpdateStatus.CONFLICT:
            for path in outcome.conflicts:
                text = "it conflicts although nobody edited it"
                found.problems.append((outcome.workflow_id, path, text))
        elif outcome.status is UpdateStatus.FAILED or outcome.status is UpdateStatus.SKIPPED:
            reason = f"the update fails: {outcome.reason} {outcome.instruction}"
            found.problems.append((outcome.workflow_id, "", reason))


def _compare(cache: RenderCache, new: Export, before: RenderedProject, found: TagUpdate) -> None:
    """Hold updated instances that nobody edited against what is rendered now."""
    for name, old in before.renderings.items():
        folder = before.folder(name)
        try:
            # Recorded answers have their keys sorted; given as they were, they keep their order.
            given = {**old.answers, **before.given[name]}
            fresh = render_fresh(cache, new, folder.name, given)
        except DataflowError as error:
            found.problems.append((name, "", f"the same answers are refused now: {error.reason}"))
            continue
        wanted = _wanted(old, fresh)
        for path in sorted({*old.files, *fresh.files, ANSWERS_FILE}):
            there, expected = read_entry(folder / path), wanted.get(path)
            if path == ANSWERS_FILE:
                expected = Entry(fresh.answers_text.encode())
            if there != expected:
                found.problems.append((name, path, _difference(there, expected)))


def _wanted(old: Rendering, fresh: Rendering) -> dict[str, Entry]:
    """What an updated instance has: its own files as they were, all others as a fresh one's."""
    wanted = dict(fresh.files)
    for path, entry in old.files.items():
        if fresh.owner(path) is Owner.YOURS or (
            path not in fresh.files and old.owner(path) is Owner.YOURS
        ):
            wanted[path] = entry
    return wanted


def _difference(there: Entry | None, expected: Entry | None) -> str:
    if there is None:
        return "it is missing after the update; a fresh instance has it"
    if expected is None:
        return "it is left over after the update; a fresh instance does not have it"
    lines = zip(there.data.splitlines(), expected.data.splitlines(), strict=False)
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            shown = [line.decode(errors="replace")[:80] for line in (one, other)]
            return (
                f"line {number} is {shown[0]!r} after the update, and {shown[1]!r} in a fresh one"
            )
    return "it differs from a fresh one's in its length or its permissions"


def _edit(project: Project, made: RenderedProject) -> list[tuple[str, str, bytes]]:
    """Write a line at the end of what people edit, and a file of their own; what has to stay."""
    written = []
    for name, rendering in made.renderings.items():
        folder = project.root if name == PROJECT_SET else project.workflow_dir(name)
        for path, entry in rendering.files.items():
            line = _COMMENTS.get(Path(path).suffix)
            if line and not entry.link and rendering.owner(path) is not Owner.GENERATED:
                with (folder / path).open("ab") as file:
                    file.write(f"{line}\n".encode())
                written.append((name, path, line.strip().encode()))
        (folder / _OWN_FILE).write_text("mine\n", encoding="utf-8")
        written.append((name, _OWN_FILE, b"mine"))
    _commit(project.root)
    return written


def _look_for_edits(
    project: Project, written: list[tuple[str, str, bytes]], found: TagUpdate
) -> None:
    for name, path, line in written:
        folder = project.root if name == PROJECT_SET else project.workflow_dir(name)
        entry = read_entry(folder / path)
        # A file that the template calls by another name now takes the edit with it.
        if entry is None:
            twins = folder.rglob(f"*{Path(path).suffix}") if name != PROJECT_SET else ()
            kept = any(line in twin.read_bytes().splitlines() for twin in twins if twin.is_file())
        else:
            kept = line in entry.data.splitlines()
        if not kept:
            text = "a line that a person wrote at its end is lost by the update"
            found.problems.append((name, path, text))


def _commit(root: Path) -> None:
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")
    if not (root / ".git").exists():
        run_git("init", "--quiet", "--initial-branch", "main", cwd=root)
    run_git("add", "--all", cwd=root)
    run_git(
        *(*quiet, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", "Rendered"),
        cwd=root,
        environment=IDENTITY,
    )
