"""Rows in a file behave as the dict with a table that they stand for."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dataflow.shared.stored_rows import StoredRows
from dataflow.shared.tables import write_parquet

TABLE = pa.table({"id": [1, 2]})
PLAIN = {"data": TABLE, "metadata": {"source": "here"}}


@pytest.fixture
def stored(tmp_path: Path) -> StoredRows:
    write_parquet(TABLE, tmp_path / "rows.parquet")
    return StoredRows(tmp_path / "rows.parquet", {"source": "here"})


@pytest.mark.parametrize(
    "read",
    [
        lambda rows: rows["data"],
        lambda rows: rows.get("data"),
        lambda rows: dict(rows)["data"],
        lambda rows: {**rows}["data"],
        lambda rows: (rows | {"more": 1})["data"],
        lambda rows: ({"more": 1} | rows)["data"],
        lambda rows: next(iter(rows.values())),
        lambda rows: dict(rows.items())["data"],
        lambda rows: rows.copy()["data"],
        lambda rows: rows.pop("data"),
        lambda rows: rows.setdefault("data", 0),
        lambda rows: copy.copy(rows)["data"],
        lambda rows: pickle.loads(pickle.dumps(rows))["data"],  # noqa: S301
    ],
)
def test_every_way_of_reading_gives_the_table(
    stored: StoredRows, read: Callable[[dict[str, Any]], Any]
) -> None:
    """However the rows are taken out of the dict, they are the Arrow table."""
    assert read(stored) == TABLE


def test_it_is_equal_to_the_dict_it_stands_for(stored: StoredRows) -> None:
    """Comparing, counting, looking up and printing see a plain dict."""
    assert stored == PLAIN
    assert isinstance(stored, dict)
    assert list(stored) == ["data", "metadata"]
    assert "data" in stored
    assert repr(stored) == repr(PLAIN)
    assert stored.get("nothing", 3) == 3


def test_metadata_are_known_without_reading(stored: StoredRows) -> None:
    """Looking at what is said about the rows does not need the file."""
    assert stored.path is not None
    assert stored.count() == 2
    stored.path.unlink()
    assert stored["metadata"] == {"source": "here"}
    assert stored.get("metadata") == {"source": "here"}


def replace_rows(rows: dict[str, Any]) -> None:
    rows["data"] = [{"id": 3}]


def update_rows(rows: dict[str, Any]) -> None:
    rows.update(data=[{"id": 3}])


def join_rows(rows: dict[str, Any]) -> None:
    rows |= {"data": [{"id": 3}]}


@pytest.mark.parametrize("change", [replace_rows, update_rows, join_rows])
def test_other_rows_part_with_the_file(
    stored: StoredRows, change: Callable[[dict[str, Any]], None]
) -> None:
    """Once somebody put other rows in their place, nobody takes those of the file for them."""
    change(stored)
    assert stored["data"] == [{"id": 3}]
    assert stored.path is None


def test_reading_and_remarks_leave_the_file_as_it_is(stored: StoredRows) -> None:
    """An Arrow table does not change, so its file stays good."""
    assert stored["data"].num_rows == 2
    stored["note"] = "seen"
    assert stored.path is not None
    del stored["data"]
    assert stored.path is None
    assert dict(stored) == {"metadata": {"source": "here"}, "note": "seen"}
