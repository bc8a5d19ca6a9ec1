"""What went wrong in a run, in a line that its author can act on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dataflow.shared.errors import code_of_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.shared.project import Project


class ErrorInfo(Protocol):
    """Dagster's record of an exception (``SerializableErrorInfo``), or one that came over HTTP."""

    @property
    def cls_name(self) -> str | None:
        """The exception's class."""

    @property
    def message(self) -> str:
        """``class: text``, with the class's module if it has one."""

    @property
    def stack(self) -> Sequence[str]:
        """The lines of the traceback."""

    @property
    def cause(self) -> Any:
        """The record of what it was raised from, if anything."""


# What the system says when it lacks something, and what a person does about it. None of it is a
# fault of the code that it was said to.
_REMEDIES = (
    (
        ("[Errno 28]", "[Errno 27]", "[Errno 122]", "No space left", "database or disk is full"),
        "Free disk space and run again.",
    ),
    (
        ("[Errno 30]", "[Errno 13]", "[Errno 1]"),
        "Make that folder writable for whoever runs the workflow.",
    ),
    (
        ("MemoryError", "OutOfMemoryException", "Out of Memory Error"),
        "A step's rows have to fit into memory: fetch fewer at a time, or give the machine more.",
    ),
)

# What Dagster raises from an exception of an op, a resource, an IO manager or a config mapping:
# alone, it says where that was, and not what.
_AROUND = {
    "DagsterExecutionStepExecutionError",
    "DagsterExecutionLoadInputError",
    "DagsterExecutionHandleOutputError",
    "DagsterResourceFunctionError",
    "DagsterConfigMappingFunctionError",
}


def explain_failure(error: ErrorInfo, project: Project) -> str:
    """What an author's code raised, and the last place in the project that it came through."""
    if is_interruption(error):
        return "Stopped by Ctrl-C or a signal."
    cause = _raised(error)
    message: str = cause.message.strip()
    kind, _, text = message.partition(": ")
    if kind.startswith("dataflow."):
        return text
    for signs, remedy in _REMEDIES:
        if any(sign in message for sign in signs):
            return f"{message}\n{remedy}"
    own = [line for line in cause.stack if str(project.source_dir) in line]
    if not own:
        return message
    place = own[-1].strip().splitlines()[0].removeprefix("File ").replace('"', "")
    path, _, line = place.partition(", line ")
    return f"{message} ({project.relative(Path(path))}:{line.split(',')[0]})"


def code_of_failure(error: ErrorInfo) -> str:
    """Which of the library's errors was raised; empty for one of other code."""
    return code_of_class(_raised(error).message.partition(": ")[0].strip())


def _raised(error: ErrorInfo) -> Any:
    """What the author's code raised, where Dagster has put an exception of its own around it."""
    return (error.cause if error.cls_name in _AROUND else None) or error


def full_stack(error: ErrorInfo) -> str:
    """An exception with its traceback, and those of what it was raised from."""
    text = f"{error.message}\nStack Trace:\n{''.join(error.stack)}"
    if error.cause is None:
        return text
    return f"{text}\nThe above exception was caused by:\n{full_stack(error.cause)}"


def is_interruption(error: ErrorInfo) -> bool:
    """Whether a run was ended from outside."""
    return any(part and _is_interruption(part) for part in (error, error.cause))


def _is_interruption(error: ErrorInfo) -> bool:
    if error.cls_name == "RuntimeError":
        # What DuckDB makes of a signal that came while it was at work.
        return error.message.strip() == "RuntimeError: Query interrupted"
    return error.cls_name == "DagsterExecutionInterruptedError"
