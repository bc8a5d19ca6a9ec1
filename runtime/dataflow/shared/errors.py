"""The one base of every error that a user of DATAFLOW can cause, and the most common ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.shared.finding import Finding


class DataflowError(Exception):
    """Something a person can put right.

    Args:
        reason: What is wrong and where, as one or more whole sentences.
        instruction: What to do next, in the imperative.

    The command line prints both and exits with ``exit_code``; the REST API answers with
    ``http_status``. Subclasses set the two, callers never do.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(reason, instruction)
        self.reason = reason
        self.instruction = instruction

    def __str__(self) -> str:
        return f"{self.reason}\n{self.instruction}"


class BadInputError(DataflowError):
    """What a person typed or wrote is refused before anything is done with it."""

    exit_code = 2
    http_status = 422


class ConfigError(BadInputError):
    """A configuration file cannot be used; ``findings`` has every thing that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda finding: (finding.file, finding.line)))
        what = "the line above" if len(self.findings) == 1 else "the lines above"
        super().__init__("\n".join(map(str, self.findings)), f"Put {what} right and run it again.")

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Finding, ...]]]:
        # An exception is pickled by its arguments, which here are not those of the constructor.
        return type(self), (self.findings,)


class MissingDependencyError(DataflowError):
    """A tool or an optional package that this step needs is not installed."""

    exit_code = 2
    http_status = 503
