"""What can go wrong with a source that a person can put right."""

from __future__ import annotations

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.redaction import redact


class SourceError(DataflowError):
    """A source cannot be read. Secrets are masked in whatever the text quotes."""

    def __init__(self, reason: str, instruction: str) -> None:
        super().__init__(redact(reason), redact(instruction))


class SourceNotFoundError(SourceError):
    """There is no such file, table or address."""


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
