"""``dataflow workflow rename``: a workflow gets another id, with all that it has made."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.publish.folders import SiteFolders, is_built
from dataflow.shared.errors import BadInputError
from dataflow.shared.recorded_id import righting_command
from dataflow.shared.shown import counted
from dataflow.shared.upstream import is_workflow_folder, named_in, upstream_of
from dataflow.sources.api.settings import login_variables
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import visible_warehouse
from dataflow.workflows.identifiers import check_workflow_id
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.tree import read_entry
from dataflow_tools.lifecycle.plan import Plan, title_of
from dataflow_tools.lifecycle.records import (
    has_published,
    runs_in_history,
    switches,
    unfinished_runs,
)
from dataflow_tools.lifecycle.references import (
    Names,
    Rewriting,
    declared_id,
    files_of_others,
    own_files,
    walk,
    with_table,
)
from dataflow_tools.lifecycle.refusals import (
    check_committed,
    check_folder,
    check_free,
    check_no_tables,
)
from dataflow_tools.lifecycle.tables import TablesPlan, plan_tables

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.lifecycle.transaction import Transaction

# What says last of all that the folder is right: until then it is refused.
_LAST = ("dagster_job.py", ANSWERS_FILE)


def plan_rename(project: Project, old: str, new: str) -> Plan:
    """Plan to give a workflow another id, or to finish what was done by hand.

    Raises:
        BadInputError: A name is not allowed, not known or taken; files have uncommitted changes.
    """
    folder, lies_at = _folder(project, old, new)
    target = project.workflow_dir(new)
    names = Names.of(project, old, new, lies_at)
    own = with_named_table(folder, own_files(folder, names), old)
    others = files_of_others(project, names, folder)
    is_versioned = check_committed(project, [one.path for one in (*own, *others)])
    if waiting := unfinished_runs(project, old):
        raise BadInputError(
            f"{counted(waiting, 'run')} of {old!r} wait in Dagster's queue.",
            "Let them run or cancel them, then run this again.",
        )
    tables = plan_tables(project, old, new)
    plan = Plan(title_of("rename", old, new))
    shown = project.relative(target)
    if folder == target:
        plan.does.append(("folder", f"{shown} (it is called so already)"))
        if declared_id(folder) == new:
            plan.look_at.append(f"{shown} gets what {old} has left: see that it is that workflow.")
    else:
        plan.does.append(("folder", f"{project.relative(folder)} -> {shown}"))
    plan.does += tables.told
    if runs := runs_in_history(project, old):
        plan.does.append(("history", f"{counted(runs, 'run')}, found under {new} from then on"))
    if told := switches(project, old):
        said = [f"{key.replace('_', ' ')} {'on' if told[key] else 'off'}" for key in sorted(told)]
        plan.does.append(("switches", f"they stay as they are: {', '.join(said)}"))
    if has_published(project, old):
        plan.does.append(("dashboards", f"what is published moves from /{old}/ to /{new}/"))
    plan.add_files(project, (*own, *others))
    plan.stays += [*tables.stays, *_stays(project, folder, old, new, runs)]
    plan.look_at += look_at(folder, old, new)
    plan.back = [f"dataflow workflow rename {new} {old}"]
    plan.next = [f"dataflow workflow check {new}", f"dataflow workflow run {new}"]
    if is_built(project, old) or SiteFolders.of(project).build_record.exists():
        plan.next.append("dataflow evidence build")
    if is_versioned:
        plan.next.append("git add --all, then commit")
    plan.prepare = partial(_prepare, project, (folder, target), (old, new), (own, others), tables)
    return plan


def with_named_table(folder: Path, own: list[Rewriting], old: str) -> list[Rewriting]:
    """Name the table in config.yaml, if it goes by the workflow's id and is not named."""
    path = folder / "config.yaml"
    entry = read_entry(path)
    if entry is None or entry.link or not _goes_by_id(folder, entry.data):
        return own
    known = {one.path: one for one in own}
    after = known[path].after if path in known else entry.data
    text = with_table(after.decode(), old)
    return [
        *(one for one in own if one.path != path),
        Rewriting(path, entry, text.encode()),
    ]


def sorted_last(own: list[Rewriting]) -> list[Rewriting]:
    """The files in the order of writing: until the last one is there the folder is refused."""
    return sorted(own, key=lambda one: _LAST.index(one.path.name) if one.path.name in _LAST else -1)


def look_at(folder: Path, old: str, new: str) -> list[str]:
    """What a person has to do besides: links, and variables that go by the workflow's id."""
    values = settings_of(folder)
    ingestion = values.get("ingestion")
    ingestion = ingestion if isinstance(ingestion, dict) else {}
    several = ingestion.get("sources")
    sources = {"": ingestion.get("source")}
    for name, given in several.items() if isinstance(several, dict) else ():
        sources[str(name)] = given.get("source") if isinstance(given, dict) else None
    found = [
        f"{path.relative_to(folder)} is a link to {path.readlink()}, which is not changed."
        for path in walk(folder)
        if path.is_symlink()
    ]
    for name, source in sources.items():
        if not isinstance(source, dict):
            continue
        before = login_variables(old, source, name)
        for key, variables in login_variables(new, source, name).items():
            found.append(
                f"config.yaml leaves out `{key}`: it is read from {variables[-1]} now, and no "
                f"longer from {before[key][-1]}; set that variable wherever {new} runs."
            )
    return found


def _folder(project: Project, old: str, new: str) -> tuple[Path, str]:
    """Where the workflow's files lie now, and under which name."""
    if old == new:
        raise BadInputError(f"{old!r} has that name already.", "Give another name.")
    check_workflow_id(new)
    target, source = project.workflow_dir(new), project.workflow_dir(old)
    if is_workflow_folder(target) and not target.is_symlink() and declared_id(target) == old:
        if is_workflow_folder(source):
            raise BadInputError(
                f"{project.relative(target)} is a copy of {old!r} that was made by hand.",
                f"Make it a workflow of its own: {righting_command(project, old, new)}",
            )
        check_no_tables(project, new)
        return target, new
    if is_workflow_folder(target) and not is_workflow_folder(source) and _has_left(project, old):
        # A commit of somebody else's has brought the new name, or the command in another
        # environment.
        check_folder(project, new)
        check_no_tables(project, new)
        return target, new
    folder = check_folder(project, old)
    check_free(project, new)
    return folder, old


def _has_left(project: Project, name: str) -> bool:
    """Whether there are tables or runs of a workflow of that name."""
    return visible_warehouse(project, name).exists() or runs_in_history(project, name) > 0


def _prepare(
    project: Project,
    folders: tuple[Path, Path],
    ids: tuple[str, str],
    files: tuple[list[Rewriting], list[Rewriting]],
    tables: TablesPlan,
    transaction: Transaction,
) -> None:
    (folder, target), (old, new), (own, others) = folders, ids, files
    if folder != target:
        transaction.move(folder, target)
    tables.prepare(transaction)
    for one in others:
        transaction.put(one.path, one.after, one.before, after_moving=False)
    for one in sorted_last(own):
        place = target / one.path.relative_to(folder)
        transaction.put(place, one.after, one.before, after_moving=folder != target)
    root = str(project.root)
    transaction.record("publish", root=root, old=old, new=new)
    transaction.record("history", root=root, old=old, new=new)
    transaction.record("switches", root=root, old=old, new=new)
    for kind in ("dbt", "runs"):
        transaction.drop(project.state_dir / kind / old)
    transaction.drop(target / "__pycache__")


def _stays(project: Project, folder: Path, old: str, new: str, runs: int) -> list[str]:
    found = []
    if runs:
        found.append(
            f"In Dagster's UI the runs of before stay below the job that they were of; what they "
            f"logged says {old}."
        )
    entry = read_entry(folder / "config.yaml")
    text = entry.data.decode(errors="replace") if entry else ""
    variables = sorted(set(re.findall(rf"\$\{{({old.upper()}_\w+)", text)))
    if variables:
        found.append(
            f"The variables keep their names, so nothing is set anew: {', '.join(variables)}."
        )
    answers = read_entry(folder / ANSWERS_FILE)
    warehouse = visible_warehouse(project, old)
    has_tables = isinstance(warehouse, DuckDBFile) and warehouse.exists()
    if (
        has_tables
        and answers
        and re.search(rf"^table:[ \t]+{old}$", answers.data.decode(errors="replace"), re.M)
    ):
        found.append(f"The tables keep their names: raw.{old} is still called so, in {new}.duckdb.")
    downstream = [
        other.name
        for other in sorted(project.workflows_dir.iterdir())
        if other != folder and old in map(upstream_of, named_in(other / "config.yaml"))
    ]
    if downstream:
        found.append(f"What {', '.join(downstream)} read of it is read anew at their next run.")
    found.append(
        f"Tables and runs of {old} in other environments and on other machines, until this command "
        "is run there as well, with the new files in place."
    )
    found.append(f"Links of readers to /{old}/ and callers of the REST API have to be told: {new}.")
    return found


def _goes_by_id(folder: Path, config: bytes) -> bool:
    values = _parsed(config)
    load, ingestion = values.get("load"), values.get("ingestion")
    if isinstance(load, dict) and load.get("table"):
        return False
    if isinstance(ingestion, dict) and ingestion.get("sources"):
        return False
    job = read_entry(folder / "dagster_job.py")
    return job is not None and re.search(rb"\bSteps\(", job.data) is not None


def settings_of(folder: Path) -> dict[str, Any]:
    """What a workflow's config.yaml says, as it is written; nothing where it cannot be read."""
    entry = read_entry(folder / "config.yaml")
    return _parsed(entry.data) if entry else {}


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = yaml.safe_load(data)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}
