"""One page of an API, as its paging looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Page:
    """One answer and its records.

    Args:
        url: The address that gave it.
        document: Its JSON, or the list of records in another format.
        headers: Its headers; names may be written in any case.
        records: The records.
        nothing: Whether it is an answer without any content, status 204.
    """

    url: str
    document: Any
    headers: Mapping[str, str]
    records: list[dict[str, Any]]
    nothing: bool = False
