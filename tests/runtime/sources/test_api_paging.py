"""Every way to page leads to a proven end, or to a clear error within few requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from tests.runtime.sources.api_fixtures import ALL, ids, js, numbered, read_api, records
from tests.source_fixtures import Answer, Server

from dataflow.sources.api.page_detection import detect_paging, next_link
from dataflow.sources.errors import SourceDataError, SourceError, SourceSettingError


def stripe(server: Any, *, more: str = "has_more") -> str:
    """An API that goes on after the id of the last record."""

    def answer(request: Any) -> Answer:
        after = int(request.query.get("starting_after", -1))
        found = records(*[number for number in ALL if number > after][:3])
        said = {more: after + 3 < ALL[-1]} if more else {}
        return js({"object": "list", "data": found, **said})

    server.routes["/stripe"] = answer
    return f"{server.url}/stripe"


def test_the_last_records_id_is_a_cursor(server: Any) -> None:
    """`has_more` ends it, without another request."""
    paging = {"type": "last_record", "cursor_param": "starting_after"}
    assert ids(read_api(stripe(server), paging=paging)) == ALL
    asked = [request.query.get("starting_after") for request in server.requests]
    assert asked == [None, "2", "5"]


def test_an_empty_page_ends_it_where_nothing_says_so(server: Any) -> None:
    """One more request finds nothing."""
    paging = {"type": "last_record", "cursor_path": "id", "cursor_param": "starting_after"}
    assert ids(read_api(stripe(server, more=""), paging=paging)) == ALL
    assert len(server.requests) == 4


def test_the_form_of_stripes_answers_is_known(server: Any) -> None:
    """`auto` needs no setting for them."""
    assert ids(read_api(stripe(server))) == ALL


def test_has_more_at_a_place_of_its_own(server: Any) -> None:
    """`has_more_path` names it; where it is not, that is an error."""
    paging = {"type": "last_record", "cursor_param": "starting_after", "has_more_path": "go_on"}
    assert ids(read_api(stripe(server, more="go_on"), paging=paging)) == ALL
    with pytest.raises(SourceDataError, match="does not say at 'go_on'"):
        read_api(stripe(server), paging=paging)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["page", "offset"])
def test_has_more_ends_pages_that_are_counted(server: Any, place: str) -> None:
    """`auto` takes it for the proof, where the answer names the page or the offset."""

    def answer(request: Any) -> Answer:
        size = 3
        number = int(request.query.get(place, place == "page"))
        start = (number - 1) * size if place == "page" else number
        more = start + size < len(ALL)
        return js({"rows": records(*ALL[start : start + size]), place: number, "has_more": more})

    server.routes["/x"] = answer
    assert ids(read_api(f"{server.url}/x")) == ALL
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "document",
    [
        {"rows": records(1, 2), "has_more": True},
        {"rows": records(1, 2), "pagination": {"hasNextPage": True}},
        {"rows": records(1, 2), "next": None, "has_more": True},
        {"rows": records(1, 2), "total": 2, "has_more": True},
        {"id": 1, "has_more": True},
        {"rows": [], "has_more": True},
    ],
)
def test_more_that_cannot_be_asked_for_is_refused(server: Any, document: Any) -> None:
    """`auto` never takes a first page for all where the answer says otherwise."""
    with pytest.raises(SourceSettingError, match="says by '.*' that there are more"):
        read_api(server.answer("/x", js(document)))


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"has_more": True}, "has_more"),
        ({"paging": {"next": {"after": "10"}}}, "paging.next.after"),
        ({"nextRecordsUrl": "/x/2"}, "nextRecordsUrl"),
        ({"done": False}, "done"),
    ],
)
def test_one_page_that_says_more_is_refused(server: Any, more: Any, place: str) -> None:
    """`type: none` says that one answer is all: one that has grown is refused, not cut."""
    url = server.answer("/x", js({"rows": records(1), **more}))
    with pytest.raises(SourceDataError, match=f"says by '{place}' that there is more than the 1"):
        read_api(url, paging={"type": "none"})
    notes = read_api(url, paging={"type": "none", "max_pages": 1})["metadata"]["notes"]
    assert "says that there is more" in notes[0]


def test_more_without_a_cursor_is_refused(server: Any) -> None:
    """An answer that contradicts itself is no end."""
    url = server.answer("/x", js({"rows": records(1), "has_more": True, "next_cursor": None}))
    paging = {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"}
    with pytest.raises(SourceDataError, match="says that there is more"):
        read_api(url, paging=paging)


@pytest.mark.parametrize("told", [False, True])
def test_a_number_of_pages_ends_it(server: Any, told: bool) -> None:
    """Three pages are asked for, and not a fourth."""
    paging = {"type": "page_number", "total_pages_path": "total_pages"}
    given = {"paging": paging} if told else {}
    assert ids(read_api(numbered(server, total_pages=3), **given)) == ALL
    assert len(server.requests) == 3


def test_no_more_than_so_many_pages(server: Any) -> None:
    """`max_pages` ends the reading, and says so."""
    result = read_api(numbered(server), paging={"type": "page_number", "max_pages": 2})
    assert ids(result) == ALL[:6]
    assert "ended after 2 pages" in result["metadata"]["notes"][0]
    assert len(server.requests) == 2
    assert ids(read_api(numbered(server), paging={"max_pages": 1})) == ALL[:3]


@pytest.mark.parametrize("count", [7, 3, 0])
def test_pages_in_the_first_part_of_a_list(server: Any, count: int) -> None:
    """As the World Bank answers: what is said of the records, then they, or null without any."""

    def answer(request: Any) -> Answer:
        number = int(request.query.get("page", 1))
        found = records(*ALL[:count][(number - 1) * 3 : number * 3])
        said = {"page": min(number, count), "pages": -(-count // 3), "total": count}
        return js([said, found or None])

    server.routes["/x"] = answer
    assert ids(read_api(f"{server.url}/x")) == ALL[:count]
    assert len(server.requests) == max(1, -(-count // 3))


def test_a_next_link_behind_the_last_record_ends_in_nothing(server: Any) -> None:
    """As CKAN writes it: all that are counted came, and the page behind them has none."""

    def answer(request: Any) -> Answer:
        start = int(request.query.get("offset", 0))
        links = {"next": f"/x?offset={start + 3}"}
        return js(
            {"result": {"records": records(*ALL[start : start + 3]), "_links": links, **all_}}
        )

    all_ = {"total": len(ALL)}
    server.routes["/x"] = answer
    assert ids(read_api(f"{server.url}/x")) == ALL
    assert len(server.requests) == 4


def test_pages_in_headers(server: Any) -> None:
    """A bare list whose headers count rows and pages is read whole."""

    def answer(request: Any) -> Answer:
        number = int(request.query.get("page", 1))
        found = records(*ALL[(number - 1) * 3 : number * 3])
        return js(found, X_WP_Total="7", X_WP_TotalPages="3")

    server.routes["/x"] = answer
    assert ids(read_api(f"{server.url}/x")) == ALL
    assert len(server.requests) == 3


def test_a_cursor_in_a_header(server: Any) -> None:
    """`header:NAME` names it; without it there is no more."""
    pages = [js(records(1, 2), X_Next="c2"), js(records(3))]
    paging = {"type": "cursor", "cursor_path": "header:X-Next", "cursor_param": "cursor"}
    assert ids(read_api(server.answer("/x", *pages), paging=paging)) == [1, 2, 3]
    assert [request.query.get("cursor") for request in server.requests] == [None, "c2"]


# Without an end


def endless(server: Any, answer: Any) -> str:
    server.routes["/endless"] = answer
    return f"{server.url}/endless"


PAGED = [
    {"type": "page_number"},
    {"type": "offset"},
    {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
    {"type": "last_record", "cursor_param": "after"},
    {"type": "cursor", "cursor_path": "link"},
    {"type": "link_header"},
    {"type": "auto"},
]


@pytest.mark.slow
@pytest.mark.parametrize("paging", PAGED, ids=str)
@pytest.mark.parametrize("kind", ["same", "shuffled", "empty", "cycle", "last page again"])
def test_paging_without_an_end_is_found_out(server: Any, paging: dict[str, Any], kind: str) -> None:
    """Pages that repeat, in whatever order, that stay empty, and links in a circle."""
    count = 0

    def answer(_: Any) -> Answer:
        nonlocal count
        count += 1
        found = {
            "same": records(1, 2, 3),
            "shuffled": records(*[1, 2, 3][:: (-1) ** count]),
            "empty": [],
            "cycle": records(*([1, 2], [3, 4], [5, 6])[count % 3]),
            "last page again": records(count, count + 1) if count < 4 else records(5, 4),
        }[kind]
        following = f"c{count % 3 if kind == 'cycle' else count}"
        link = f"/endless?c={following}"
        document = {"rows": found, "next": following, "link": link, "has_more": True}
        return js(document, Link=f'<{link}>; rel="next"')

    with pytest.raises((SourceDataError, SourceSettingError)) as caught:
        read_api(endless(server, answer), paging=paging)
    assert count <= 12
    assert len(str(caught.value)) < 400


def test_equal_rows_on_several_pages_are_read(server: Any) -> None:
    """Rows that do not tell themselves apart are no repetition, while pages differ."""
    pages = [[{"v": 1}, {"v": 1}, {"v": 2}], [{"v": 1}, {"v": 2}, {"v": 2}], []]
    url = server.answer("/x", *map(js, pages))
    assert len(read_api(url, paging={"type": "page_number"})["data"]) == 6


@pytest.mark.slow
def test_some_empty_pages_are_passed_over(server: Any) -> None:
    """A filter may leave nothing of a page, and the cursor goes on."""
    pages = [js({"rows": [], "next": f"/x?c={number}"}) for number in range(8)]
    url = server.answer("/x", *pages, js({"rows": records(1), "next": None}))
    assert ids(read_api(url, paging={"type": "cursor", "cursor_path": "next"})) == [1]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://h/?page=2>; rel="next"', "https://h/?page=2"),
        ("</x?a=1,2&b=3>; rel=next", "/x?a=1,2&b=3"),
        ('<a>; rel="prev", <b>; title="x, y; rel=next"; rel="last", <c>; rel="next"', "c"),
        ('<a>; rel="last next"', "a"),
        ('<a>; REL="Next"', "a"),
        ('<a>; rel="prev"', None),
        ("", None),
        ("nonsense; rel=next", None),
    ],
)
def test_the_next_link_of_a_header(header: str, target: str | None) -> None:
    """As RFC 8288 writes it: with commas in addresses, other relations and parameters."""
    assert next_link(header) == target


# Property tests

_TOTALS = st.sampled_from(["total", "total_count", None])


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    count=st.integers(0, 12),
    size=st.integers(1, 5),
    how=st.sampled_from(["page", "offset", "cursor", "link", "header", "last", "graphql", "list"]),
    total=_TOTALS,
    more=st.booleans(),
    ignores=st.booleans(),
    told=st.booleans(),
)
def test_all_rows_once_or_an_error(
    api_server: Server,
    count: int,
    size: int,
    how: str,
    total: str | None,
    more: bool,
    ignores: bool,
    told: bool,
) -> None:
    """Any mix of signs: the rows are those of the API, each once, or the run says why not."""
    numbers = list(range(count))
    path = f"/{how}"

    def answer(request: Any) -> Answer:
        asked = request.query
        if request.body and not ignores:
            asked = {k: v for k, v in json.loads(request.body)["variables"].items() if v}
        asked = {} if ignores else asked
        start = int(asked.get("page", 1)) * size - size if how == "page" else 0
        start = int(asked.get("last", -1)) + 1 if how == "last" else start
        start = int(asked.get("offset", 0)) if how == "offset" else start
        start = int(asked.get("after", 0)) if "after" in asked else start
        found, rest = records(*numbers[start : start + size]), start + size < count
        following = str(start + size) if rest else None
        document: dict[str, Any] = {"rows": found}
        if how == "graphql":
            info = {"hasNextPage": rest, "endCursor": following}
            return js({"data": {"rows": {"nodes": found, "pageInfo": info}}})
        if total:
            document[total] = count
        if more:
            document["has_more"] = rest
        if how == "cursor":
            document["next_cursor"] = following
        if how == "link":
            document["next"] = f"{path}?after={following}" if rest else None
        if how in ("page", "offset"):
            document[how] = int(asked.get(how, how == "page"))
        headers = (
            {"Link": f'<{path}?after={following}>; rel="next"'} if how == "header" and rest else {}
        )
        return js(found if how == "list" else document, **headers)

    api_server.routes[path] = answer
    settings_of = {
        "page": {"type": "page_number"},
        "offset": {"type": "offset"},
        "cursor": {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "after"},
        "link": {"type": "cursor", "cursor_path": "next"},
        "header": {"type": "link_header"},
        "last": {"type": "last_record", "cursor_param": "last"},
        "graphql": {"type": "graphql"},
        "list": {"type": "page_number"},
    }
    source: dict[str, Any] = {"paging": settings_of[how]} if told else {}
    if how == "graphql":
        source["query"] = "query ($after: String) { rows(after: $after) { id } }"
    before = len(api_server.requests)
    try:
        result = read_api(api_server.url + path, **source)
    except SourceError:
        assert len(api_server.requests) - before <= 15
        return
    except SourceSettingError:
        assert not told
        return
    if not (told and ignores and count <= size):
        assert len(api_server.requests) - before <= count // size + 3
    assert [row["id"] for row in result["data"].to_pylist()] == numbers


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_any_document_is_detected_or_refused(document: Any) -> None:
    """Whatever an answer holds, there is a way or one kind of error."""
    for shape in (document, {"next": document, "total": document, "rows": []}):
        try:
            detect_paging(shape, CaseInsensitiveDict(), 3)
        except SourceSettingError:
            continue


def test_an_empty_page_among_those_that_are_counted(server: Any) -> None:
    """`total_pages` says that there are three: the second one may have nothing."""
    pages = [records(0, 1), [], records(2)]

    def answer(request: Any) -> Answer:
        number = int(request.query.get("page", 1))
        return js({"data": pages[number - 1], "page": number, "total_pages": 3})

    server.routes["/pages"] = answer
    assert ids(read_api(f"{server.url}/pages")) == [0, 1, 2]
    assert len(server.requests) == 3
