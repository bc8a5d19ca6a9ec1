"""What the steps of one run share: found once, when the run starts, and handed to each of them."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.lock import is_held_for, workflow_lock
from dataflow.runs.run_parameters import with_run_parameters
from dataflow.shared.config import CONFIG_FILE, hold_config, workflow_config
from dataflow.shared.errors import BadInputError
from dataflow.shared.logging import bind_run
from dataflow.shared.project import find_project, use_project
from dataflow.shared.step_progress import StepProgress, hold_progress
from dataflow.shared.upstream import is_workflow_folder
from dataflow.warehouse.kind import AtomicWarehouse, share_warehouse, visible_warehouse
from dataflow.warehouse.run_warehouse import RunWarehouse
from dataflow.warehouse.upstream_tables import upstream_tables
from dataflow.workflows.identifiers import workflow_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster import DagsterRun
    from duckdb import DuckDBPyConnection

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project
    from dataflow.warehouse.kind import HeldTables, Warehouse

_current: ContextVar[RunContext | None] = ContextVar("dataflow_run", default=None)


@dataclass(frozen=True)
class RunContext:
    """One run of a workflow.

    Args:
        config: The workflow's configuration; ``None`` if it has no ``config.yaml``.
        is_locked: Whether a process holds the workflow for as long as the run takes, and makes what
            it wrote visible at its end. If none does, each step shows what it has done.
        resumes: The failed run that this one goes on from, if it leaves out steps.
        progress: How far its step is.
    """

    project: Project
    workflow_id: str
    run_id: str
    config: WorkflowConfig | None
    is_locked: bool = True
    resumes: str = ""
    progress: StepProgress = field(default_factory=StepProgress, compare=False, repr=False)

    @property
    def settings(self) -> WorkflowConfig:
        """The configuration, for steps that cannot do without.

        Raises:
            ConfigError: The workflow has none.
        """
        return self.config or workflow_config(self.workflow_id, self.project)

    @cached_property
    def warehouse(self) -> Warehouse:
        """Where the workflow's tables are. It is open only while a step works on it.

        Between two steps other programs may use it: dbt, or what an author's own step starts.
        What the run writes is seen by nobody else before the run has ended well.
        """
        visible = visible_warehouse(self.project, self.workflow_id)
        if self.shows_at_end and isinstance(visible, AtomicWarehouse):
            return RunWarehouse(visible, self.run_id, self.resumes, self.upstream)
        return visible

    @cached_property
    def upstream(self) -> dict[str, HeldTables]:
        """The tables of the workflows that this one comes after, as the run sees them, by id."""
        return upstream_of(self.project, self.workflow_id, self.config)

    @property
    def shows_at_end(self) -> bool:
        """Whether what the run writes is seen at its end, and not step by step."""
        return self.is_locked and self.project.settings.all_or_nothing

    @property
    def unfinished(self) -> str:
        """Where a person finds what the run has written so far, if nobody else sees it."""
        visible = visible_warehouse(self.project, self.workflow_id)
        return visible.unfinished(self.run_id) if isinstance(visible, AtomicWarehouse) else ""

    @property
    def folder(self) -> Path:
        """Where the steps write down their rows for each other."""
        return self.project.state_dir / "runs" / self.workflow_id / self.run_id

    def lock(self) -> AbstractContextManager[None]:
        """Hold the workflow for one step, where nobody holds it for the whole run."""
        return nullcontext() if self.is_locked else workflow_lock(self.project, self.workflow_id)


def upstream_of(
    project: Project, workflow_id: str, config: WorkflowConfig | None
) -> dict[str, HeldTables]:
    """The tables of the workflows that one comes after, as it sees them, by their ids."""
    named = config.workflow.upstreams if config else []
    found = [each for each in named if is_workflow_folder(project.workflow_dir(each))]
    return upstream_tables(project, workflow_id, found)


def own_config(project: Project, workflow_id: str) -> WorkflowConfig | None:
    """The configuration of a workflow, or ``None``: one written by hand need not have any.

    Raises:
        ConfigError: The file is wrong.
    """
    folder = project.workflow_dir(workflow_id)
    has_config = is_workflow_folder(folder) and (folder / CONFIG_FILE).exists()
    return workflow_config(workflow_id, project) if has_config else None


def current_run() -> RunContext | None:
    """The run that this thread executes, if it executes one."""
    return _current.get()


@contextmanager
def share_with_author(
    project: Project, workflow_id: str, known: WorkflowConfig | None = None
) -> Iterator[WorkflowConfig | None]:
    """Find project and configuration once, for whoever asks inside.

    `find_project` and `load_config`, which the author's code calls, answer with them.

    Args:
        known: The configuration, if it has been read already.

    Raises:
        ConfigError: The workflow's config.yaml is wrong.
    """
    with use_project(project):
        config = known or own_config(project, workflow_id)
        if config is None:
            yield None
            return
        path = project.workflow_dir(workflow_id) / CONFIG_FILE
        with hold_config(path, lambda: config):
            yield config


@contextmanager
def enter_run(run: RunContext) -> Iterator[RunContext]:
    """Make a run the current one: for its steps and for the log."""
    before = _current.get()
    _current.set(run)
    try:
        with (
            bind_run(run.workflow_id, run.run_id),
            hold_progress(run.progress),
            share_warehouse(run.project, run.workflow_id, lambda: run.warehouse),
        ):
            yield run
    finally:
        _current.set(before)


@contextmanager
def run_of_step(workflow_id: str) -> Iterator[RunContext]:
    """The run whose step executes here; one of its own for a step in a process of its own.

    Raises:
        BadInputError: The run is one of another workflow, whose steps have no business here.
    """
    current = current_run()
    if current is not None and current.workflow_id == workflow_id:
        yield current
        return
    from dagster import OpExecutionContext

    project, dagster_run = find_project(), OpExecutionContext.get().run
    running = current.workflow_id if current else dagster_run.tags.get(WORKFLOW_TAG, workflow_id)
    if running != workflow_id:
        raise BadInputError(
            f"The job of {running!r} has the steps of {workflow_id!r}, and would write its tables.",
            "Write `steps = Steps(__package__)` in its dagster_job.py. If the folder was copied: "
            f"dataflow workflow copy {workflow_id} {running}",
        )
    run_id = dagster_run.run_id
    known = with_run_parameters(own_config(project, workflow_id), dagster_run.run_config)
    with share_with_author(project, workflow_id, known) as config:
        is_held = is_held_for(project, workflow_id, run_id)
        own = RunContext(project, workflow_id, run_id, config, is_held, resumed_run(dagster_run))
        with enter_run(own):
            yield own


@contextmanager
def open_warehouse(workflow_id: str, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """A DuckDB connection to the tables of a workflow.

    In an op of one of the workflow's own runs the tables are those that the run has made so far,
    and what the op changes is seen by others when the whole run has succeeded. Elsewhere they
    are those of the last good run.

    Args:
        workflow_id: Its id, or the name of a module of it, such as ``__package__``.
        read_only: Change nothing; outside of a run nothing else is needed, and lets others in.

    Raises:
        WarehouseError: There are no tables yet, or another program has them open for writing.
    """
    workflow_id = workflow_of(workflow_id)
    if not _executes_run_of(workflow_id):
        warehouse = visible_warehouse(find_project(), workflow_id)
        with warehouse.connect(read_only=read_only) as connection:
            yield connection
        return
    with run_of_step(workflow_id) as run, run.lock():  # noqa: SIM117
        with run.warehouse.connect(read_only=read_only) as connection:
            yield connection


def _executes_run_of(workflow_id: str) -> bool:
    """Whether a step of a workflow's run executes here, also in a process of its own."""
    current = current_run()
    if current is not None:
        return current.workflow_id == workflow_id
    from dagster import OpExecutionContext
    from dagster._core.errors import DagsterInvariantViolationError

    try:
        tags = OpExecutionContext.get().run.tags
    except DagsterInvariantViolationError:
        return False
    return tags.get(WORKFLOW_TAG) == workflow_id


def resumed_run(dagster_run: DagsterRun) -> str:
    """The run that one goes on from, leaving out what that one has done; empty for a whole run."""
    is_part = dagster_run.step_keys_to_execute is not None
    return (dagster_run.parent_run_id or "") if is_part else ""
