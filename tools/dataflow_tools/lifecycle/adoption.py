"""``dataflow workflow adopt``: a workflow that was made by hand is linked to the template."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.shown import counted
from dataflow.workflows.identifiers import check_workflow_id
from dataflow.workflows.registry import check_known
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, read_answers
from dataflow_tools.fleet.lost_answers import way_back
from dataflow_tools.fleet.tree import Entry, read_entry, read_tree
from dataflow_tools.lifecycle.plan import Plan, title_of
from dataflow_tools.lifecycle.refusals import check_folder
from dataflow_tools.lifecycle.rename import settings_of
from dataflow_tools.scaffold.create import create_workflow
from dataflow_tools.scaffold.git import find_top

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow_tools.lifecycle.transaction import Transaction

# What the template lets a workflow call its own, beside what is everybody's own: see copier.yml.
_OWN = ("config.yaml", "dagster_job.py", "__init__.py", "assets.py", "dbt", "evidence")
_QUESTION = "own_files"
# What the steps of the template's own job are made of; its tests are about them.
_CODE = ("config.yaml", "ingestion.py", "transform.py", "dagster_job.py")
_KINDS = ("file", "api", "database")
_LOGINS = ("none", "bearer_token", "basic", "api_key", "oauth2_client_credentials")


def plan_adoption(project: Project, name: str, given: Mapping[str, Any]) -> Plan:
    """Plan which of the template's files a workflow made by hand gets; its own stay.

    Args:
        given: Answers to the template's questions, which config.yaml does not give.

    Raises:
        BadInputError: There is no such folder, it is linked already, or an answer is not valid.
    """
    folder = _folder(project, name)
    for answer in ("kind", "workflow_id"):
        if answer in given:
            raise BadInputError(
                f"{answer!r} cannot be given here: it is what the folder says.",
                f"Another id is given by: dataflow workflow rename {name} NEW",
            )
    own = [path for path in _OWN if _is_own(folder / path)]
    answers = {**_inferred(folder, name, own), **given}
    files, knows_own = _render(project, name, answers, own)
    wanted = {path: entry for path, entry in files.items() if _fits(path, folder, own)}
    added = [path for path in sorted(wanted) if read_entry(folder / path) is None]
    filled = [path for path in sorted(wanted) if path not in added and _is_empty(folder / path)]
    plan = Plan(title_of("adopt", name))
    plan.does.append(("template", _told_version(files)))
    plan.does += [("add", path) for path in added]
    plan.does += [("fill", f"{path} (it is empty)") for path in filled]
    kept = [p for p in sorted(read_tree(folder)) if p not in filled and "__pycache__" not in p]
    plan.stays += [
        f"{path} is yours; an update does not touch it." for path in kept if path in files
    ]
    others = [path for path in kept if path not in files]
    if others:
        plan.stays.append(f"{counted(len(others), 'file')} that the template does not have.")
    left_out = {path.partition("/")[0] for path in files if path not in wanted} - {*own, *kept}
    if left_out:
        words = " and ".join(sorted(left_out))
        plan.stays.append(f"Not added: {words} of the template, which tell of its own steps.")
    if own and not knows_own:
        plan.look_at.append(
            f"The project's version of the template does not ask which files are your own: its "
            f"updates will be merged into {', '.join(own)}."
        )
    if back := way_back(project, folder):
        plan.look_at.append(
            f"Git has an {ANSWERS_FILE} of it. With that one back, updates go on as before, and "
            f"reach all files of the template: {back}"
        )
    if find_top(project.root) is None:
        plan.look_at.append(
            "The project is in no git repository. This needs none, but an update does: "
            "run `git init` and commit everything."
        )
    else:
        plan.next.append("git add --all, then commit")
    plan.next += [f"dataflow workflow status {name}", f"dataflow workflow check {name}"]
    shown = project.relative(folder)
    gone = " ".join(shlex.quote(f"{shown}/{path}") for path in _topmost(folder, added))
    plan.back = [f"rm -r {gone}", *(f": > {shlex.quote(f'{shown}/{path}')}" for path in filled)]
    plan.prepare = partial(_prepare, folder, {path: wanted[path] for path in (*added, *filled)})
    return plan


def _folder(project: Project, name: str) -> Path:
    check_workflow_id(name)
    folder = project.workflow_dir(name)
    if not folder.is_dir():
        check_known(name, project)
    if (folder / ANSWERS_FILE).exists():
        raise BadInputError(
            f"{name!r} is linked to a template already: {project.relative(folder / ANSWERS_FILE)}.",
            f"See how far it is: dataflow workflow status {name}",
        )
    if any((folder / each).exists() for each in ("config.yaml", "dagster_job.py")):
        check_folder(project, name)
    return folder


def _topmost(folder: Path, added: list[str]) -> list[str]:
    """The files and folders that are new as a whole."""
    found: dict[str, None] = {}
    for path in added:
        parts = path.split("/")
        steps = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        found[next(step for step in steps if not (folder / step).exists())] = None
    return list(found)


def _render(
    project: Project, name: str, answers: Mapping[str, Any], own: list[str]
) -> tuple[dict[str, Entry], bool]:
    """What the template makes of the answers, and whether it can be told which files are one's own.

    Raises:
        BadInputError: An answer is not valid.
        AnswersError: The template has no versions; such a link could never be updated.
    """
    with tempfile.TemporaryDirectory() as folder:
        # A project that has nothing but its template.
        scratch, knows_own = Project(Path(folder)), True
        with suppress(FileNotFoundError):
            shutil.copy(project.root / ANSWERS_FILE, folder)
        try:
            rendered = create_workflow(scratch, name, {**answers, _QUESTION: own}, ask=False)
        except BadInputError as error:
            if f"no question {_QUESTION}." not in error.reason:
                raise
            # An older version of the template, or somebody's own.
            knows_own = False
            rendered = create_workflow(scratch, name, answers, ask=False)
        read_answers(rendered / ANSWERS_FILE)
        return read_tree(rendered), knows_own


def _prepare(folder: Path, files: Mapping[str, Entry], transaction: Transaction) -> None:
    # The answers come last: with them it counts as linked.
    for path in sorted(files, key=lambda path: path == ANSWERS_FILE):
        target = folder / path
        transaction.put(target, files[path].data, read_entry(target), after_moving=False)


def _fits(path: str, folder: Path, own: list[str]) -> bool:
    """Whether a file of the template belongs into the folder."""
    top = path.partition("/")[0]
    if top in own:
        return False
    if top == "README.md" and "dagster_job.py" in own:
        # It tells of the steps of the template's job.
        return False
    if top == "tests":
        is_foreign = any(_is_own(folder / each) for each in _CODE)
        if is_foreign:
            # A config.yaml of the template's reads the sample.
            return path.startswith("tests/data/") and "config.yaml" not in own
    return True


def _is_own(path: Path) -> bool:
    """Whether a person has written it: a file that says something, or a folder with such files."""
    if path.is_dir():
        return any(not _is_empty(each) for each in path.rglob("*") if each.is_file())
    return path.exists() and (path.name == "__init__.py" or not _is_empty(path))


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.read_bytes().strip()


def _told_version(files: Mapping[str, Entry]) -> str:
    lines = files[ANSWERS_FILE].data.decode().splitlines()
    said = [line.partition(" ")[2] for line in lines if line.startswith(("_commit", "_src_path"))]
    return " of ".join(said)


def _inferred(folder: Path, name: str, own: list[str]) -> dict[str, Any]:
    """What config.yaml says that the template would ask."""
    values = settings_of(folder)
    has_job = "dagster_job.py" in own
    answers: dict[str, Any] = {
        # What the job of one's own does not do needs no files.
        "use_dbt": not has_job,
        "use_unit_tests": False,
        "use_evidence": not has_job,
        "use_assets": not has_job,
    }
    if "config.yaml" not in own:
        return answers
    workflow, load = _part(values, "workflow"), _part(values, "load")
    source = _part(_part(values, "ingestion"), "source")
    for key, said in (
        ("title", workflow.get("name")),
        ("description", workflow.get("description")),
    ):
        if isinstance(said, str) and said.strip():
            answers[key] = " ".join(said.split())
    answers["schedule"] = str(workflow.get("schedule") or "")
    if workflow.get("timezone"):
        answers["timezone"] = str(workflow["timezone"])
    answers["table"] = str(load.get("table") or name)
    keys = load.get("primary_key")
    answers["primary_key"] = keys if isinstance(keys, list) else [keys] if keys else []
    disposition = load.get("write_disposition")
    if disposition in ("replace", "append") or (disposition == "merge" and answers["primary_key"]):
        answers["write_disposition"] = disposition
    kind, url = source.get("type"), source.get("url")
    if kind in _KINDS and isinstance(url, str) and url.strip():
        answers |= {"source_type": kind, "source_url": url}
        if kind == "api" and source.get("auth_type") in _LOGINS:
            answers["auth_type"] = source["auth_type"]
            if source.get("token_url"):
                answers["token_url"] = str(source["token_url"])
        if kind == "database" and source.get("table"):
            answers["source_table"] = str(source["table"])
    return answers


def _part(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}
