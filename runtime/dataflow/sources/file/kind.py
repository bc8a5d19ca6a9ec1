"""The kind of source that is called file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.file.settings import FileSource
from dataflow.sources.kind import Extracted, SourceKind

if TYPE_CHECKING:
    from dataflow.sources.kind import ReadRequest


def _read(settings: FileSource, request: ReadRequest) -> Extracted:
    # Imported late: validating a configuration must not load what reading needs.
    from dataflow.sources.file.reader import read_file

    source = settings.model_dump(by_alias=True)
    parameters = request.parameters.model_dump()
    typed = read_file(source, parameters)
    return Extracted(typed.table, settings.url, typed.notes)


KIND = SourceKind(FileSource, _read)
