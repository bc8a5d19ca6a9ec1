"""The kind of source that is called api."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.api.settings import ApiSource
from dataflow.sources.kind import SourceKind

if TYPE_CHECKING:
    from dataflow.sources.kind import Extracted, ReadRequest


def _read(settings: ApiSource, request: ReadRequest) -> Extracted:
    # Imported late: validating a configuration must not load what reading needs.
    from dataflow.sources.api.reader import read_api

    return read_api(settings, request)


KIND = SourceKind(ApiSource, _read)
