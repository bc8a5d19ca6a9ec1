"""``dataflow workflow remove``: a workflow is taken out, and how to get it back is said."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import counted
from dataflow.warehouse.database import STATES_FOLDER
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import visible_warehouse
from dataflow_tools.fleet.worktree import read_work_tree
from dataflow_tools.lifecycle.plan import Plan, title_of
from dataflow_tools.lifecycle.records import has_published, runs_in_history, unfinished_runs
from dataflow_tools.lifecycle.references import Names, Rewriting, everything, files_of_others
from dataflow_tools.lifecycle.refusals import check_folder
from dataflow_tools.lifecycle.tables import summary
from dataflow_tools.scaffold.git import find_top, run_git, succeeds

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.lifecycle.transaction import Transaction

# Two underscores: no workflow can be called so.
_NOBODY = "removed__workflow"
_MOST = 8


class StillUsedError(BadInputError):
    """Others read the workflow that is to be removed."""


def plan_removal(project: Project, name: str, *, purge: bool) -> Plan:
    """Plan to take a workflow out of the project.

    Args:
        purge: Delete its tables too, and keep no copy of its folder.

    Raises:
        BadInputError: There is no such workflow, others read it, or with ``purge`` git does not
            have all of it.
    """
    folder = check_folder(project, name)
    others = files_of_others(project, Names.of(project, name, _NOBODY, name), folder)
    _refuse_if_used(project, name, [one for one in others if _is_use(one)])
    if waiting := unfinished_runs(project, name):
        raise BadInputError(
            f"{counted(waiting, 'run')} of {name!r} wait in Dagster's queue.",
            "Let them run or cancel them, then run this again.",
        )
    plan = Plan(title_of("remove", name))
    shown = project.relative(folder)
    is_committed = _is_committed(project, folder)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    kept = project.files_dir / "removed" / f"{name}-{stamp}"
    from_git = _from_git(project, folder) if is_committed else []
    if purge:
        if not is_committed:
            raise BadInputError(
                f"{shown} has files or changes that git does not have. Nothing was removed.",
                "Commit them, then run this again; without --purge the folder is kept aside.",
            )
        plan.does.append(("folder", f"{shown}: deleted; git has it"))
        plan.back = from_git
    else:
        aside = project.relative(kept)
        plan.does.append(("folder", f"{shown} -> {aside}, as it is"))
        plan.back = from_git or [f"mv {shlex.quote(aside)} {shlex.quote(shown)}"]
        if from_git:
            plan.stays.append(f"What git does not have of the folder is in {aside} alone.")
    tables = _tables(project, name, plan, purge=purge)
    if has_published(project, name):
        plan.does.append(("dashboards", f"/{name}/ is taken off; the next run publishes it again"))
    if runs := runs_in_history(project, name):
        plan.stays.append(f"Dagster's history keeps {counted(runs, 'run')} of it, with their logs.")
    for one in others:
        numbers = ", ".join(str(number) for number, _ in one.lines)
        plan.look_at.append(f"{project.relative(one.path)}:{numbers} tells of {name}.")
    plan.back.append(f"dataflow workflow run {name}")
    plan.next = ["git add --all, then commit"] if find_top(project.root) else []
    plan.prepare = partial(_prepare, project, name, None if purge else kept, tables)
    return plan


def _prepare(
    project: Project, name: str, kept: Path | None, tables: list[Path], transaction: Transaction
) -> None:
    target = kept or transaction.room / "removed"
    transaction.move(project.workflow_dir(name), target)
    for path in tables:
        transaction.drop(path)
    transaction.record("unpublish", root=str(project.root), name=name)
    for kind in ("dbt", "runs"):
        transaction.drop(project.state_dir / kind / name)


def _tables(project: Project, name: str, plan: Plan, *, purge: bool) -> list[Path]:
    """Say what becomes of the tables; the files that go."""
    warehouse = visible_warehouse(project, name)
    if not warehouse.exists():
        return []
    if not isinstance(warehouse, DuckDBFile):
        plan.stays.append(
            f"The tables at {warehouse.location}: delete them there, if they shall go."
        )
        return []
    file = project.warehouse_file(name)
    rows = ", ".join(f"{table} ({count:,})" for table, count in summary(file)) or "none"
    shown = project.relative(file)
    states = file.resolve().parent / STATES_FOLDER / name
    if purge:
        plan.does.append(("tables", f"{shown} is deleted, with its earlier states: {rows}"))
        return [file, states]
    plan.stays.append(
        f"The tables, in {shown} with their watermarks: {rows}. They are the workflow's again when "
        "it is back."
    )
    return []


def _refuse_if_used(project: Project, name: str, uses: list[Rewriting]) -> None:
    places = [
        f"{project.relative(one.path)}:{number}: {text}"
        for one in uses
        for number, text in one.lines
    ]
    if places:
        more = [f"and {len(places) - _MOST} more"] if len(places) > _MOST else []
        listed = "\n  ".join([*places[:_MOST], *more])
        raise StillUsedError(
            f"Others read {name!r}, and would fail without it:\n  {listed}",
            "Take that out first, then run this again.",
        )


def _is_use(one: Rewriting) -> bool:
    """Whether a file would fail, and does not only tell of the workflow."""
    parts = one.path.parts
    return ("workflows" in parts and one.path.suffix != ".md") or "evidence" in parts


def _is_committed(project: Project, folder: Path) -> bool:
    """Whether git has each file of the folder, as it is; what tools leave there does not count.

    Git is not asked whether files have changed alone: it may have been told not to look.
    """
    if find_top(project.root) is None:
        return False
    home = folder.resolve()
    tree = read_work_tree(project.root, [home])
    names = [path.relative_to(home).as_posix() for path in everything(home)]
    tracked = set(tree.tracked_in(home))
    if tree.changed_in(home) or tree.unmerged_in(home) or not tracked or set(names) - tracked:
        return False
    files = [tree.path(home, name) for name in names if not (home / name).is_symlink()]
    listed = "".join(f"{name}\n" for name in files).encode()
    hashes = run_git("hash-object", "--stdin-paths", cwd=tree.top, stdin=listed).decode().split()
    has_all = hashes == [tree.tracked[name] for name in files]
    return has_all and succeeds("rev-parse", "--verify", "HEAD", cwd=home)


def _from_git(project: Project, folder: Path) -> list[str]:
    head = run_git("rev-parse", "--short", "HEAD", cwd=project.root).decode().strip()
    return [f"git restore --source={head} -- {shlex.quote(project.relative(folder))}"]
