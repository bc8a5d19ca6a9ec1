"""What came of trying a workflow out: its code, its models and queries, its tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow_tools.checks.workflow_source import WorkflowSource

if TYPE_CHECKING:
    from dataflow.shared.finding import Finding


@dataclass(frozen=True)
class Signature:
    """What a function can be called with.

    Args:
        parameters: Name, whether it must be given, and annotation of each that can stand in order.
        keywords: Names of keyword-only parameters that must be given.
        returns: The annotation of what it returns; empty if there is none.
        line: Where it begins; 0 if it is defined in another file.
    """

    parameters: tuple[tuple[str, bool, str], ...]
    keywords: tuple[str, ...]
    returns: str
    is_async: bool
    line: int


@dataclass(frozen=True)
class Loaded:
    """What came of it.

    Args:
        job: Why the job cannot be had; ``None`` if it can.
        assets: The same for the assets.
        signatures: By point, those of the functions in files that could be imported; ``None`` if
            there is no such function.
        sample: Whether rows were written to ``sample_to``.
        left_out: What its modules define and Dagster does not get.
    """

    job: Finding | None = None
    assets: Finding | None = None
    signatures: dict[str, Signature | None] = field(default_factory=dict)
    sample: bool = False
    left_out: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Model:
    """One model.

    Args:
        table: ``schema.table``.
        file: Where it is described, or else defined, in the folder ``dbt``.
        columns: The description of each column that is listed.
    """

    table: str
    file: str
    description: str
    columns: dict[str, str]


@dataclass
class Models:
    """What dbt said about a project.

    Args:
        is_installed: Whether there is a dbt to ask.
        findings: What it refuses, by files in the folder ``dbt``.
        sources: ``schema.table`` of each source, with the file that names it.
    """

    is_installed: bool = True
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)


@dataclass
class DryRun:
    """What came of it.

    Args:
        raw: Whether the columns of the loaded table are known, and from where: ``warehouse``,
            ``sample`` or nothing.
        models: What dbt said.
        columns: The columns of each table that was built: ``schema.table``.
        built: The same of the warehouse.
        queries: How many dashboard queries there are.
        findings: What is wrong with them, by files in the folder ``evidence``; ``None`` if they
            could not be looked at.
        lost: Why nothing came of it.
    """

    raw: str = ""
    models: Models | None = None
    columns: dict[str, list[str]] = field(default_factory=dict)
    built: dict[str, list[str]] = field(default_factory=dict)
    queries: int = 0
    findings: list[Finding] | None = None
    lost: Finding | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether a fresher list of columns may put right what is wrong."""
        return not self.raw or bool(self.findings) or bool(self.models and self.models.findings)


@dataclass
class Outcome:
    """By workflow id, what pytest found wrong, and how many tests passed."""

    findings: defaultdict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    passed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class TriedWorkflow(WorkflowSource, ABC):
    """A workflow that is tried out while its files are looked at.

    Args:
        with_environment: Whether the variables that it reads have to be set here and now.
    """

    with_environment: bool

    @property
    @abstractmethod
    def outcome(self) -> Outcome | None:
        """How its tests ended, which is waited for; ``None`` if they were not run."""

    @property
    @abstractmethod
    def loaded(self) -> Loaded:
        """What came of importing its code."""

    @property
    @abstractmethod
    def dry_run(self) -> DryRun:
        """What came of its dry run; there is one if it has models or dashboards."""
