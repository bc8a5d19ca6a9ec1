"""A source on its first day and on its second: what was found on day one is kept."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tests.conftest import Dataflow

pytestmark = pytest.mark.slow

CASES = {
    case["name"]: case
    for case in yaml.safe_load(
        (Path(__file__).parent.parent / "cases" / "two_days.yaml").read_text(encoding="utf-8")
    )
}
FEBRUARY = date(2024, 2, 1)
# What the mart has after the second day, by the case; None where the second run is refused, and
# all is as after the first.
MARTS: dict[str, list[dict[str, Any]] | None] = {
    "versions_are_text": [
        {"id": 1, "version": "1.10", "price": "1.50"},
        {"id": 2, "version": "1.20", "price": "2.00"},
    ],
    "decimal_comma_is_kept": [
        {"id": number, "betrag": value}
        for number, value in enumerate([1500.25, 2750, 1500, 2750], 1)
    ],
    "padded_keys": [
        {"code": "00123", "v": 1},
        {"code": "00456", "v": 2},
        {"code": "123", "v": 9},
        {"code": "7", "v": 3},
    ],
    "date_order_is_kept": [
        {"id": 1, "day": date(2024, 4, 25)},
        {"id": 2, "day": date(2024, 6, 5)},
        {"id": 3, "day": FEBRUARY},
    ],
    "whole_numbers_grow_decimals": None,
    "nothing_in_a_column_today": [
        {"id": 1, "qty": 5, "day": date(2024, 1, 1)},
        {"id": 2, "qty": None, "day": None},
    ],
    "new_category": [
        {"id": number, "region": region}
        for number, region in enumerate(["North", "South", "East", "South"], 1)
    ],
    "new_column": [
        {"id": 1, "amount": 10, "coupon": None},
        {"id": 2, "amount": 20, "coupon": "X1"},
    ],
    "lost_column": None,
    "equal_sales": [
        {"date": date(2024, 3, 1), "item": "coffee", "price": 2.5},
        {"date": date(2024, 3, 2), "item": "tea", "price": 2.0},
        {"date": date(2024, 3, 2), "item": "tea", "price": 2.0},
    ],
}
# What the second run says.
SAID = {
    "whole_numbers_grow_decimals": "row 1: '12.75' is no bigint",
    "new_category": "region of stg_days has new values: 'East' in 1 row (accepted_values)",
    "new_column": "Column 'coupon' is new",
    "lost_column": "no longer has 'discount'",
}


def mart(project: Path) -> list[dict[str, Any]]:
    """The rows of the mart, without the time of the run."""
    path = project / "data" / "days.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.sql("FROM marts.days ORDER BY ALL")
        names = rows.columns
        found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    for row in found:
        row.pop("processed_at")
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_second_day_is_read_as_the_first(
    project_folder: Path, dataflow: Dataflow, name: str
) -> None:
    """After day two the mart has the right values, or those of day one if the run was refused."""
    case = CASES[name]
    source = project_folder / "data" / "in" / "days.csv"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(case["days"][0], encoding="utf-8")
    answers = ["-d", f"write_disposition={case['write_disposition']}"]
    if "primary_key" in case:
        answers += ["-d", f"primary_key={case['primary_key']}"]
    made = dataflow(
        "workflow", "new", "days", "--source", "data/in/days.csv", *answers, cwd=project_folder
    )
    assert made.returncode == 0, made.stderr
    first = dataflow("workflow", "run", "days", cwd=project_folder)
    assert first.returncode == 0, first.stdout + first.stderr
    before = mart(project_folder)
    source.write_text(case["days"][1], encoding="utf-8")
    second = dataflow("workflow", "run", "days", cwd=project_folder)
    said = second.stdout + second.stderr
    assert SAID.get(name, "") in said
    wanted = MARTS[name]
    if wanted is None:
        assert second.returncode != 0
        assert mart(project_folder) == before
    else:
        assert second.returncode == 0, said
        assert sorted(mart(project_folder), key=str) == sorted(wanted, key=str)


def test_types_that_widen_at_the_source(project_folder: Path, dataflow: Dataflow) -> None:
    """A Parquet file whose columns are wider on day two reaches the mart, and nothing is rounded.

    The staging model, rendered for the types of day one, goes along.
    """
    path = project_folder / "data" / "in" / "days.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(number: int, amount: str, size: float, types: list[pa.DataType]) -> None:
        values = [[number], [Decimal(amount)], [size]]
        columns = [pa.array(v, kind) for v, kind in zip(values, types, strict=True)]
        pq.write_table(pa.table(columns, names=["id", "amount", "size"]), path)

    write(1, "1.25", 0.5, [pa.int32(), pa.decimal128(10, 2), pa.float32()])
    new = ["workflow", "new", "days", "--source", "data/in/days.parquet"]
    made = dataflow(*new, "-d", "write_disposition=append", cwd=project_folder)
    assert made.returncode == 0, made.stderr
    first = dataflow("workflow", "run", "days", cwd=project_folder)
    assert first.returncode == 0, first.stdout + first.stderr
    wider = [pa.int64(), pa.decimal128(14, 4), pa.float64()]
    write(5_000_000_000, "123456789.0125", 0.123456789, wider)
    second = dataflow("workflow", "run", "days", cwd=project_folder)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "'amount' is decimal(14,4) at the source now" in second.stdout + second.stderr
    assert mart(project_folder) == [
        {"id": 1, "amount": Decimal("1.25"), "size": 0.5},
        {"id": 5_000_000_000, "amount": Decimal("123456789.0125"), "size": 0.123456789},
    ]
