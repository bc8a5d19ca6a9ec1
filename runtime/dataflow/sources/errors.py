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
    """There is no such file, table or address.

    Why: A file, a table or an address that `ingestion.source` names is not there: it has been
    moved, is not there yet, or the name is wrong. A path begins at the project's folder.

    What to do: Correct `url` or `table`, or let the workflow wait for the file by
    `workflow.trigger.file_arrival` (docs/triggers.md).
    """

    @classmethod
    def of_table(cls, schema: str | None, table: str, known: list[str]) -> SourceNotFoundError:
        """The error for a table that is not among the known ones, which may be called nearly so."""
        wanted = f"{schema}.{table}" if schema else table
        meant = as_sentence(did_you_mean(wanted, known, most=3, cutoff=0.5))
        there = known_names(known, 10) or "none"
        return cls(f"There is no table {wanted}.", meant or f"There are: {there}.")


class SourceTooLargeError(SourceError):
    """The source gave more rows than fit into memory.

    Why: Rows of this source are held in memory as a whole, and there is not enough of it.

    What to do: Fetch less at a time: `ingestion.source.incremental`, partitions, or a narrower
    query.
    """


class SourceUnavailableError(SourceError):
    """The source did not answer, or not in full, however often it was asked.

    Why: The source was asked several times (`ingestion.parameters.max_retries`), with longer and
    longer waits, and did not answer, broke off, or answered with an error of its own.

    What to do: Run again when it answers; an incremental source goes on from where the last
    good run ended. A proxy is taken from HTTPS_PROXY; time-outs and retries stand in
    `ingestion`.
    """


class AccessRefusedError(SourceUnavailableError):
    """The source wants another login than it was given, or one at all.

    ``is_of_login_told`` is whether it says already where the login came from.
    """

    is_of_login_told: bool = False


class SourceDataError(SourceError):
    """The source answered with something that is not the data it promises.

    Why: The source answered, but not with what it promises: half a file, an error page, JSON of
    another shape, or a page of an API that shows that rows are missing.

    What to do: Look at what it sends. Nothing was loaded.
    """


class ContractError(SourceDataError):
    """The source's data are not as their contract says.

    ``failing_rows`` counts the rows with values that do not fit, where it is values.

    Why: `ingestion.columns` in config.yaml is what was agreed about the source. It has changed,
    or has sent a value that is none of the column's type. Nothing was loaded: a wrong number is
    worse than none.

    What to do: See what differs with `dataflow workflow inspect NAME`. If the change is meant,
    `--accept` takes it over, models and page included. If single rows are wrong,
    `ingestion.on_change.bad_value: quarantine` puts them aside.
    """

    failing_rows: int = 0


class SourceSettingError(BadInputError):
    """``ingestion`` in config.yaml says something that cannot be done.

    Why: A key of `ingestion` does not go with the source as it is: a login that lacks a
    variable, a cursor that the rows do not have, an answer of another shape.

    What to do: Change the key that is named; docs/sources/api.md and docs/databases.md have
    examples.
    """

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
