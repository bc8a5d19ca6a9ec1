"""The kind of source that is called database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.database.settings import DatabaseSource
from dataflow.sources.kind import Extracted, SourceKind

if TYPE_CHECKING:
    from dataflow.sources.kind import ReadRequest


def _read(settings: DatabaseSource, request: ReadRequest) -> Extracted:
    # Imported late: validating a configuration must not load what reading needs.
    from dataflow.sources.database.reader import read_database

    source = settings.model_dump(by_alias=True)
    parameters = request.parameters.model_dump()
    answer = read_database(source, parameters, request.last_value, limit=request.limit)
    return Extracted(answer.typed.table, settings.url, answer.typed.notes, answer.last_value)


KIND = SourceKind(DatabaseSource, _read)
