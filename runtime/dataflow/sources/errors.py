"""What can go wrong with a source that a person can put right.

Readers raise these, and ``MissingDependencyError`` for a library that is not installed.
"""

from __future__ import annotations

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.redaction import redact
from dataflow.shared.suggestion import as_sentence, did_you_mean, known_names


class SourceError(DataflowError):
    """A source cannot be read. Secrets are masked in whatever the text quotes."""

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(redact(reason), redact(instruction))


class SourceNotFoundError(SourceError):
    """There is no such file, table or address."""

    @classmethod
    def of_table(cls, schema: str | None, table: str, known: list[str]) -> SourceNotFoundError:
        """The error for a table that is not among the known ones, which may be called nearly so."""
        wanted = f"{schema}.{table}" if schema else table
        meant = as_sentence(did_you_mean(wanted, known, most=3, cutoff=0.5))
        there = known_names(known, 10) or "none"
        return cls(f"There is no table {wanted}.", meant or f"There are: {there}.")


class SourceTooLargeError(SourceError):
    """The source gave more rows than fit into memory."""


class SourceUnavailableError(SourceError):
    """The source did not answer, or not in full, however often it was asked."""


class SourceDataError(SourceError):
    """The source answered with something that is not the data it promises."""


class SourceSettingError(BadInputError):
    """``ingestion`` in config.yaml says something that cannot be done."""

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(redact(reason), redact(instruction))
