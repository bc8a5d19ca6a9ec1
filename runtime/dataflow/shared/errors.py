"""The one base of every error that a user of DATAFLOW can cause, and the most common ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dataflow.shared.shown import for_workflow, with_short_words


class DataflowError(Exception):
    """Something a person can put right.

    Args:
        reason: What is wrong and where, as one or more whole sentences. Whoever quotes a value
            cuts it by ``shown.quoted``; a long word is cut here all the same.
        instruction: What to do next, in the imperative.

    The command line prints both and exits with ``exit_code``; the REST API answers with
    ``http_status``. Subclasses set the two, callers never do.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(reason, instruction)
        self.reason = with_short_words(reason)
        self.instruction = with_short_words(instruction)

    def __str__(self) -> str:
        return f"{self.reason}\n{self.instruction}"


class BadInputError(DataflowError):
    """What a person typed or wrote is refused before anything is done with it."""

    exit_code = 2
    http_status = 422


class MissingDependencyError(DataflowError):
    """A tool or an optional package that this step needs is not installed."""

    exit_code = 2
    http_status = 503


@contextmanager
def told_for(workflow_id: str) -> Iterator[None]:
    """Let the commands in errors name the workflow that they are about."""
    try:
        yield
    except DataflowError as error:
        error.reason = for_workflow(error.reason, workflow_id)
        error.instruction = for_workflow(error.instruction, workflow_id)
        error.args = (error.reason, error.instruction)
        raise
