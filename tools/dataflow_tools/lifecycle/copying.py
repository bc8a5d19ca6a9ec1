"""``dataflow workflow copy``: a workflow that begins as another one is, without its past."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import counted
from dataflow.shared.upstream import is_workflow_folder
from dataflow.warehouse.kind import shown_location, visible_warehouse
from dataflow.workflows.identifiers import check_workflow_id
from dataflow_tools.lifecycle.plan import Plan, title_of
from dataflow_tools.lifecycle.references import Names, Rewriting, declared_id, everything, own_files
from dataflow_tools.lifecycle.refusals import (
    check_committed,
    check_folder,
    check_free,
    check_no_tables,
)
from dataflow_tools.lifecycle.rename import look_at, settings_of, sorted_last, with_named_table
from dataflow_tools.scaffold.git import find_top, run_git

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.lifecycle.transaction import Transaction


def plan_copy(project: Project, old: str, new: str) -> Plan:
    """Plan to copy a workflow, or to make one of a folder that was copied by hand.

    Raises:
        BadInputError: A name is not allowed, not known or taken.
    """
    if old == new:
        raise BadInputError(f"{old!r} has that name already.", "Give another name.")
    check_workflow_id(new)
    source, target = project.workflow_dir(old), project.workflow_dir(new)
    is_there = is_workflow_folder(target) and not target.is_symlink() and declared_id(target) == old
    if is_there:
        # Where the original is gone there is nothing that it could be mixed up with.
        check_no_tables(project, new)
    else:
        check_folder(project, old)
        check_free(project, new)
    folder = target if is_there else source
    names = Names.of(project, old, new, folder.name)
    own = with_named_table(folder, own_files(folder, names), old)
    plan = Plan(title_of("copy", old, new))
    shown = project.relative(target)
    if is_there:
        check_committed(project, [one.path for one in own])
        plan.does.append(("folder", f"{shown} (it was copied by hand already)"))
        plan.prepare = partial(_right, own)
    else:
        found = _files(folder)
        # A repository of its own has a history of its own.
        files = [path for path in found if path.is_symlink() or not path.is_dir()]
        plan.look_at += [
            f"{project.relative(path)} is a git repository of its own, and is not copied."
            for path in found
            if path not in files
        ]
        how = f"{project.relative(folder)} -> {shown}: {counted(len(files), 'file')}"
        plan.does.append(("folder", how))
        plan.prepare = partial(_copy, folder, target, files, own)
        plan.back = [f"dataflow workflow remove {new}"]
    tables = shown_location(project, visible_warehouse(project, new))
    plan.does.append(("tables", f"its own, {tables}: none yet"))
    plan.add_files(project, own)
    plan.stays = [
        f"{old} itself, its tables, watermarks, runs and dashboards: {new} begins without any.",
        f"What other workflows and pages say of {old} goes on meaning {old}.",
    ]
    workflow = settings_of(folder).get("workflow")
    workflow = workflow if isinstance(workflow, dict) else {}
    if schedule := workflow.get("schedule"):
        plan.look_at.append(f"config.yaml: {new} has the schedule of {old}, {schedule!r}.")
    if workflow.get("name"):
        plan.look_at.append(f"config.yaml: {new} has the name of {old}, {workflow['name']!r}.")
    plan.look_at += look_at(folder, old, new)
    plan.next = [f"dataflow workflow run {new}", f"dataflow workflow check {new}"]
    return plan


def _right(own: list[Rewriting], transaction: Transaction) -> None:
    for one in sorted_last(own):
        transaction.put(one.path, one.after, one.before, after_moving=False)


def _copy(
    folder: Path, target: Path, files: list[Path], own: list[Rewriting], transaction: Transaction
) -> None:
    aside = transaction.room / "copy"
    for path in files:
        place = aside / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place, follow_symlinks=False)
    for one in own:
        place = aside / one.path.relative_to(folder)
        if place.exists():
            place.write_bytes(one.after)
    transaction.move(aside, target)


def _files(folder: Path) -> list[Path]:
    """The files that make the workflow: what git has or would take, links as they are."""
    if find_top(folder) is None:
        return list(everything(folder))
    listing = run_git(
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."), cwd=folder
    )
    names = sorted(set(os.fsdecode(listing).split("\0")[:-1]))
    return [folder / name for name in names if os.path.lexists(folder / name)]
