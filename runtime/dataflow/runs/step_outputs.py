"""What the steps of a job hand to each other, where its author has not chosen how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagster import IOManager, io_manager
from dagster._core.definitions.job_definition import default_job_io_manager
from dagster._core.storage.mem_io_manager import InMemoryIOManager

if TYPE_CHECKING:
    from dagster import InitResourceContext, InputContext, JobDefinition, OutputContext


class StepOutputs(IOManager):
    """Hands values on as another manager does, but none that can be gone through only once.

    A step that is tried again, or two steps that take the same rows, would else find the rest of
    a generator, which nobody notices.
    """

    def __init__(self, inner: IOManager) -> None:
        self._inner = inner

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Keep what a step returned."""
        self._inner.handle_output(context, settled(obj))

    def load_input(self, context: InputContext) -> Any:
        """What an earlier step returned."""
        return self._inner.load_input(context)


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
    return StepOutputs(default(context))
