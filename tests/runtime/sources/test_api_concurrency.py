"""Pages that are asked for several at a time: in order, each once, and no more than is polite."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import Api, ids, js, read_api, records, rows
from tests.source_fixtures import Answer, Request

from dataflow.sources.errors import SourceDataError, SourceUnavailableError

NUMBERED = {"type": "page_number"}
PAGES = 12


@pytest.fixture(autouse=True)
def _quick(quick: None) -> None:
    """Waits are short unless the server says how long."""


class Pages:
    """An API with pages of two records, that sees how many requests there are at a time."""

    def __init__(self, server: Any, pages: int = PAGES) -> None:
        self.server, self.pages = server, pages
        self.most = self._now = 0
        self.asked: list[int] = []
        self.at: list[float] = []
        self.faults: dict[int, list[Answer]] = {}
        self.total: int | None = None
        # So many have to have come before any is answered.
        self.together: threading.Barrier | None = None
        self._lock = threading.Lock()
        server.routes["/x"] = self._answer

    def read(self, concurrency: int = 4, **source: Any) -> Any:
        url = f"{self.server.url}/x"
        return read_api(url, concurrency=concurrency, **{"paging": NUMBERED, **source})

    @property
    def all_ids(self) -> list[int]:
        return list(range(1, 2 * self.pages + 1))

    def _answer(self, request: Request) -> Answer:
        page = int(request.query["page"])
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.asked.append(page)
            self.at.append(time.monotonic())
            faults = self.faults.get(page, [])
            fault = faults.pop(0) if faults else None
        if self.together and 1 < page <= 1 + self.together.parties:
            # As many as may be under way, none of which is answered before all have come.
            self.together.wait(10)
        with self._lock:
            self._now -= 1
        found = records(2 * page - 1, 2 * page) if page <= self.pages else []
        document = {"data": found} | ({} if self.total is None else {"total": self.total})
        return fault or js(document)


@pytest.fixture
def pages(server: Any) -> Pages:
    return Pages(server)


def test_pages_are_asked_for_together_and_keep_their_order(pages: Pages) -> None:
    """As many as are allowed are under way at a time, and the rows come as one by one."""
    pages.together = threading.Barrier(4)
    assert ids(pages.read(4)) == pages.all_ids
    assert pages.most == 4
    assert sorted(set(pages.asked)) == sorted(pages.asked)


@pytest.mark.slow
def test_pages_are_asked_for_one_by_one_unless_told(pages: Pages) -> None:
    """Nothing is asked for before its turn where nobody says so."""
    found = read_api(f"{pages.server.url}/x", paging=NUMBERED)
    assert (ids(found), pages.most) == (pages.all_ids, 1)
    assert pages.asked == list(range(1, PAGES + 2))


@pytest.mark.parametrize("behind", ["empty", 404, 500])
def test_what_is_behind_the_end_counts_for_nothing(pages: Pages, behind: str | int) -> None:
    """Pages behind the first empty one may say what they like: they were asked for in vain."""
    if isinstance(behind, int):
        pages.faults = {page: [Answer("no", behind)] * 9 for page in range(PAGES + 2, PAGES + 9)}
    found = pages.read(4)
    assert ids(found) == pages.all_ids
    assert "notes" not in found["metadata"]


def test_a_total_bounds_what_is_asked_for(pages: Pages) -> None:
    """Where the answer says how many there are, no page is asked for behind them."""
    pages.total = 2 * PAGES
    found = pages.read(8, paging={**NUMBERED, "total_path": "total"})
    assert ids(found) == pages.all_ids
    assert sorted(pages.asked) == list(range(1, PAGES + 1))


def test_max_pages_bounds_what_is_asked_for(pages: Pages) -> None:
    """No page is asked for that is not wanted."""
    assert len(ids(pages.read(8, paging={**NUMBERED, "max_pages": 5}))) == 10
    assert sorted(pages.asked) == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_pause_that_one_page_is_told_is_kept_by_all(pages: Pages) -> None:
    """After 429 with Retry-After nothing is asked before that, and fewer at a time then."""
    pages.faults[6] = [Answer("", 429, {"Retry-After": "1"})]
    assert ids(pages.read(4)) == pages.all_ids
    assert pages.asked.count(6) == 2
    again = len(pages.asked) - 1 - pages.asked[::-1].index(6)
    told = pages.at[pages.asked.index(6)]
    beside = [page for page, at in zip(pages.asked, pages.at, strict=True) if 0 < at - told < 0.9]
    # Those that were under way with it, and no other.
    assert len(beside) <= 3
    assert pages.at[again] - told >= 1


@pytest.mark.slow
def test_a_limit_that_is_smaller_than_the_concurrency_is_kept(server: Any) -> None:
    """An API that takes two requests a second is read whole, without a request given up."""
    pages, seconds = Pages(server, 7), 0.5
    plain, lock, taken = pages._answer, threading.Lock(), [0.0, 0.0]

    def limited(request: Request) -> Answer:
        with lock:
            now = time.monotonic()
            if now - taken[0] < seconds:
                return Answer("", 429, {"Retry-After": "1"})
            taken[:] = [taken[1], now]
        return plain(request)

    server.routes["/x"] = limited
    assert ids(pages.read(8)) == pages.all_ids


def test_requests_that_are_left_are_not_exceeded(pages: Pages) -> None:
    """Where an answer says that two more are allowed, two are sent beside one another."""
    plain = pages._answer

    def counting(request: Request) -> Answer:
        found = plain(request)
        headers = {**found.headers, "X-RateLimit-Remaining": "2"}
        return Answer(found.body, found.status, headers)

    pages.server.routes["/x"] = counting
    assert ids(pages.read(8)) == pages.all_ids
    assert pages.most <= 2


def test_a_page_that_fails_is_tried_as_often_as_told(pages: Pages) -> None:
    """The try ahead of its turn is one of them."""
    pages.faults[5] = [Answer("", 500)] * 2
    assert ids(pages.read(4)) == pages.all_ids
    assert pages.asked.count(5) == 3
    pages.faults[5] = [Answer("", 500)] * 9
    pages.asked.clear()
    with pytest.raises(SourceUnavailableError, match="Page 5 of .* be read in 3 attempts: .* 500"):
        pages.read(4)
    assert pages.asked.count(5) == 3


def test_a_page_that_is_refused_is_named(pages: Pages) -> None:
    """It is asked for once, and nothing of what came with it is kept."""
    pages.faults[7] = [Answer("", 400)]
    with pytest.raises(SourceUnavailableError, match="Page 7 of .* answered 400"):
        pages.read(4)
    assert pages.asked.count(7) == 1


def test_offsets_go_on_by_what_came(api: Api) -> None:
    """A server that gives ten where more were asked for is guessed at by the ten."""
    found = read_api(api.url("offset"), batch_size=100, concurrency=4)
    assert ids(found) == list(range(25))
    offsets = sorted(int(request.query.get("offset", 0)) for request in api.server.requests)
    assert offsets == [0, 10, 20]


def test_offsets_that_were_guessed_wrong_are_asked_again(server: Any) -> None:
    """Where pages differ in length, what was asked for in vain is left, and the rest one by one."""
    sizes = [3, 4, 3, 5, 3, 3]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]

    def answer(request: Request) -> Answer:
        start = int(request.query.get("offset", 0))
        size = sizes[starts.index(start)] if start in starts else 2
        return js({"data": records(*range(start, min(start + size, sum(sizes))))})

    server.routes["/x"] = answer
    found = read_api(f"{server.url}/x", paging={"type": "offset"}, concurrency=4)
    assert ids(found) == list(range(sum(sizes)))
    assert len(server.requests) <= len(sizes) + 1 + 3


def test_a_cursor_is_read_page_by_page_and_it_is_said(api: Api) -> None:
    """Its next page is named by the one before: there is nothing to ask for ahead."""
    found = read_api(api.url("cursor"), concurrency=4)
    assert ids(found) == list(range(25))
    assert any("concurrency` had no effect" in note for note in found["metadata"]["notes"])
    assert len(api.server.requests) == 3


def test_parents_are_asked_for_together(server: Any) -> None:
    """The first pages of several records' own requests are under way at a time, in their order."""
    server.answer("/orders", js({"data": records(*range(1, 10))}))
    together = threading.Barrier(3)

    def items(request: Request) -> Answer:
        number = int(request.path.split("/")[2])
        if number in (2, 3, 4):
            together.wait(10)
        return js({"rows": [{"sku": f"{number}-{item}"} for item in range(2)]})

    server.routes["*"] = items
    parents = {"url": f"{server.url}/orders", "data_path": "data", "field": "id", "as": "order"}
    found = read_api(
        f"{server.url}/orders/{{order}}/items",
        data_path="rows",
        paging={"type": "none"},
        for_each={**parents, "paging": {"type": "none"}},
        concurrency=3,
    )
    assert [row["sku"] for row in rows(found)] == [f"{n}-{i}" for n in range(1, 10) for i in (0, 1)]
    assert len(server.requests) == 10
    assert "notes" not in found["metadata"]


def test_a_token_is_fetched_once_for_all_that_it_was_refused_to(pages: Pages) -> None:
    """Several requests answered with 401 at a time lead to one new token."""
    server, plain = pages.server, pages._answer
    fetched: list[str] = []

    def token(_: Request) -> Answer:
        fetched.append(f"t{len(fetched)}")
        return js({"access_token": fetched[-1], "expires_in": 3600})

    def guarded(request: Request) -> Answer:
        page = int(request.query["page"])
        is_old = page > 4 and request.headers["authorization"] == "Bearer t0"
        return Answer("", 401) if is_old else plain(request)

    server.routes |= {"/token": token, "/x": guarded}
    found = pages.read(
        4,
        auth_type="oauth2_client_credentials",
        token_url=f"{server.url}/token",
        client_id="a",
        client_secret="s3cret",  # noqa: S106
    )
    assert ids(found) == pages.all_ids
    assert fetched == ["t0", "t1"]


def test_pages_that_come_again_are_refused(server: Any) -> None:
    """An API that takes no notice of the page's number is found out, as one by one."""
    server.answer("/x", js({"data": records(1, 2)}))
    with pytest.raises(SourceDataError, match="the same 2 records as a page before it"):
        read_api(f"{server.url}/x", paging=NUMBERED, concurrency=4)
