"""The authoring checklist: its points, and what was found of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable


class Status(StrEnum):
    """How a point stands. The values are part of the ``--json`` output."""

    MET = "met"
    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"


class Topic(NamedTuple):
    """One point of the checklist.

    Args:
        key: Its name in the output and in ``--json``.
        group: The part of the checklist it belongs to.
        title: What is required, as a statement.
    """

    key: str
    group: str
    title: str


CHECKLIST = tuple(
    Topic(key, group, title)
    for group, topics in {
        "Planning": {
            "source": "the source is defined",
            "credentials": "every variable is documented, and set or has a default",
            "write": "the write disposition and its key are chosen",
            "errors": "retries and a time-out are configured",
        },
        "Implementation": {
            "folder": "the folder is complete",
            "config": "config.yaml is valid",
            "extract": "extract_data takes and returns what the job expects, with types",
            "transform": "transform_data takes and returns what the job expects, with types",
            "job": "the job can be built and is registered under the folder's name",
            "assets": "the assets can be loaded",
            "dbt": "the dbt project parses and its models can be built",
            "dbt-source": "a dbt source is the table that the load writes",
            "queries": "every dashboard query names tables and columns that exist",
        },
        "Testing": {
            "test-ingestion": "the ingestion has a test",
            "test-transform": "the transformation has a test",
            "test-integration": "a test goes the whole way",
            "test-error": "a test covers an error",
            "tests-pass": "all tests pass",
        },
        "Documentation": {
            "readme": "the README says what it is for and how the data flows",
            "options": "the README says what can be configured",
            "dashboard": "the dashboard is described",
            "columns": "every mart and every column of it is described",
        },
        "Best practice": {
            "type-hints": "every function has type hints",
            "secrets": "no file holds a secret",
            "print": "nothing is printed; the log is used",
        },
    }.items()
    for key, title in topics.items()
)

_TOPICS = {topic.key: topic for topic in CHECKLIST}


@dataclass(frozen=True)
class Finding:
    """One thing to put right.

    Args:
        file: The file, as a person in the project's folder would type it.
        reason: What is wrong, as a sentence. Secrets in it are masked.
        instruction: What to do, in the imperative.
        line: Where in the file, counted from 1; 0 when it concerns the whole file.
    """

    file: str
    reason: str
    instruction: str
    line: int = 0

    def __post_init__(self) -> None:
        # It may quote what an author's code or dbt said.
        object.__setattr__(self, "reason", redact(self.reason))

    @property
    def place(self) -> str:
        """The file, and the line if there is one."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Point:
    """How one point of the checklist stands.

    Args:
        topic: The point.
        status: How it stands.
        detail: What was seen, or why it does not apply.
        findings: What is missing, if it is.
    """

    topic: Topic
    status: Status
    detail: str = ""
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The point as plain data."""
        return {
            "point": self.topic.key,
            "group": self.topic.group,
            "requirement": self.topic.title,
            "status": self.status.value,
            "detail": self.detail,
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass(frozen=True)
class Report:
    """What a check of one workflow found.

    Args:
        workflow_id: The workflow.
        points: One for each point of the checklist, in its order.
        seconds: How long the check took.
    """

    workflow_id: str
    points: tuple[Point, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether no point is missing."""
        return not self.count(Status.MISSING)

    def count(self, status: Status) -> int:
        """How many points stand so."""
        return sum(point.status is status for point in self.points)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "workflow_id": self.workflow_id,
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "points": [point.as_json() for point in self.points],
        }


def met(key: str, detail: str = "") -> Point:
    """A point that is met."""
    return Point(_TOPICS[key], Status.MET, detail)


def missing(key: str, *findings: Finding) -> Point:
    """A point that is missing, and what is missing."""
    return Point(_TOPICS[key], Status.MISSING, "", findings)


def not_applicable(key: str, why: str) -> Point:
    """A point that does not apply, or about which nothing can be said yet."""
    return Point(_TOPICS[key], Status.NOT_APPLICABLE, why)


def judged(key: str, findings: Iterable[Finding], detail: str = "") -> Point:
    """A point that is met unless something was found."""
    found = tuple(findings)
    return missing(key, *found) if found else met(key, detail)
