"""What can go wrong with a source that a person can put right.

Readers raise these, and ``MissingDependencyError`` for a library that is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

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


class AccessRefusedError(SourceUnavailableError):
    """The source wants another login than it was given, or one at all.

    ``is_of_login_told`` is whether it says already where the login came from.
    """

    is_of_login_told: bool = False


class SourceDataError(SourceError):
    """The source answered with something that is not the data it promises."""


class ContractError(SourceDataError):
    """The source's data are not as their contract says.

    ``failing_rows`` counts the rows with values that do not fit, where it is values.
    """

    failing_rows: int = 0


class SourceSettingError(BadInputError):
    """``ingestion`` in config.yaml says something that cannot be done."""

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(redact(reason), redact(instruction))


# Keys of `ingestion` that each of several sources has of its own.
_OWN_KEYS = re.compile(r"\bingestion\.(?=(?:source|columns|on_change|child_tables)\b)")


@contextmanager
def told_of(name: str) -> Iterator[None]:
    """Let errors say of which of several sources they are; nothing is said without a name."""
    try:
        yield
    except DataflowError as error:
        if name and isinstance(error, (SourceError, SourceSettingError)):
            error.reason = f"Source {name}: {_of_source(error.reason, name)}"
            error.instruction = _of_source(error.instruction, name)
            error.args = (error.reason, error.instruction)
        raise


def _of_source(text: str, name: str) -> str:
    return _OWN_KEYS.sub(f"ingestion.sources.{name}.", text)
