"""What Dagster's events of a run say of its steps and of the run, in the order they came.

The events of a run in this process and those that the service answers with come in one shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dataflow.runs.failure import code_of_failure, explain_failure, full_stack, is_interruption
from dataflow.runs.model import Step
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from dataflow.runs.failure import ErrorInfo
    from dataflow.shared.project import Project

EventKind = Literal[
    "start", "output", "success", "failure", "skip", "run_failure", "engine", "other"
]
# What Dagster says of a run when all there is to say has been said of its steps.
_STEPS_FAILED = "Steps failed:"
# What it says of a run that ended before its steps, or past them; an event before knows why.
_FROM_OUTSIDE = "marked as failed from outside"
_PROCESS_ENDED = re.compile(
    r"Run execution process for \S+ "
    r"(unexpectedly exited with code -?\d+|was terminated by signal \d+ \(\w+\))"
)


@dataclass(frozen=True)
class RunEvent:
    """Something that Dagster noted of a run.

    Args:
        kind: What happened.
        time: When, in seconds since 1970.
        step_key: The step that it happened to, if it was one.
        message: Dagster's own words.
        error: What was raised, if something was.
        summary: What the step did, if it says so of its output.
        rows: The rows that it handled, likewise.
    """

    kind: EventKind
    time: float
    step_key: str | None = None
    message: str = ""
    error: ErrorInfo | None = None
    summary: str = ""
    rows: int | None = None


class RunProgress:
    """The steps and the error of a run, as far as its events tell.

    Args:
        workflow_id: The workflow, whose name the names of its steps end with.
        project: Whose code is named as the place of an error.
    """

    def __init__(self, workflow_id: str, project: Project) -> None:
        self.error = ""
        self.was_interrupted = False
        self._suffix = f"_{workflow_id}"
        self._project = project
        self._steps: dict[str, Step] = {}
        self._started: dict[str, float] = {}
        self._outputs: dict[str, RunEvent] = {}
        self._cause: RunEvent | None = None

    @property
    def steps(self) -> list[Step]:
        """The steps so far, in the order in which they started."""
        return list(self._steps.values())

    @property
    def started(self) -> dict[str, float]:
        """When each step began, by its name, in seconds since 1970."""
        return {key.removesuffix(self._suffix): at for key, at in self._started.items()}

    def add(self, event: RunEvent) -> Step | None:
        """Take an event in; gives the step whose status it changed, if it changed one."""
        if event.kind == "engine":
            self._cause = _as_cause(event) or self._cause
        elif event.kind == "run_failure" and _STEPS_FAILED not in event.message:
            is_told = event.error is not None or _FROM_OUTSIDE not in event.message
            self.error = self._explained(event if is_told else self._cause or event)
        if event.step_key is None or event.kind in ("run_failure", "engine", "other"):
            return None
        key = event.step_key
        if event.kind == "output":
            if event.summary or event.rows is not None:
                self._outputs[key] = event
            return None
        step = self._step(key, event)
        self._steps[key] = step
        return step

    def _step(self, key: str, event: RunEvent) -> Step:
        name = key.removesuffix(self._suffix)
        if event.kind == "start":
            self._started[key] = event.time
            return Step(name, "running")
        seconds = round(event.time - self._started.get(key, event.time), 3)
        if event.kind == "skip":
            return Step(name, "skipped")
        if event.kind == "success":
            said = self._outputs.get(key, event)
            return Step(name, "succeeded", seconds, redact(said.summary), said.rows)
        if event.error is not None:
            self.was_interrupted = self.was_interrupted or is_interruption(event.error)
        return Step(
            name,
            "failed",
            seconds,
            error=self._explained(event),
            traceback=redact(full_stack(event.error)) if event.error else "",
            code=code_of_failure(event.error) if event.error else "",
        )

    def _explained(self, event: RunEvent) -> str:
        text = explain_failure(event.error, self._project) if event.error else event.message
        return redact((text or "failed").strip())


def _as_cause(event: RunEvent) -> RunEvent | None:
    """Why a run failed, if an event of Dagster's engine says so."""
    if event.error is not None:
        return event
    ended = _PROCESS_ENDED.search(event.message)
    if ended is None:
        return None
    how = f"The process of the run {ended[1]}."
    if "SIGKILL" in how:
        how += " Somebody killed it, or the system did for want of memory."
    return replace(event, message=f"{how} See the log of `dataflow up` for its last words.")
