"""Loading the rows of one partition: they replace those of that partition, and no others."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from tests.runtime.warehouse.loader_fixture import Loader, loader

from dataflow.shared.errors import BadInputError

__all__ = ["loader"]

DISPOSITIONS = pytest.mark.parametrize("disposition", ["replace", "append", "merge"])
NO_ROWS = pa.table({"id": pa.array([], pa.int64()), "partition_key": pa.array([], pa.string())})


def load(loader: Loader, key: str, *ids: int, **options: Any) -> int:
    rows: Any = [{"id": number, "partition_key": key} for number in ids] or NO_ROWS
    return int(loader.load(rows, partition=key, **options).rows_in_table)


@DISPOSITIONS
def test_rows_of_a_partition_replace_those_it_had(loader: Loader, disposition: str) -> None:
    """Whatever the disposition, and however often."""
    options = {"write_disposition": disposition, "primary_key": ("id",)}
    load(loader, "a", 1, 2, **options)
    load(loader, "b", 3, **options)
    assert load(loader, "a", 4, 5, **options) == 3
    assert loader.rows() == [(3, "b"), (4, "a"), (5, "a")]


@DISPOSITIONS
def test_a_partition_without_rows_keeps_what_it_had(loader: Loader, disposition: str) -> None:
    """Unless it may become empty; then the rows of the other partitions stay."""
    options = {"write_disposition": disposition, "primary_key": ("id",)}
    load(loader, "a", 1, 2, **options)
    load(loader, "b", 3, **options)
    with pytest.raises(BadInputError, match=r"and partition a of raw\.t has 2; they are kept"):
        load(loader, "a", **options)
    assert load(loader, "c", **options) == 3
    assert load(loader, "a", **options, allow_empty=True) == 1
    assert loader.rows() == [(3, "b")]


def test_a_full_refresh_of_a_partition_leaves_nothing_else(loader: Loader) -> None:
    """Also where no row came and that is allowed, and over rows without partitions."""
    loader.load([{"id": 9}])
    load(loader, "a", 1, full_refresh=True)
    assert loader.rows() == [(1, "a")]
    with pytest.raises(BadInputError, match=r"and raw\.t has 1; they are kept"):
        load(loader, "b", full_refresh=True)
    assert load(loader, "b", full_refresh=True, allow_empty=True) == 0


@pytest.mark.parametrize("row", [{"id": 1}, {"id": 1, "partition_key": None}])
def test_rows_without_a_partition_are_not_mixed_with_it(
    loader: Loader, row: dict[str, Any]
) -> None:
    """Nobody could tell which of them the partition replaces; the refusal says how many."""
    loader.load(pa.Table.from_pylist([row], NO_ROWS.schema if len(row) > 1 else None))
    before = loader.rows()
    for ids in ((2,), ()):
        with pytest.raises(BadInputError, match="has 1 rows that were loaded without partitions"):
            load(loader, "a", *ids, allow_empty=True)
    assert loader.rows() == before


def test_a_full_refresh_tells_how_many_rows_of_others_are_gone(loader: Loader) -> None:
    """Whoever asked for one partition anew may not have meant the rest."""
    load(loader, "a", 1, 2)
    load(loader, "b", 3)
    of_b: Any = [{"id": 4, "partition_key": "b"}]
    assert loader.load(of_b, partition="b").rows_gone == 0
    assert loader.load(of_b, partition="b", full_refresh=True).rows_gone == 2
    assert loader.load(of_b, partition="b", full_refresh=True).rows_gone == 0
