"""Rows that stages have edited are written where somebody asks for them, and not before."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from dataflow.shared.edited_rows import EditedRows
from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.tables import like, row_count, to_arrow, write_parquet
from dataflow.stages.apply import apply_stages

STAGES = [
    {"name": "cleaning", "options": {"remove_duplicates": True}},
    {"name": "enrichment", "options": {"add_timestamps": True}},
]


@pytest.fixture
def rows(tmp_path: Path) -> EditedRows:
    """Two rows of three, with a column that was added."""
    write_parquet(pa.table({"id": [1, 1, 2], "v": ["a", "a", None]}), tmp_path / "extract.parquet")
    data = {"data": LazyRows(tmp_path / "extract.parquet"), "metadata": {}}
    found = apply_stages(data, STAGES)["data"]
    assert isinstance(found, EditedRows)
    return found


def without_time(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.table(table).drop_columns("processed_at").to_pylist()
    return found


PLAIN = [{"id": 1, "v": "a"}, {"id": 2, "v": None}]


def test_counting_and_names_write_nothing(rows: EditedRows, tmp_path: Path) -> None:
    """Nor do the step's own log line and the copy that a framework makes."""
    assert (len(rows), rows.num_rows, row_count(rows), rows.shape) == (2, 2, 2, (2, 3))
    assert rows.column_names == ["id", "v", "processed_at"]
    assert copy.copy(rows) is copy.deepcopy(rows) is rows
    assert "2 rows of id" in repr(rows)
    assert rows.unwritten is not None
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "taken",
    [
        lambda rows: rows,
        lambda rows: rows.table,
        lambda rows: to_arrow(rows),
        lambda rows: like(to_arrow(rows), rows),
        lambda rows: rows.to_reader(),
        lambda rows: pa.Table.from_pylist(list(rows), rows.schema),
        lambda rows: pa.Table.from_pylist([rows[0], rows[-1]], rows.schema),
        lambda rows: rows[:],
        lambda rows: rows.slice(0),
        lambda rows: pickle.loads(pickle.dumps(rows)),  # noqa: S301
        lambda rows: duckdb.from_arrow(rows.to_reader()).to_arrow_table(),
        lambda rows: pa.Table.from_pandas(pd.DataFrame(rows.to_pandas()), rows.schema),
        lambda rows: pa.parquet.read_table(rows.path),
    ],
)
def test_whoever_asks_gets_the_rows(rows: EditedRows, taken: Callable[[Any], Any]) -> None:
    """In whichever way an author's code does; they are a file of their own from then on."""
    assert without_time(taken(rows)) == PLAIN
    assert rows.unwritten is None


def test_they_are_written_once(rows: EditedRows, tmp_path: Path) -> None:
    """The file stays, and the numbers of what was left out go."""
    path = rows.path
    assert path is not None
    assert (rows["id"].to_pylist(), rows.path) == ([1, 2], path)
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "extract.parquet", path])


def test_stages_go_on_from_them(rows: EditedRows) -> None:
    """An author may call `apply_stages` twice."""
    again = apply_stages({"data": rows, "metadata": {}}, STAGES[:1])["data"]
    assert without_time(again) == PLAIN
