"""Items of lists in the place of those that the same rows had."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.runtime.warehouse.loader_fixture import Loader, loader

from dataflow.warehouse.kind import LoadRequest, Owners
from dataflow.warehouse.load import load_table

__all__ = ["loader"]

ITEMS = pa.schema([("o", pa.int64()), ("v", pa.string())])


def load(loader: Loader, owners: pa.Table, items: list[tuple[int, str]], **options: Any) -> None:
    """Merge orders and then their items, as a run does."""
    path = loader.database.with_name("owners.parquet")
    pq.write_table(owners, path)
    cursor = "at" if "at" in owners.column_names else ""
    merge = LoadRequest("orders", "merge", ["id"], cursor=cursor, **options)
    load_table(loader.database, path, merge)
    loader.load(
        pa.Table.from_pylist([{"o": o, "v": v} for o, v in items], ITEMS),
        write_disposition="merge",
        primary_key=["o"],
        allow_empty=True,
        owners=Owners(path, {"o": "id"}, "raw.orders", path, cursor),
        **options,
    )


def test_items_take_the_place_of_all_of_the_same_owners(loader: Loader) -> None:
    """Items that an owner no longer has are gone, also the last; those of others stay."""
    load(loader, pa.table({"id": [1, 2]}), [(1, "a"), (1, "b"), (2, "c")])
    load(loader, pa.table({"id": [1]}), [(1, "a")])
    assert loader.rows() == [(1, "a"), (2, "c")]
    load(loader, pa.table({"id": [2]}), [])
    assert loader.rows() == [(1, "a")]


@pytest.mark.slow
def test_items_of_a_row_that_is_older_than_the_tables_are_left_out(loader: Loader) -> None:
    """A row and its items are of one version: where the row does not count, they do not."""
    load(loader, pa.table({"id": [1, 2], "at": [5, 5]}), [(1, "new"), (2, "old")])
    load(loader, pa.table({"id": [1, 2, 3], "at": [4, 6, 1]}), [(1, "late"), (2, "new"), (3, "c")])
    assert loader.rows("FROM raw.orders ORDER BY id") == [(1, 5), (2, 6), (3, 1)]
    assert loader.rows() == [(1, "new"), (2, "new"), (3, "c")]
    # Nor do they go where the older row has none.
    load(loader, pa.table({"id": [1], "at": [3]}), [])
    load(loader, pa.table({"id": [1], "at": pa.array([None], pa.int64())}), [(1, "undated")])
    assert loader.rows() == [(1, "new"), (2, "new"), (3, "c")]
    # As new as the table's counts, as for the row.
    load(loader, pa.table({"id": [1], "at": [5]}), [(1, "again")])
    assert loader.rows() == [(1, "again"), (2, "new"), (3, "c")]
    # Everything anew is everything anew.
    load(loader, pa.table({"id": [1], "at": [1]}), [(1, "first")], full_refresh=True)
    assert loader.rows() == [(1, "first")]


def test_the_cursor_of_the_table_is_compared_by_its_type(loader: Loader) -> None:
    """9 is before 10 also where today's rows have the cursor with another type."""
    load(loader, pa.table({"id": [1], "at": [10]}), [(1, "ten")])
    load(loader, pa.table({"id": [1], "at": pa.array([9], pa.int16())}), [(1, "nine")])
    assert loader.rows() == [(1, "ten")]
    load(loader, pa.table({"id": [1], "at": [10.5]}), [(1, "more")])
    assert loader.rows() == [(1, "more")]


def test_of_a_key_that_comes_twice_the_newest_row_tells_the_version(loader: Loader) -> None:
    """One of the two is older than the table's, the other is not: its items count."""
    load(loader, pa.table({"id": [1], "at": [5]}), [(1, "five")])
    load(loader, pa.table({"id": [1, 1], "at": [4, 6]}), [(1, "six")])
    assert loader.rows() == [(1, "six")]


@pytest.mark.parametrize("columns", [{}, {"processed_at": pa.array([], pa.string())}])
def test_an_answer_without_rows_changes_nothing(
    loader: Loader, columns: dict[str, pa.Array]
) -> None:
    """A transformation may leave of no rows no column, or only those that it sets itself."""
    load(loader, pa.table({"id": [1], "at": [5]}), [(1, "a")])
    came = loader.database.with_name("came.parquet")
    left = loader.database.with_name("left.parquet")
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), came)
    pq.write_table(pa.table(columns), left)
    merge = LoadRequest("orders", "merge", ["id"], cursor="at")
    load_table(loader.database, left, merge)
    for rows in (came, left):
        loader.load(
            pa.Table.from_pylist([], ITEMS),
            write_disposition="merge",
            primary_key=["o"],
            owners=Owners(rows, {"o": "id"}, "raw.orders", left, "at"),
        )
    assert loader.rows() == [(1, "a")]
    assert loader.rows("SELECT id, orders.at FROM raw.orders") == [(1, 5)]
