"""The kind of source that is called database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.database.settings import DatabaseSource
from dataflow.sources.kind import SourceKind

if TYPE_CHECKING:
    from dataflow.sources.kind import Extracted, ReadRequest


def _read(settings: DatabaseSource, request: ReadRequest) -> Extracted:
    # Imported late: validating a configuration must not load what reading needs.
    from dataflow.sources.database.reader import read_database

    return read_database(settings, request)


KIND = SourceKind(DatabaseSource, _read)
