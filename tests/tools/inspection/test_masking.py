"""What of a source may lie in a repository."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_tools.inspection.masking import masked_rows, sample_names, spread
from dataflow_tools.inspection.sample import Sample
from dataflow_tools.inspection.source_inspection import inspect_sample

ROWS: list[dict[str, Any]] = [
    {
        "order_id": 900 + n,
        "customer_name": f"Ann Example{n % 3}",
        "contact": f"ann{n}@acme.test",
        "phone": f"+49 30 12345{n:02}",
        "country": ["DE", "FR"][n % 2],
        "day": date(2026, 1, n % 28 + 1),
        "birthday": date(1990, 1, n % 28 + 1),
        "amount": Decimal(f"{100 + n}.25"),
        "note": None if n % 4 else "She asked us to call her back on Monday after ten",
        "is_paid": n % 3 == 0,
    }
    for n in range(1, 41)
]


@pytest.fixture(scope="module")
def masked() -> list[dict[str, Any]]:
    """The rows as a sample."""
    inspection = inspect_sample(Sample(pa.Table.from_pylist(ROWS), whole=True, notes=[]), {})
    return masked_rows(ROWS, inspection)


@pytest.mark.slow
def test_nobody_is_named_and_no_amount_is_true(masked: list[dict[str, Any]]) -> None:
    """Of names, mails, phones, notes and amounts no value is one of the source's."""
    for column in ("customer_name", "contact", "phone", "note", "amount"):
        true = {str(row[column]) for row in ROWS if row[column] is not None}
        assert not true & {str(row[column]) for row in masked}, column
    assert all(a["birthday"] != str(b["birthday"]) for a, b in zip(masked, ROWS, strict=True))
    assert masked[0]["contact"].endswith("@example.org")


def test_what_tests_need_stays(masked: list[dict[str, Any]]) -> None:
    """Columns, gaps, categories, days and flags; keys differ; size and digits of numbers."""
    for before, after in zip(ROWS, masked, strict=True):
        assert list(after) == list(before)
        assert (after["note"] is None) == (before["note"] is None)
        assert after["country"] == before["country"]
        assert after["day"] == before["day"].isoformat()
        assert after["is_paid"] == before["is_paid"]
        assert before["amount"] / 2 <= Decimal(str(after["amount"])) <= before["amount"] * 3 / 2
    assert [row["order_id"] for row in masked] == list(range(1, 41))


def test_the_same_value_is_the_same_again(masked: list[dict[str, Any]]) -> None:
    """Who ordered twice still has; two that differ do not become one."""
    pairs = {
        (row["customer_name"], after["customer_name"])
        for row, after in zip(ROWS, masked, strict=True)
    }
    assert len(pairs) == len({before for before, _ in pairs}) == len({after for _, after in pairs})


@pytest.mark.slow
@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=30, unique=True))
def test_values_that_differ_go_on_to_differ(values: list[str]) -> None:
    """However short they are, so that a key stays one."""
    rows = [{"code": value} for value in values]
    inspection = inspect_sample(Sample(pa.Table.from_pylist(rows), whole=True, notes=[]), {})
    assert len({row["code"] for row in masked_rows(rows, inspection)}) == len(values)


def test_a_sample_is_of_the_whole_source() -> None:
    """The first row, the last one and some between, in their order."""
    assert spread(range(1000), 3) == [0, 500, 999]
    assert spread([1, 2], 6) == [1, 2]
    assert sample_names(["a"]) == {"a": "sample.json"}


def test_what_is_nested_stays_of_its_kind() -> None:
    """Days, moments and numbers in lists, objects and JSON texts are still such afterwards."""
    moments = ["2028-10-02T20:00:00Z", "2028-10-02 20:00:00+02:00", "2028-10-02"]
    item = {"at": moments[0], "birth": "1990-05-06T07:08:09Z", "n": 17, "who": "Ann Example"}
    rows = [{"id": n, "lines": [item], "text": json.dumps([item]), "days": moments} for n in (1, 2)]
    table = pa.Table.from_pylist(rows)
    inspection = inspect_sample(Sample(table, whole=True, notes=[]), {})
    for row in masked_rows(rows, inspection):
        assert row["days"] == moments
        for found in (row["lines"][0], json.loads(row["text"])[0]):
            assert found["at"] == moments[0]
            assert found["birth"] == "1990-04-25T07:08:09Z"
            assert isinstance(found["n"], int)
            assert found["who"] != item["who"]
