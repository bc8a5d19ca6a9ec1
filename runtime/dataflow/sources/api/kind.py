"""The kind of source that is called api."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.api.settings import ApiSource
from dataflow.sources.kind import Extracted, SourceKind

if TYPE_CHECKING:
    from dataflow.sources.kind import ReadRequest


def _read(settings: ApiSource, request: ReadRequest) -> Extracted:
    # Imported late: validating a configuration must not load what reading needs.
    from dataflow.sources.api.reader import read_api

    source = settings.model_dump(by_alias=True)
    parameters = request.parameters.model_dump()
    answer = read_api(source, parameters, request.last_value, limit=request.limit)
    return Extracted(
        answer.typed.table, settings.url, answer.typed.notes, answer.last_value, answer.whole
    )


KIND = SourceKind(ApiSource, _read)
