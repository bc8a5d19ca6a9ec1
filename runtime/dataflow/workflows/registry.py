"""Which workflows there are, and the Dagster job of each.

Finding workflows reads folder names only. Loading one imports that one, so that a hundred
workflows cost nothing until they are needed and one that cannot be imported harms no other.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.conflict_markers import CONFLICT, conflict_line
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.project import Project, find_project
from dataflow.shared.recorded_id import check_recorded_id
from dataflow.shared.redaction import redact
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.suggestion import known_names, nearest
from dataflow.workflows.identifiers import check_workflow_id, workflow_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from dagster import JobDefinition

__all__ = [
    "BrokenWorkflow",
    "BrokenWorkflowError",
    "Workflow",
    "WorkflowNotFoundError",
    "get_workflow",
    "list_workflow_ids",
    "load_workflows",
    "register_workflow",
]

_PACKAGE = "dataflow.workflows"
# A folder is a workflow when it has one of these.
_MARKERS = ("config.yaml", "dagster_job.py")


@dataclass(frozen=True)
class Workflow:
    """A registered workflow; ``registered_at`` is ``file:line`` of the call that did so."""

    workflow_id: str
    job: JobDefinition
    description: str
    registered_at: str


@dataclass(frozen=True)
class BrokenWorkflow:
    """A workflow that is there but cannot be loaded, and why."""

    workflow_id: str
    reason: str


class WorkflowNotFoundError(BadInputError):
    """No workflow has that id.

    Why: A workflow is a folder in `src/dataflow/workflows` with a `dagster_job.py`; the id is
    the folder's name.

    What to do: `dataflow workflow list` says which there are. Somewhere else than in the
    project's folder, set DATAFLOW_PROJECT.
    """

    http_status = 404


class BrokenWorkflowError(BadInputError):
    """The workflow is there, but its code cannot be imported or does not register a job.

    Why: Registering a workflow imports its `dagster_job.py`, and with it `ingestion.py`,
    `transform.py` and `assets.py`. One of them fails there, or the job is registered under
    another id. Other workflows run.

    What to do: `dataflow workflow check NAME` names file and line.
    """

    http_status = 409


_registered: dict[str, Workflow] = {}


def register_workflow(workflow_id: str, job: JobDefinition, description: str = "") -> Workflow:
    """Make a job known as the job of a workflow.

    Args:
        workflow_id: Lower snake_case; the name of the workflow's folder. `__package__` will do.
        job: A Dagster job, from a plain ``@job`` or built in any other way.
        description: One sentence for people.

    Raises:
        BadInputError: The id is not allowed, ``job`` is not a Dagster job, or another place has
            registered the id already.

    >>> from dagster import job, op
    >>> @op
    ... def fetch() -> None: ...
    >>> @job
    ... def orders_job() -> None:
    ...     fetch()
    >>> register_workflow("orders", job=orders_job, description="Orders per day").workflow_id
    'orders'
    """
    workflow_id = check_workflow_id(workflow_of(workflow_id))
    _check_job(workflow_id, job)
    frame = sys._getframe(1)
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    known = _registered.get(workflow_id)
    if known is not None and known.registered_at != place and not _is_reload(known, frame):
        raise BadInputError(
            f"The workflow {workflow_id!r} is registered twice: at {known.registered_at} "
            f"and at {place}.",
            "Remove one of the two calls, or give one workflow another id and folder.",
        )
    _registered[workflow_id] = Workflow(workflow_id, job, description, place)
    return _registered[workflow_id]


def list_workflow_ids(project: Project | None = None) -> list[str]:
    """The ids of all workflows of a project, sorted, without importing any.

    >>> list_workflow_ids()
    ['sales']
    """
    folder = (project or find_project()).workflows_dir
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if _is_workflow(entry))


def check_known(workflow_id: str, project: Project) -> None:
    """Make sure that a project has a workflow, without importing it.

    Raises:
        WorkflowNotFoundError: The project has no such workflow.
    """
    if not _is_workflow_id(project, workflow_id):
        ids = list_workflow_ids(project)
        raise WorkflowNotFoundError(
            f"There is no workflow {quoted(workflow_id)} in {project.root}.",
            _what_to_do(workflow_id, ids),
        )


def get_workflow(workflow_id: str, project: Project | None = None) -> Workflow:
    """Import one workflow, and only that one.

    Raises:
        WorkflowNotFoundError: The project has no such workflow.
        BrokenWorkflowError: Its code raises on import, or registers no job under its own id.
        RenamedByHandError: Its folder was renamed or copied by hand.

    >>> get_workflow("sale")
    Traceback (most recent call last):
    dataflow.workflows.registry.WorkflowNotFoundError: There is no workflow 'sale' in ...
    """
    project = project or find_project()
    check_known(workflow_id, project)
    _check_namespace(project)
    check_recorded_id(project, workflow_id)
    project.make_importable()
    place = project.relative(project.workflow_dir(workflow_id))
    try:
        check_workflow_id(workflow_id)
        importlib.import_module(f"{_PACKAGE}.{workflow_id}.dagster_job")
    except (Exception, SystemExit) as error:  # whatever the author's module does at import
        _registered.pop(workflow_id, None)
        advice = error.instruction if isinstance(error, DataflowError) else f"Fix it in {place}."
        raise BrokenWorkflowError(
            f"The workflow {workflow_id!r} cannot be loaded: {_explain(error, project)}",
            f"{redact(advice)} `dataflow workflow list --check` says whether it loads then.",
        ) from error
    workflow = _registered.get(workflow_id)
    if workflow is None:
        others = [found.workflow_id for found in _registered.values() if place in _file_of(found)]
        instead = f"; it registers {', '.join(map(repr, others))}" if others else ""
        raise BrokenWorkflowError(
            f"{place}/dagster_job.py does not register the workflow {workflow_id!r}{instead}.",
            f'End it with register_workflow(workflow_id="{workflow_id}", job=...).',
        )
    return workflow


def load_workflows(
    project: Project | None = None, only: Iterable[str] | None = None
) -> tuple[list[Workflow], list[BrokenWorkflow]]:
    """Import every workflow of a project: those that load, and the broken ones with the reason.

    Args:
        only: The ids of those that are asked for; default: all.

    >>> loaded, broken = load_workflows()
    >>> [workflow.workflow_id for workflow in loaded], broken
    (['sales'], [])
    """
    project = project or find_project()
    loaded: list[Workflow] = []
    broken: list[BrokenWorkflow] = []
    for workflow_id in list_workflow_ids(project) if only is None else only:
        try:
            loaded.append(get_workflow(workflow_id, project))
        except DataflowError as error:
            broken.append(BrokenWorkflow(workflow_id, error.reason))
    return loaded, broken


def _is_workflow(folder: Path) -> bool:
    try:
        return any((folder / marker).is_file() for marker in _MARKERS)
    except OSError:
        # Such as a name that is longer than a file system allows.
        return False


def _is_workflow_id(project: Project, workflow_id: str) -> bool:
    """Whether a workflow has that id, without looking at the others: loading all must be linear."""
    folder = project.workflow_dir(workflow_id)
    is_direct = folder.parent == project.workflows_dir and folder.name == workflow_id
    return is_direct and _is_workflow(folder)


def _check_job(workflow_id: str, job: object) -> None:
    from dagster import JobDefinition

    if isinstance(job, JobDefinition):
        return
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

    if isinstance(job, UnresolvedAssetJobDefinition):
        raise BadInputError(
            f"The job of {workflow_id!r} is a job of assets, which Dagster makes of them later.",
            f"Pass job=Definitions(assets=[...], jobs=[define_asset_job({job.name!r}, ...)])"
            f".resolve_job_def({job.name!r}).",
        )
    raise BadInputError(
        f"The job of {workflow_id!r} is a {type(job).__name__}, not a Dagster job.",
        "Pass the function that @job decorates.",
    )


def _check_namespace(project: Project) -> None:
    """Refuse the two files that would hide the library or every workflow from Python."""
    for folder in (project.workflows_dir.parent, project.workflows_dir):
        stray = folder / "__init__.py"
        if stray.exists():
            raise BadInputError(
                f"{project.relative(stray)} makes Python see only one of the two folders named "
                f"{folder.name!r}: the project's or the library's.",
                "Delete that file; both folders are namespace packages and need none.",
            )


def _file_of(workflow: Workflow) -> str:
    return workflow.registered_at.rpartition(":")[0]


def _is_reload(known: Workflow, frame: FrameType) -> bool:
    """Whether the module that registered a workflow runs again, its lines moved by an edit."""
    module = sys.modules.get(str(frame.f_globals.get("__name__")))
    first_time = getattr(getattr(module, "__spec__", None), "_initializing", False)
    return _file_of(known) == frame.f_code.co_filename and not first_time


def _what_to_do(workflow_id: str, ids: list[str]) -> str:
    near = nearest(workflow_id, ids)
    if near:
        return f"Did you mean {near!r}?"
    if ids:
        return f"The project has: {known_names(ids, 20)}."
    return (
        f"It has no workflow yet; make one with `dataflow workflow new {shortened(workflow_id)}`."
    )


def _explain(error: BaseException, project: Project) -> str:
    """Say in one or two lines what an import raised and where in the project."""
    if isinstance(error, DataflowError):
        return redact(error.reason)
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        file = Path(error.filename)
        place = project.relative(file)
        with suppress(OSError, ValueError):
            if line := conflict_line(file.read_text(encoding="utf-8")):
                return f"{place}:{line}: {CONFLICT}."
        return f"{kind} in {place}:{error.lineno}: {error.msg}."
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(project.source_dir)]
    where = f" at {project.relative(Path(own[-1].filename))}:{own[-1].lineno}" if own else ""
    return redact(f"{kind}{where}: {error}.")
