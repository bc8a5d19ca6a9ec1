"""The authoring checklist: the checks that are installed, and how a workflow stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dataflow.shared.finding import Finding
from dataflow.shared.plugins import PluginError, distribution_of, installed, load
from dataflow_tools.checks.protocol import NO_TESTS, Check, Group, Status, Verdict, judged

if TYPE_CHECKING:
    from dataflow_tools.checks.tried_workflow import TriedWorkflow


# What a workflow runs well without.
_ADVICE = frozenset(
    {
        *("write", "errors", "folder", "readme", "options", "dashboard", "columns"),
        *("test-ingestion", "test-transform", "test-integration", "test-error", "tests-pass"),
        *("type-hints", "print"),
    }
)


@dataclass(frozen=True)
class Point:
    """How a workflow stands at one point of the checklist."""

    key: str
    group: str
    title: str
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """The point as plain data."""
        return {
            "point": self.key,
            "group": self.group,
            "requirement": self.title,
            "status": self.verdict.status.value,
            "detail": self.verdict.detail,
            "findings": [finding.as_json() for finding in self.verdict.findings],
        }


@dataclass(frozen=True)
class Report:
    """What a check of one workflow found, in the order of the checklist."""

    workflow_id: str
    points: tuple[Point, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether no point is missing."""
        return not self.count(Status.MISSING)

    def count(self, status: Status) -> int:
        """How many points stand so."""
        return sum(point.verdict.status is status for point in self.points)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "workflow_id": self.workflow_id,
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "points": [point.as_json() for point in self.points],
        }


def load_checks() -> dict[str, Check[TriedWorkflow]]:
    """All checks by key, in the order of the checklist.

    In the place of a plug-in that cannot be loaded stands a check that finds just that.
    """
    found = {key: _load(key) for key in installed("checks")}
    groups = [*Group, *sorted({check.group for check in found.values()} - set(Group))]
    return dict(
        sorted(found.items(), key=lambda item: (groups.index(item[1].group), item[1].position))
    )


def as_advice(point: Point) -> Point:
    """A point of a workflow written by hand: what it does not need to run well is advice.

    Whoever makes a workflow from the template is promised all of the checklist.
    """
    verdict = point.verdict
    if point.key not in _ADVICE or verdict.status is not Status.MISSING:
        return point
    if point.key == "tests-pass" and verdict.detail != NO_TESTS:
        return point
    return replace(point, verdict=replace(verdict, status=Status.ADVISED))


def judge(key: str, check: Check[TriedWorkflow], workflow: TriedWorkflow) -> Point:
    """Judge a workflow at one point; a check that fails is a finding of its own."""
    try:
        verdict = check(workflow)
    except (Exception, SystemExit) as error:  # whatever a plug-in does
        owner = distribution_of(installed("checks")[key])
        reason = f"The check {key!r} of {owner} failed: {type(error).__name__}: {error}"
        verdict = judged([Finding(reason, f"Fix or uninstall {owner}.")])
    return Point(key, check.group, check.title, verdict)


def _load(key: str) -> Check[TriedWorkflow]:
    try:
        loaded = load("checks", key)
        if isinstance(loaded, Check):
            return loaded
        owner = distribution_of(installed("checks")[key])
        reason = f"The check {key!r} of {owner} is a {type(loaded).__name__}, not a Check."
        error = PluginError(reason, f"Fix or uninstall {owner}.")
    except PluginError as cause:
        error = cause
    finding = Finding.of(error)
    return Check("Plug-ins", "the check can be loaded", lambda _: [finding])
