"""Another source in place of the one that a workflow's config.yaml names, for tests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_sources: dict[str, Mapping[str, Any]] = {}


@contextmanager
def override_source(workflow_id: str, source: Mapping[str, Any]) -> Iterator[None]:
    """Let ``load_config`` answer with another ``ingestion.source``, in this process.

    Args:
        workflow_id: The workflow whose source is replaced.
        source: The whole new source; it is checked as if it stood in the file.
    """
    before = _sources.get(workflow_id)
    _sources[workflow_id] = source
    try:
        yield
    finally:
        if before is None:
            del _sources[workflow_id]
        else:
            _sources[workflow_id] = before


def overridden_source(workflow_id: str) -> Mapping[str, Any] | None:
    """The source that takes the place of the one in the file, if any."""
    return _sources.get(workflow_id)
