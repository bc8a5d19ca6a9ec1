"""What steps hand to each other: rows in a file, or what makes them of another one."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.runs.stored_table import (
    StoredTable,
    changed,
    edited_table,
    place_of,
    unwritten_rows,
)
from dataflow.shared.edited_file import EditedFile


@pytest.fixture
def stored(tmp_path: Path) -> StoredTable:
    """Three rows, of which the second is left out."""
    pq.write_table(pa.table({"id": [1, 2, 3]}), tmp_path / "extract.parquet")
    pq.write_table(pa.table({"n": [1]}), tmp_path / "left_out.parquet")
    edited = EditedFile(tmp_path / "extract.parquet", tmp_path / "left_out.parquet", 1)
    place = str(tmp_path / "transform.parquet")
    return edited_table(StoredTable(place, 2, extracted=str(edited.file)), edited)


def ids(path: str) -> Any:
    return pq.read_table(path)["id"].to_pylist()


def test_an_authors_step_finds_the_rows_at_their_path(stored: StoredTable) -> None:
    """They are written when it asks; from then on the file counts."""
    assert unwritten_rows(stored) is not None
    assert ids(stored.path) == [1, 3]
    assert unwritten_rows(stored) is None


def test_handing_them_on_writes_nothing(stored: StoredTable) -> None:
    """Neither to another process, nor with other fields, nor as one of several tables."""
    handed = pickle.loads(pickle.dumps(changed(stored, more=[stored], table="t")))  # noqa: S301
    assert [each.table for each in handed.all] == ["t", ""]
    assert "2" in repr(handed)
    assert [unwritten_rows(each) for each in handed.all] == [unwritten_rows(stored)] * 2
    assert not place_of(stored).exists()


def test_what_an_authors_step_has_changed_is_taken(stored: StoredTable, tmp_path: Path) -> None:
    """It writes its rows in their place, or names another file of its own."""
    pq.write_table(pa.table({"id": [7]}), stored.path)
    assert unwritten_rows(stored) is None
    pq.write_table(pa.table({"id": [8]}), tmp_path / "other.parquet")
    other = replace(stored, path=str(tmp_path / "other.parquet"), rows=1)
    assert unwritten_rows(other) is None
    assert (ids(stored.path), ids(other.path)) == ([7], [8])


def test_a_run_of_an_earlier_release_can_be_taken_up(tmp_path: Path) -> None:
    """What that has kept of its steps has no edits."""
    kept = StoredTable(str(tmp_path / "transform.parquet"), 1)
    assert "_edited" not in kept.__dict__
    found = pickle.loads(pickle.dumps(kept))  # noqa: S301
    assert unwritten_rows(found) is None
    assert changed(found, rows=2).all[0].path == kept.path
