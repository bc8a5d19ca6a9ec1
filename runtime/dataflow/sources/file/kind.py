"""The kind of source that is called file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.file.settings import FileSource
from dataflow.sources.kind import SourceKind

if TYPE_CHECKING:
    from dataflow.sources.kind import Extracted, ReadRequest


def _read(settings: FileSource, request: ReadRequest) -> Extracted:
    # Imported late: validating a configuration must not load what reading needs.
    from dataflow.sources.file.reader import read_file

    return read_file(settings, request)


KIND = SourceKind(FileSource, _read)
