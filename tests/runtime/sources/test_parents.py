"""An API is asked once more for each record of another."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import js, read_api, records, rows
from tests.source_fixtures import Answer

from dataflow.shared.config_model import Parameters
from dataflow.sources.api.reader import KIND
from dataflow.sources.api.settings import ApiSource
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.kind import ReadRequest

NONE = {"type": "none"}
QUERY = "query ($after: String, $n: Int) { orders(first: $n, after: $after) { nodes { id } } }"


def bodies(server: Any) -> list[Any]:
    return [json.loads(request.body) for request in server.requests]


def test_each_parent_is_asked_for_its_children(server: Any) -> None:
    """All pages of all of them, each row with its parent; parents that come twice count once."""
    parents = [js({"data": records(1, 2), "next": "/orders?p=2"}), js({"data": records(2, 30)})]
    server.answer("/orders", *parents)
    server.answer("/orders/1/items", js({"rows": [{"sku": "a"}], "next": "/orders/1/more"}))
    server.answer("/orders/1/more", js({"rows": [{"sku": "b"}], "next": None}))
    server.answer("/orders/2/items", Answer(status=204))
    server.answer("/orders/30/items", js({"rows": [{"sku": "c", "order_id": 30}], "next": None}))
    found = read_api(
        f"{server.url}/orders/{{order_id}}/items",
        auth_type="bearer_token",
        token="t0ken-1",  # noqa: S106
        params={"for": "{order_id}"},
        data_path="rows",
        for_each={
            "url": f"{server.url}/orders",
            "data_path": "data",
            "field": "id",
            "as": "order_id",
            "paging": {"type": "cursor", "cursor_path": "next"},
        },
    )
    assert rows(found) == [
        {"sku": "a", "order_id": 1},
        {"sku": "b", "order_id": 1},
        {"sku": "c", "order_id": 30},
    ]
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer t0ken-1"}
    assert server.requests[2].query == {"for": "1"}


@pytest.mark.slow
def test_children_that_answer_in_csv(server: Any) -> None:
    """Each row has its parent's value; types are found over all answers, some without rows."""
    server.answer("/stations", js([{"code": "007"}, {"code": "12"}, {"code": "13"}]))
    for code, text in {
        "007": 'day;temp\n2024-01-01;"1,5"\n2024-01-02;\n',
        "12": "day;temp\n2024-01-01;-3\n",
        "13": "day;temp\n",
    }.items():
        server.answer(f"/stations/{code}.csv", Answer(text, headers={"Content-Type": "text/csv"}))
    each = {"url": f"{server.url}/stations", "field": "code", "as": "station", "paging": NONE}
    found = read_api(f"{server.url}/stations/{{station}}.csv", for_each=each, paging=NONE)
    assert rows(found) == [
        {"station": "007", "day": date(2024, 1, 1), "temp": 1.5},
        {"station": "007", "day": date(2024, 1, 2), "temp": None},
        {"station": "12", "day": date(2024, 1, 1), "temp": -3.0},
    ]
    other = Answer("v,Station\n1,12\n2,9\n", headers={"Content-Type": "text/csv"})
    server.answer("/of/12", other)
    each["url"] = server.answer("/one", js([{"code": "12"}]))
    with pytest.raises(SourceDataError, match="has '9' at 'station' already"):
        read_api(f"{server.url}/of/{{station}}", for_each=each, paging=NONE)


def test_a_parents_value_is_quoted_in_the_address(server: Any) -> None:
    """It cannot lead elsewhere; in a body it keeps its type."""
    server.answer("/all", js([{"key": "a/../b?c"}]))
    server.answer("/all/a%2F..%2Fb%3Fc", js({"v": 1}))
    each = {"url": f"{server.url}/all", "field": "key", "as": "k", "paging": NONE}
    url = f"{server.url}/all/{{k}}"
    assert rows(read_api(url, for_each=each, paging=NONE)) == [{"v": 1, "k": "a/../b?c"}]
    server.answer("/numbers", js([{"key": 7}]))
    url = server.answer("/find", js({"v": 2}))
    each["url"] = f"{server.url}/numbers"
    assert rows(read_api(url, for_each=each, paging=NONE, body={"id": "{k}"})) == [{"v": 2, "k": 7}]
    assert json.loads(server.requests[-1].body) == {"id": 7}


@pytest.mark.parametrize(
    ("parents", "children", "said"),
    [
        ([{"id": None}], {}, "no single value at 'id'"),
        ([{"no": 1}], {}, "no single value at 'id'"),
        ([{"id": 1}], {"error": "no"}, "is an error"),
        ([{"id": 1}], {"order": 2, "v": 1}, "has 2 at 'order' already"),
    ],
)
def test_parents_and_children_that_cannot_be_read(
    server: Any, parents: Any, children: Any, said: str
) -> None:
    """One child that fails fails the run."""
    server.answer("/p", js(parents))
    server.answer("/p/1", js(children))
    each = {"url": f"{server.url}/p", "field": "id", "as": "order", "paging": NONE}
    with pytest.raises(SourceDataError, match=said):
        read_api(f"{server.url}/p/{{order}}", for_each=each, paging=NONE)


def test_parents_that_cannot_be_read_whole_are_told_where_to_set_it(server: Any) -> None:
    """The setting is the one of the first request."""
    each = {"url": server.answer("/p", js(records(1))), "field": "id", "as": "k"}
    with pytest.raises(SourceSettingError) as caught:
        read_api(f"{server.url}/p/{{k}}", for_each=each)
    assert "`ingestion.source.for_each.paging.type`" in caught.value.instruction


def test_a_limit_ends_among_the_children(server: Any) -> None:
    """An inspection knows that it has not seen all."""
    server.answer("/p", js(records(1, 2, 3)))
    for number in (1, 2, 3):
        server.answer(f"/p/{number}", js([{"v": number}, {"v": 0}]))
    settings = ApiSource.model_validate(
        {
            "type": "api",
            "url": f"{server.url}/p/{{k}}",
            "paging": NONE,
            "for_each": {"url": f"{server.url}/p", "field": "id", "as": "k", "paging": NONE},
        }
    )
    for limit, whole in ((3, False), (6, True)):
        extracted = KIND.read(settings, ReadRequest(Parameters(), limit=limit))
        assert extracted.whole is whole


def test_a_parent_at_another_host_is_refused(server: Any, other_server: Any) -> None:
    """The login is for one host; and the placeholder must be used."""
    each = {"url": f"{other_server.url}/p", "field": "id", "as": "order"}
    with pytest.raises(SourceSettingError, match="is at another host"):
        read_api(f"{server.url}/p/{{order}}", for_each=each)
    each["url"] = f"{server.url}/p"
    with pytest.raises(SourceSettingError, match="is used nowhere"):
        read_api(f"{server.url}/p", for_each=each)
    assert other_server.requests == []
