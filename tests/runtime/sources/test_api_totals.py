"""What an API says of the number of all records is held against what came."""

from __future__ import annotations

from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import ALL, ids, js, numbered, read_api, records
from tests.source_fixtures import Answer

from dataflow.sources.errors import SourceDataError


@pytest.mark.parametrize("extra", [{}, {"check_total": False}])
def test_fewer_rows_than_are_counted(server: Any, extra: Any) -> None:
    """A total that the answer names is checked, unless it is said to be no number of rows."""
    paging = {"type": "page_number", **extra}
    url = numbered(server, total_count=9)
    if extra:
        assert ids(read_api(url, paging=paging)) == ALL
        return
    with pytest.raises(SourceDataError, match="there are 9 records in all, and only 7 came"):
        read_api(url, paging=paging)


@pytest.mark.parametrize(("last", "is_told"), [(3, True), (4, False)])
def test_a_total_that_changes_between_pages_is_told(server: Any, last: int, is_told: bool) -> None:
    """A record of the first page is gone: one of the second moved up, and was never read."""
    pages = [{"total": 4, "rows": records(1, 2)}, {"total": last, "rows": records(4)}]
    pages += [{"total": last, "rows": records(5)}] if last == 4 else []
    url = server.answer("/x", *map(js, pages))
    paging = {"type": "page_number", "total_path": "total"}
    notes = read_api(url, paging=paging)["metadata"].get("notes", [])
    assert ["4 records on its first page and 3" in note for note in notes] == [True] * is_told


def test_more_rows_than_are_counted_end_it_at_once(server: Any) -> None:
    """What is beyond the total is not read for ever."""
    count = 0

    def answer(_: Any) -> Answer:
        nonlocal count
        count += 1
        document = {"rows": records(count * 2, count * 2 + 1), "total": 3, "next": f"n{count}"}
        return js(document)

    server.routes["/endless"] = answer
    paging = {
        "type": "cursor",
        "cursor_path": "next",
        "cursor_param": "after",
        "total_path": "total",
    }
    with pytest.raises(SourceDataError, match="there are 3 records, and 4 came"):
        read_api(f"{server.url}/endless", paging=paging)
    assert count == 2
