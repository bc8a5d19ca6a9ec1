"""The file that the ways of benchmarks/pipeline.py read, and the proof that all make the same.

Six columns: id (whole number), created_at (time stamp), customer (text with 50,000 values), region
(text with four), quantity (whole number) and amount (number). One row in a hundred is a repetition.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

CSV = """
COPY (
    SELECT
        i AS id,
        TIMESTAMP '2020-01-01' + INTERVAL (i * 37 % 94608000) SECOND AS created_at,
        'customer ' || i * 7919 % 50000 AS customer,
        ['north', 'south', 'east', 'west'][i % 4 + 1] AS region,
        i % 12 + 1 AS quantity,
        (i * 37 % 60000) / 4 AS amount
    FROM (SELECT CASE WHEN range % 100 = 99 THEN range - 1 ELSE range END AS i FROM range({rows}))
) TO '{path}' (HEADER)
"""
# What a mart is by its numbers, in the types that it must have.
NUMBERS = """
SELECT
    count(*),
    sum(id),
    sum(amount),
    sum(quantity),
    count(DISTINCT customer),
    min(created_at),
    max(created_at),
    count(DISTINCT region)
FROM {rows}
"""
TYPES = {
    "id": "BIGINT",
    "created_at": "TIMESTAMP",
    "customer": "VARCHAR",
    "region": "VARCHAR",
    "quantity": "BIGINT",
    "amount": "DOUBLE",
}


@dataclass(frozen=True)
class Sales:
    """A CSV file and what the mart made of it must be.

    Args:
        path: The file.
        rows: How many it has, repetitions counted.
        numbers: What `NUMBERS` says of the right mart.
    """

    path: Path
    rows: int
    numbers: tuple[object, ...]


def make_sales(path: Path, rows: int) -> Sales:
    """Write such a file."""
    duckdb.execute(CSV.format(rows=rows, path=path))
    right = f"(SELECT DISTINCT * FROM read_csv('{path}'))"
    return Sales(path, rows, _numbers(right))


def prove(way: str, published: Path, sales: Sales, began: float) -> None:
    """Stop the benchmark unless a published mart has the right rows, stamped in this run.

    Args:
        way: Who made it, for the message.
        published: The mart as Parquet.
        sales: What it was made of.
        began: When the run began, in seconds since 1970.
    """
    mart = f"read_parquet('{published}')"
    if (numbers := _numbers(mart)) != sales.numbers:
        sys.exit(f"{way} made another mart: {numbers} for {sales.numbers}")
    query = f"SELECT epoch(min(processed_at)), count(processed_at) FROM {mart}"
    stamp, stamped = duckdb.execute(query).fetchall()[0]
    if stamped != numbers[0] or stamp < began - 1:
        sys.exit(f"{way} has not stamped each row in this run: {stamped} rows, {stamp} for {began}")


def prove_types(way: str, table: str, warehouse: Path | None = None) -> None:
    """Stop the benchmark unless a table, of a warehouse or by itself, has the right types."""
    with duckdb.connect(
        str(warehouse or ":memory:"), read_only=warehouse is not None
    ) as connection:
        described = connection.execute(f"DESCRIBE {table}").fetchall()
    found = {row[0]: row[1] for row in described}
    types = {name: found.get(name) for name in TYPES}
    if types != TYPES:
        sys.exit(f"{way} made a mart of other types: {types}")


def prove_loaded(way: str, warehouse: Path, table: str, sales: Sales) -> None:
    """Stop the benchmark unless a raw table has as many rows as there are different ones."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        query = f"SELECT count(*), sum(amount) FROM raw.{table}"
        loaded = connection.execute(query).fetchall()[0]
    if loaded != (sales.numbers[0], sales.numbers[2]):
        sys.exit(f"{way} has loaded {loaded}, not {sales.numbers[0]} rows")


def _numbers(rows: str) -> tuple[object, ...]:
    return tuple(duckdb.execute(NUMBERS.format(rows=rows)).fetchall()[0])
