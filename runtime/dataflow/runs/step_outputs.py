"""What the steps of a job hand to each other, where its author has not chosen how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import IOManager, io_manager
from dagster._core.definitions.job_definition import default_job_io_manager
from dagster._core.storage.mem_io_manager import InMemoryIOManager

from dataflow.runs.shared_run import bring_output, share_output, state_store
from dataflow.shared.project import ProjectNotFoundError, find_project

if TYPE_CHECKING:
    from dagster import InitResourceContext, InputContext, JobDefinition, OutputContext

    from dataflow.shared.file_store import FileStore


class StepOutputs(IOManager):
    """Hands values on as another manager does, but none that can be gone through only once.

    A step that is tried again, or two steps that take the same rows, would else find the rest of
    a generator, which nobody notices.

    Args:
        shared: Where they are for other machines as well; for a manager that writes files.
    """

    def __init__(self, inner: IOManager, shared: FileStore | None = None) -> None:
        self._inner: Any = inner
        self._shared = shared

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Keep what a step returned."""
        self._inner.handle_output(context, settled(obj))
        if self._shared is not None and not context.has_asset_key:
            share_output(self._shared, *self._place(context))

    def load_input(self, context: InputContext) -> Any:
        """What an earlier step returned."""
        if self._shared is not None and not context.has_asset_key:
            bring_output(self._shared, *self._place(context))
        return self._inner.load_input(context)

    def _place(self, context: InputContext | OutputContext) -> tuple[str, Path]:
        """What a value is called by run, step and output, and its file on this machine."""
        name = self._inner.get_op_output_relative_path(context).as_posix()
        return name, Path(str(self._inner._get_path(context)))


def settled(value: Any) -> Any:
    """A value, or a dict with its ``data``, as a list or table in place of an iterator."""
    if isinstance(value, dict) and isinstance(value.get("data"), Iterator):
        return {**value, "data": settled(value["data"])}
    if isinstance(value, Iterator):
        return value.read_all() if hasattr(value, "read_all") else list(value)
    return value


def has_default_outputs(job: JobDefinition) -> bool:
    """Whether a job's author has chosen no way of their own."""
    return job.resource_defs.get("io_manager") is default_job_io_manager


@io_manager
def in_memory(_: InitResourceContext) -> IOManager:
    """For a run whose steps share one process, and which nobody takes up again."""
    inner: Any = InMemoryIOManager
    return StepOutputs(inner())


@io_manager
def in_files(context: InitResourceContext) -> IOManager:
    """For a run of the service: as Dagster keeps values by default."""
    default: Any = default_job_io_manager.resource_fn
    try:
        store = state_store(find_project())
    except ProjectNotFoundError:
        # A job that somebody executes outside of any project shares nothing.
        store = None
    return StepOutputs(default(context), store)
