"""What a check of the authoring checklist is.

A check judges one point of the checklist. Built-in checks and those of plug-ins are found alike: by
an entry point of the group ``dataflow.checks``, whose name is the point's key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from dataflow.shared.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dataflow_tools.checks.workflow_source import WorkflowSource

Checked = TypeVar("Checked", bound="WorkflowSource", contravariant=True)


# Why the point about passing tests is missing where there is none.
NO_TESTS = "there is none"


class Group(StrEnum):
    """The parts of the checklist, in its order. Plug-ins may name others, which come after."""

    PLANNING = "Planning"
    IMPLEMENTATION = "Implementation"
    TESTING = "Testing"
    DOCUMENTATION = "Documentation"
    PRACTICE = "Best practice"


class Status(StrEnum):
    """How a point stands. The values are part of the ``--json`` output."""

    MET = "met"
    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"
    ADVISED = "advised"


@dataclass(frozen=True)
class Verdict:
    """How something stands.

    Args:
        detail: What was seen, or why nothing can be said.
        findings: What is wrong, if it is missing.
    """

    status: Status
    detail: str = ""
    findings: tuple[Finding, ...] = ()


def judged(findings: Iterable[Finding], detail: str = "") -> Verdict:
    """Met, unless something was found.

    Raises:
        TypeError: What was found are no findings.
    """
    found = tuple(findings)
    for finding in found:
        if not isinstance(finding, Finding):
            raise TypeError(f"it gives {type(finding).__name__}, not Finding")
    return Verdict(Status.MISSING if found else Status.MET, detail, found)


def not_applicable(why: str) -> Verdict:
    """It does not apply, or nothing can be said about it yet."""
    return Verdict(Status.NOT_APPLICABLE, why)


@dataclass(frozen=True)
class Check(Generic[Checked]):
    """One point of the checklist, and how to judge it.

    Args:
        group: A `Group`, or a plug-in's own.
        title: What is required, as a statement.
        function: Judges a workflow; gives findings, or a verdict that says more.
        position: Where the point stands in its group.
        waits: Whether it asks what came of trying the workflow out, and so is judged late.
        waits_for_tests: Whether it asks how the tests ended, and so is judged last.
    """

    group: str
    title: str
    function: Callable[[Checked], Verdict | Iterable[Finding]]
    position: int = 100
    waits: bool = False
    waits_for_tests: bool = False

    def __call__(self, workflow: Checked) -> Verdict:
        """Judge a workflow."""
        result = self.function(workflow)
        return result if isinstance(result, Verdict) else judged(result)


def check(
    group: str,
    title: str,
    *,
    position: int = 100,
    waits: bool = False,
    waits_for_tests: bool = False,
) -> Callable[[Callable[[Checked], Verdict | Iterable[Finding]]], Check[Checked]]:
    """Make a function a `Check`."""
    return lambda function: Check(group, title, function, position, waits, waits_for_tests)
