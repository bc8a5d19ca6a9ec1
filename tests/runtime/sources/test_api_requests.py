"""What an API is asked: bodies, GraphQL; and answers of every format."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import ids, js, read_api, records, rows
from tests.source_fixtures import Answer

from dataflow.sources.errors import SourceDataError, SourceError, SourceSettingError

NONE = {"type": "none"}
QUERY = "query ($after: String, $n: Int) { orders(first: $n, after: $after) { nodes { id } } }"


def bodies(server: Any) -> list[Any]:
    return [json.loads(request.body) for request in server.requests]


# Bodies


def test_values_are_written_as_json_writes_them(server: Any) -> None:
    """`true`, not `True`; a parameter without a value is left out."""
    params = {"active": True, "old": False, "size": 1.5, "none": None, "tag": ["a", True]}
    read_api(server.answer("/x", js(records(1))), params=params, paging=NONE)
    assert server.requests[0].query == {
        "active": "true",
        "old": "false",
        "size": "1.5",
        "tag": "true",
    }


def test_a_body_is_posted_and_pages_are_asked_for_in_it(server: Any) -> None:
    """Where a request has a body, the parameters of paging are in it; dots lead into it."""
    pages = [js({"rows": records(1, 2)}), js({"rows": records(3)}), js({"rows": []})]
    url = server.answer("/x", *pages)
    body = {"filter": {"active": True}, "page": {"size": 5}}
    paging = {"type": "page_number", "page_param": "page.number"}
    assert ids(read_api(url, body=body, paging=paging)) == [1, 2, 3]
    assert {request.method for request in server.requests} == {"POST"}
    assert server.requests[0].headers["content-type"] == "application/json"
    asked = [{"filter": {"active": True}, "page": {"size": 5, "number": n}} for n in (1, 2, 3)]
    assert bodies(server) == asked


def test_parameters_of_a_posted_request_may_be_in_the_query(server: Any) -> None:
    """`param_location` says so."""
    url = server.answer("/x", js({"rows": records(1)}), js({"rows": []}))
    paging = {"type": "page_number", "param_location": "query"}
    assert ids(read_api(url, body={"a": 1}, paging=paging)) == [1]
    assert [request.query for request in server.requests] == [{"page": "1"}, {"page": "2"}]
    assert bodies(server) == [{"a": 1}] * 2


@pytest.mark.parametrize(
    ("source", "body", "media"),
    [
        ({"body": {"a": True, "b": ["x", 1]}, "body_format": "form"}, "a=true&b=x&b=1", "form"),
        ({"body": "<q/>", "headers": {"Content-Type": "text/xml"}}, "<q/>", "text/xml"),
        ({"body": [{"a": 1}]}, '[{"a": 1}]', "application/json"),
        ({"method": "POST"}, "", ""),
    ],
)
def test_other_bodies(server: Any, source: Any, body: str, media: str) -> None:
    """Forms, texts, lists, and a request without any."""
    read_api(server.answer("/x", js(records(1))), paging=NONE, **source)
    request = server.requests[0]
    assert (request.method, request.body) == ("POST", body)
    assert media in request.headers.get("content-type", "")


# GraphQL


def connection(more: bool, cursor: str | None, *numbers: int, edges: bool = False) -> Answer:
    info = {"hasNextPage": more, "endCursor": cursor}
    found: dict[str, Any] = {"nodes": records(*numbers)}
    if edges:
        found = {"edges": [{"node": record, "cursor": "c"} for record in records(*numbers)]}
    return js({"data": {"shop": {"orders": {**found, "pageInfo": info}}}})


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("paging", [None, {"type": "graphql", "page_size_param": "n"}])
def test_graphql_goes_from_cursor_to_cursor(server: Any, paging: Any, edges: bool) -> None:
    """`pageInfo` is found, and the cursor goes into the variable that the query declares."""
    pages = [connection(True, "c1", 1, 2, edges=edges), connection(False, None, 3, edges=edges)]
    url = server.answer("/graphql", *pages)
    assert ids(read_api(url, query=QUERY, variables={"x": True}, paging=paging)) == [1, 2, 3]
    asked = bodies(server)
    assert all(body["query"] == QUERY for body in asked)
    size = {"n": 2} if paging else {}
    assert [body["variables"] for body in asked] == [
        {"x": True, **size},
        {"x": True, "after": "c1", **size},
    ]


def test_a_query_that_cannot_go_on_is_refused(server: Any) -> None:
    """It has a next page, and takes no cursor."""
    url = server.answer("/graphql", connection(True, "c1", 1))
    with pytest.raises(SourceSettingError, match="no variable that asks for it"):
        read_api(url, query="{ orders { nodes { id } } }")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"data": {"orders": None}}, "null where the rows"),
        ({"data": None, "errors": [{"message": "no field x"}]}, "no field x"),
        ({"data": {"orders": {"nodes": records(1)}}, "errors": [{"message": "late"}]}, "late"),
        ({"data": {"orders": records(1)}}, "does not say whether there are more"),
        ({"data": {"orders": {"edges": [{"node": None}], "pageInfo": {}}}}, "without a node"),
        (
            {"data": {"orders": {"nodes": records(1), "pageInfo": {"hasNextPage": True}}}},
            "not from where",
        ),
    ],
)
def test_graphql_that_fails_is_no_row(server: Any, document: Any, said: str) -> None:
    """Errors, null and connections that do not say how they go on."""
    with pytest.raises((SourceDataError, SourceSettingError), match=said):
        read_api(server.answer("/graphql", js(document)), query=QUERY)


def test_one_object_of_graphql_is_one_row(server: Any) -> None:
    """Whatever `extensions` hold."""
    document = {"data": {"shop": {"id": 7, "name": "x"}}, "extensions": {"notes": [{"a": 1}]}}
    url = server.answer("/graphql", js(document))
    assert rows(read_api(url, query="{ shop { id } }", paging=NONE)) == [{"id": 7, "name": "x"}]


# Formats

LINES = '{"id": 1, "v": 1.5}\n\n{"id": 2, "v": null}\n'
CSV = 'id,v,day\n1,"1.500",2024-01-01\n2,,2024-01-02\n'
NDJSON = "application/x-ndjson"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "media", "told"),
    [
        (LINES, NDJSON, None),
        (LINES, "application/json", None),
        (LINES, "text/plain; charset=utf-8", "jsonl"),
        ("\x1e" + LINES, "application/json-seq", None),
        (CSV, "text/csv; charset=utf-8", None),
        (CSV, "application/octet-stream", "csv"),
        ("\ufeff" + CSV, "text/csv", None),
        (CSV.replace(",", ";"), "text/csv", None),
        (json.dumps([{"id": 1, "v": 1.5}, {"id": 2}]), "application/json", None),
        ("\ufeff" + json.dumps([{"id": 1, "v": 1.5}, {"id": 2}]), "application/json", None),
        (json.dumps([{"id": 1, "v": 1.5}, {"id": 2}]), "text/html", "json"),
    ],
)
@pytest.mark.parametrize("pack", ["", "gzip", "deflate", "file"])
def test_answers_of_every_format(
    server: Any, body: str, media: str, told: str | None, pack: str
) -> None:
    """JSON, lines and CSV; with a byte-order mark, compressed on the way, or a file of gzip."""
    data = body.encode()
    packed = {"": data, "gzip": gzip.compress(data), "file": gzip.compress(data)}
    packed["deflate"] = zlib.compress(data)
    headers = {"Content-Type": media}
    if pack in ("gzip", "deflate"):
        headers["Content-Encoding"] = pack
    url = server.answer("/x", Answer(packed[pack], headers=headers))
    given = {"format": told} if told else {}
    found = read_api(url, paging=NONE, **given)
    assert [(row["id"], row["v"]) for row in rows(found)] == [(1, 1.5), (2, None)]


def test_pages_of_csv_are_one_table(server: Any) -> None:
    """Their types are found over all pages, and an empty or a header-only page ends them."""
    pages = ["id,v\n1,1\n2,2\n", "id,v\n3,2.5\n", "id,v\n"]
    answers = [Answer(page, headers={"Content-Type": "text/csv"}) for page in pages]
    found = read_api(server.answer("/x", *answers), paging={"type": "page_number"})
    assert rows(found) == [{"id": 1, "v": 1.0}, {"id": 2, "v": 2.0}, {"id": 3, "v": 2.5}]


def test_an_error_in_json_is_no_csv(server: Any) -> None:
    """Whatever was asked for."""
    for document in ({"error": "no"}, {"fine": "but no table"}):
        url = server.answer("/x", js(document))
        with pytest.raises(SourceDataError, match="is an error"):
            read_api(url, format="csv", paging=NONE)


@pytest.mark.parametrize("paging", [NONE, {"type": "auto"}, {"type": "page_number"}])
def test_no_content_is_no_rows(server: Any, paging: Any) -> None:
    """Status 204 on the first page, and behind the last."""
    url = server.answer("/x", Answer(status=204))
    assert rows(read_api(url, paging=paging)) == []
    if paging["type"] == "page_number":
        url = server.answer("/y", js(records(1)), Answer(status=204))
        assert ids(read_api(url, paging=paging)) == [1]


@pytest.mark.parametrize("body", ['{"id": 1}\n{"id":', '{"id": 1}\n[2]\n', '{"id": 1}\nnonsense'])
def test_broken_lines_are_named(server: Any, body: str) -> None:
    """Lines that are cut short are not left out."""
    url = server.answer("/x", Answer(body, headers={"Content-Type": NDJSON}))
    with pytest.raises(SourceDataError, match="line 2"):
        read_api(url, paging=NONE)


def test_other_encodings(server: Any) -> None:
    """The media type names one; UTF-16 is told by its first bytes."""
    latin = Answer(
        '[{"id": "é"}]'.encode("latin-1"), headers={"Content-Type": "a/b; charset=latin-1"}
    )
    assert ids(read_api(server.answer("/x", latin), paging=NONE)) == ["é"]
    wide = Answer('[{"id": "é"}]'.encode("utf-16"))
    assert ids(read_api(server.answer("/x", wide), paging=NONE)) == ["é"]
    wrong = Answer('[{"id": "é"}]'.encode("latin-1"))
    with pytest.raises(SourceDataError, match="is not written in utf-8"):
        read_api(server.answer("/x", wrong), paging=NONE)


# Redirection


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_at_the_same_host_is_followed(server: Any, status: int) -> None:
    """A slash at the end, a new path: the login goes along, since the host is the same."""
    server.answer("/x/", js(records(1)))
    url = server.answer("/x", Answer(status=status, headers={"Location": "/x/?a=1"}))
    found = read_api(url, paging=NONE, auth_type="api_key", api_key="k-1234")
    assert ids(found) == [1]
    assert server.requests[1].headers["x-api-key"] == "k-1234"


def test_redirections_in_a_circle_end(server: Any) -> None:
    """With a word about it."""
    url = server.answer("/x", Answer(status=302, headers={"Location": "/x"}))
    with pytest.raises(SourceError, match="in a circle"):
        read_api(url, paging=NONE)
