"""How an API pages whose first answer does not say it: found out by asking it for more.

A run never does that; what is found stands in config.yaml, where a person sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.tables import to_arrow
from dataflow.sources.errors import SourceError, SourceSettingError
from dataflow.sources.row_identity import row_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from dataflow.sources.api.page_detection import PagingUnknownError
    from dataflow.sources.api.pages import RepeatedPageError
    from dataflow.sources.kind import Extracted

    Read = Callable[[dict[str, Any]], Extracted]

# Whatever an answer says of others.
FIRST_PAGE = {"type": "none", "max_pages": 1}
# Two pages tell whether there are two.
_TWO = 2
_CURSOR_PARAMS = (
    *("cursor", "start_cursor", "page_token", "pageToken", "after", "starting_after", "next"),
    *("continuation", "marker"),
)
_OFFSETS = (
    *(("skip", "limit"), ("start", "limit"), ("_start", "_limit"), ("$skip", "$top")),
    *(("from", "size"), ("resultOffset", "resultRecordCount"), ("startIndex", "count")),
)
# What APIs give when they are not asked for more.
_USUAL_SIZES = (10, 15, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1000)


@dataclass(frozen=True)
class FoundPaging:
    """What was found.

    Args:
        settings: ``paging`` for config.yaml; None if no run can read the API as it is.
        note: What a person should know about it.
    """

    settings: dict[str, Any] | None
    note: str


def find_paging(
    source: dict[str, Any], read: Read, refusal: PagingUnknownError | RepeatedPageError
) -> FoundPaging:
    """Ask an API for a second page, in the ways that APIs usually take.

    Args:
        source: ``ingestion.source``, without ``paging``.
        read: Reads a source.
        refusal: Why its first answer does not tell, or what followed when it seemed to.
    """
    first = to_arrow(read({**source, "paging": FIRST_PAGE}).data)
    unclear = False
    for paging in _ways(first, refusal.place):
        gives_more = _gives_more(source, paging, first, read)
        unclear = unclear or gives_more is None
        if gives_more:
            how = paging.get("page_param") or paging["cursor_param"]
            note = (
                "The API's first answer does not say how to ask for more; it gives other rows with "
                f"the parameter {how!r}, and `paging` in config.yaml says so."
            )
            return FoundPaging(paging, note)
    if refusal.place or unclear:
        settings = "-d source_settings='{paging: {type: page_number, page_param: NAME}}'"
        note = (
            f"{refusal.reason} {refusal.instruction} Until then no run reads it. Here: {settings}"
        )
        return FoundPaging(None, note)
    count = first.num_rows
    usual = " That is a usual size of a page." if count in _USUAL_SIZES else ""
    note = (
        f"The API does not say whether there are more than these {count:,} rows, and gives no "
        "others with the parameters `page`, `offset` and their like: they are taken for all "
        f"(`paging: {{type: none}}`).{usual} If there are more, set `paging` in config.yaml."
    )
    return FoundPaging({"type": "none"}, note)


def _ways(first: pa.Table, place: str | None) -> Iterator[dict[str, Any]]:
    for base in (1, 0):
        yield {"type": "page_number", "page_param": "page", "base_page": base}
    yield {"type": "offset", "page_param": "offset", "page_size_param": "limit"}
    if place:
        for name in dict.fromkeys((place.rpartition(".")[2], *_CURSOR_PARAMS)):
            yield {"type": "cursor", "cursor_path": place, "cursor_param": name}
    for start, size in _OFFSETS:
        yield {"type": "offset", "page_param": start, "page_size_param": size}
    yield {"type": "page_number", "page_param": "_page"}
    if place and "id" in first.column_names:
        for name in ("starting_after", "after", "after_id", "since_id"):
            yield {"type": "last_record", "cursor_path": "id", "cursor_param": name}


def _gives_more(
    source: dict[str, Any], paging: dict[str, Any], first: pa.Table, read: Read
) -> bool | None:
    """Whether an API begins as before and goes on with other rows; None if it begins otherwise."""
    try:
        found = to_arrow(read({**source, "paging": {**paging, "max_pages": _TWO}}).data)
    except (SourceError, SourceSettingError):
        # The same page again, or a parameter that it does not take.
        return False
    if not first.num_rows or not set(first.column_names) <= set(found.column_names):
        return False
    before, now = _keys(first, first), _keys(found, first)
    if set(now) <= set(before):
        return False
    return True if now[: len(before)] == before else None


def _keys(table: pa.Table, like: pa.Table) -> list[Any]:
    """What tells rows apart: their ids where they have any, or all that they hold."""
    import pyarrow.compute as pc

    if "id" in like.column_names and pc.count_distinct(like["id"]).as_py() == like.num_rows:
        return [str(value) for value in table["id"].to_pylist()]
    return [row_digest(row) for row in table.select(like.column_names).to_pylist()]
