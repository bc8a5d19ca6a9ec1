"""The one base of every error that a user of DATAFLOW can cause, and the most common ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dataflow.shared.shown import for_workflow, with_short_words

# The user's workflows share a package with these.
_OWN_MODULES = ("dataflow.workflows.identifiers", "dataflow.workflows.registry")
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def code_of_name(name: str) -> str:
    """The code by which an error of a class is looked up: ``dataflow explain CODE``.

    >>> code_of_name("WorkflowBusyError")
    'workflow-busy'
    """
    return _NEXT_WORD.sub("-", name.removesuffix("Error")).lower()


def code_of_class(full_name: str) -> str:
    """The code of a class of this library; empty for an author's or a plug-in's, and for others.

    >>> code_of_class("dataflow.workflows.orders.ingestion.TillClosedError")
    ''
    """
    module, _, name = full_name.rpartition(".")
    is_authors = module.startswith("dataflow.workflows.") and module not in _OWN_MODULES
    is_ours = module.startswith(("dataflow.", "dataflow_tools.")) and not is_authors
    return code_of_name(name) if is_ours and name.endswith("Error") else ""


class DataflowError(Exception):
    """Something a person can put right.

    Args:
        reason: What is wrong and where, as one or more whole sentences. Whoever quotes a value
            cuts it by ``shown.quoted``; a long word is cut here all the same.
        instruction: What to do next, in the imperative.

    The command line prints both and exits with ``exit_code``; the REST API answers with
    ``http_status``. Subclasses set the two, callers never do. What the docstring of a subclass says
    is a page of the documentation (``dataflow explain``): first what it means, then paragraphs that
    begin with ``Why:`` and ``What to do:``, where the message cannot say enough.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(reason, instruction)
        self.reason = with_short_words(reason)
        self.instruction = with_short_words(instruction)

    def __str__(self) -> str:
        return f"{self.reason}\n{self.instruction}"


def code_of(error: DataflowError) -> str:
    """The code of an error; no attribute of it, since authors' own classes may have one."""
    kind = type(error)
    return code_of_class(f"{kind.__module__}.{kind.__qualname__}")


class BadInputError(DataflowError):
    """What a person typed or wrote is refused before anything is done with it."""

    exit_code = 2
    http_status = 422


class MissingDependencyError(DataflowError):
    """A tool or an optional package that this step needs is not installed.

    Why: The runtime is small, and what not everybody needs is an extra of it, or a program of
    its own.

    What to do: Install what the message names, in the project's environment; `dataflow doctor`
    lists what is there.
    """

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
