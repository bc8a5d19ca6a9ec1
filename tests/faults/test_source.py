"""Runs whose source fails or changes, over a real HTTP server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from tests.faults.conftest import Shop, make_rows
from tests.source_fixtures import Answer, Server

pytestmark = pytest.mark.slow

GOOD = [(1, 1.0), (2, 1.0), (3, 1.0)]
# Retries wait next to nothing, unless the server says how long.
EAGER = {
    "dataflow.sources.retry:_FIRST_WAIT": 0.001,
}


@pytest.fixture
def api() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def page(*ids: int, total: int = 4) -> Answer:
    """One page of an API that says how many rows it has."""
    return Answer(json.dumps({"rows": make_rows(*ids), "total": total}))


def read_pages(shop: Shop, url: str) -> None:
    shop.read_from(
        f'type: api\nurl: "{url}"\ndata_path: rows\n'
        "paging: {type: page_number, total_path: total}"
    )
    shop.configure("timeout_seconds: 30", "timeout_seconds: 1")


def read_answer(shop: Shop, url: str) -> None:
    shop.read_from(f'type: api\nurl: "{url}"\npaging: {{type: none}}')


def is_as_it_was(shop: Shop) -> None:
    """Tables and dashboard have the last good rows."""
    assert shop.raw() == shop.mart() == shop.published() == GOOD


PASSING = [
    Answer(status=429, headers={"Retry-After": "0"}),
    Answer(status=429),
    Answer(status=500),
    Answer(status=503),
    Answer('{"rows": [{"id": 4', cut=12),
    Answer(silent=True),
]


def test_faults_that_pass_leave_no_trace(shop: Shop, api: Server) -> None:
    """Throttled, failing, cut off and silent by turns, and in the end every row once."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    shop.configure("max_retries: 3", "max_retries: 6")
    pages = [page(4, 5), page(6, 7), page()]
    answers = [answer for one in pages[:2] for answer in (*PASSING, one)]
    read_pages(shop, api.answer("/rows", *answers, pages[2]))
    shop.run_well(values=EAGER)
    assert shop.raw() == shop.published() == [(number, 1.0) for number in range(1, 8)]


LASTING = {
    "silence": ([Answer(silent=True)], "too long"),
    "a reset in the body": ([page(4, 5), Answer("{" * 100, cut=50)], "Page 2"),
    "throttled": ([page(4, 5), Answer(status=429)], "429"),
    "throttled for a day": (
        [Answer(status=429, headers={"Retry-After": "86400"})],
        "left alone for longer",
    ),
    "a failing server": ([Answer(status=500)], "500"),
    "no JSON": ([page(4, 5), Answer('{"rows": [{"id"')], "Page 2"),
    "a page twice": ([page(4, 5), page(4, 5)], "same 2 records"),
    "a page missing": ([page(4, 5), page()], "some are missing"),
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_is_one_message(shop: Shop, api: Server, fault: str) -> None:
    """What the source did is told, no half of an answer is loaded, and the last data stays."""
    answers, told = LASTING[fault]
    shop.configure("max_retries: 3", "max_retries: 1")
    read_pages(shop, api.answer("/rows", *answers))
    shop.run(values=EAGER).is_told("extract: ", "/rows", told)
    is_as_it_was(shop)


@pytest.mark.parametrize("write_disposition", ["append", "merge", "replace"])
def test_an_empty_answer_keeps_the_table(shop: Shop, api: Server, write_disposition: str) -> None:
    """A replace says how to allow it; for the others it is nothing new, and all is well."""
    shop.configure("write_disposition: replace", f"write_disposition: {write_disposition}")
    read_answer(shop, api.answer("/rows", Answer("[]")))
    ran = shop.run()
    if write_disposition == "replace":
        ran.is_told("raw.sales has 3", "load.allow_empty: true")
    else:
        assert ran.code == 0, ran.stderr
    is_as_it_was(shop)


def test_an_empty_answer_that_is_allowed_empties_the_table(shop: Shop, api: Server) -> None:
    """The columns stay, so models and dashboard show no rows instead of failing."""
    shop.configure("write_disposition: replace", "write_disposition: replace\n  allow_empty: true")
    read_answer(shop, api.answer("/rows", Answer("[]")))
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == []


def test_a_column_that_is_gone_is_named(shop: Shop, api: Server) -> None:
    """The model that needs it says so; marts and dashboards keep the last good rows."""
    rows = [{key: row[key] for key in row if key != "category"} for row in make_rows(4)]
    read_answer(shop, api.answer("/rows", Answer(json.dumps(rows))))
    shop.run().is_told("model: ", "stg_sales", "category")
    assert shop.mart() == shop.published() == GOOD


def test_a_column_that_is_new_does_no_harm(shop: Shop, api: Server) -> None:
    """It is in the raw table, for models that want it."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    rows: list[dict[str, Any]] = [{**row, "discount": 0.5} for row in make_rows(4)]
    read_answer(shop, api.answer("/rows", Answer(json.dumps(rows))))
    shop.run_well()
    assert shop.published() == [*GOOD, (4, 1.0)]
    assert shop.ask("SELECT id, discount FROM raw.sales WHERE id > 2 ORDER BY id") == [
        (3, None),
        (4, 0.5),
    ]


@pytest.mark.parametrize("write_disposition", ["append", "replace"])
def test_a_wrong_type_in_row_900_000_is_found(
    shop: Shop, api: Server, write_disposition: str
) -> None:
    """No sample decides: the row is named in the run's log, and no value is lost in silence."""
    shop.configure("write_disposition: replace", f"write_disposition: {write_disposition}")
    lines = [
        f"{n},2024-01-01T12:00:00,music,{'1.5' if n != 900_000 else 'n/a'}"
        for n in range(1, 900_010)
    ]
    body = "\n".join(["id,created_at,category,amount", *lines])
    url = api.answer("/rows.csv", Answer(body))
    shop.read_from(f'type: file\nurl: "{url}"')
    ran = shop.run(env={"DATAFLOW_LOG_LEVEL": "WARNING"})
    ran.is_told("amount" if write_disposition == "append" else "n/a")
    assert "row 900,000 has 'n/a'" in ran.stderr
    assert shop.mart() == shop.published() == GOOD
    if write_disposition == "append":
        assert shop.raw() == GOOD


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux limits a process's memory so.")
def test_more_rows_than_memory_are_one_message(shop: Shop) -> None:
    """As the workflow's README says: the last good tables stay, and a smaller part goes through."""
    duckdb.execute(
        "COPY (SELECT range AS id, TIMESTAMP '2024-01-01' AS created_at, 'music' AS category, "
        "hash(range) / 1e20 AS amount, md5(range::VARCHAR) AS note FROM range(1_000_000)) "
        f"TO '{shop.root}/large.csv'"
    )
    shop.read_from('type: file\nurl: "large.csv"')
    limited = {"limits": {"RLIMIT_AS": 256 << 20}}
    shop.run(**limited).is_told("large.csv gave does not fit into memory", "incremental")
    is_as_it_was(shop)
    shop.read_from('type: file\nurl: "rows.jsonl"')
    shop.run_well()
