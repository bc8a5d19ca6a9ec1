"""Which rows a merge replaces, and which of several counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.warehouse.loader_fixture import Loader, loader, table

from dataflow.shared.errors import BadInputError

__all__ = ["loader"]


def test_merge_replaces_by_key_and_the_last_row_of_a_key_counts(loader: Loader) -> None:
    """Rows with a known key are replaced, others added, and a key is never there twice."""
    merge = {"write_disposition": "merge", "primary_key": ["id"]}
    loader.load([{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], **merge)
    loader.load([{"id": 2, "v": "first"}, {"id": 3, "v": "c"}, {"id": 2, "v": "last"}], **merge)
    assert loader.rows() == [(1, "a"), (2, "last"), (3, "c")]


def test_rows_of_one_key_that_differ_are_told_of(loader: Loader) -> None:
    """Equal ones are not, nor those between which a cursor decides."""
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["id"]}
    equal = [{"id": 1, "v": None}, {"id": 1, "v": None}, {"id": 2, "v": "b"}]
    assert loader.load(equal, **merge).notes == []
    several = [{"id": 1, "v": "a"}, {"id": 2, "v": None}, {"id": 1, "v": "z"}, {"id": 2, "v": "b"}]
    told = ["2 keys of raw.t came in several rows that differ: the last row of each counts."]
    assert loader.load(several, **merge).notes == told
    assert loader.load(several, **merge, cursor="v").notes == []


def test_merge_refuses_a_key_that_is_missing_or_null(loader: Loader) -> None:
    """A row that the key cannot identify is refused, and nothing is loaded."""
    merge = {"write_disposition": "merge", "primary_key": ["id"]}
    loader.load([{"id": 1}], **merge)
    with pytest.raises(BadInputError, match="no value in the primary key"):
        loader.load([{"id": 2}, {"id": None}], **merge)
    with pytest.raises(BadInputError, match="does not have|do not have"):
        loader.load([{"other": 2}], **merge)
    assert loader.rows() == [(1,)]


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_merging_batches_equals_a_dictionary(
    tmp_path: Path, batches: list[list[tuple[int, int]]]
) -> None:
    """Whatever comes in whatever order, a merge leaves what a dict would."""
    loader = Loader(tmp_path)
    loader.database.unlink(missing_ok=True)
    expected: dict[int, int] = {}
    for batch in batches:
        loader.load(
            [{"k": key, "v": value} for key, value in batch],
            write_disposition="merge",
            primary_key=["k"],
        )
        expected.update(batch)
    assert loader.rows() == sorted(expected.items())


def test_a_merge_needs_a_key_and_the_name_of_the_row_number(loader: Loader) -> None:
    """Without a key nothing says which rows are the same."""
    with pytest.raises(BadInputError, match="names no column"):
        loader.load([{"id": 1}], write_disposition="merge")
    with pytest.raises(BadInputError, match="'file_row_number'"):
        loader.load(
            [{"id": 1, "File_Row_Number": 1}], write_disposition="merge", primary_key=["id"]
        )
    assert loader.rows("FROM duckdb_tables()") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("VARCHAR", ["'00123'"]), ("BIGINT", ["123"])),
        (("BIGINT", ["123"]), ("VARCHAR", ["'00123'"])),
        (("VARCHAR", ["'1.50'"]), ("DOUBLE", ["1.5"])),
    ],
)
def test_a_merge_by_keys_of_two_kinds_is_refused(loader: Loader, old: Any, new: Any) -> None:
    """`00123` is not 123, and no row may be lost for it."""
    merge = {"write_disposition": "merge", "primary_key": ["k"]}
    loader.load(table(k=old, v=("INTEGER", ["1"])), **merge)
    before = loader.rows()
    with pytest.raises(BadInputError, match="'k'"):
        loader.load(table(k=new, v=("INTEGER", ["9"])), **merge)
    assert loader.rows() == before


def test_keys_beyond_what_a_fraction_holds_are_told_apart(loader: Loader) -> None:
    """2^53 and 2^53 + 1 are one as fractions, and two as the decimals that they come as."""
    merge = {"write_disposition": "merge", "primary_key": ["k"]}
    loader.load(table(k=("BIGINT", ["9007199254740993"]), v=("INTEGER", ["1"])), **merge)
    loader.load(table(k=("DECIMAL(20,1)", ["9007199254740992"]), v=("INTEGER", ["2"])), **merge)
    assert loader.rows() == [(9007199254740992, 2), (9007199254740993, 1)]


def test_of_rows_with_one_key_the_newest_counts(loader: Loader) -> None:
    """Within a load and between loads, whatever the order in the file."""
    merge = {"write_disposition": "merge", "primary_key": ["k"], "cursor": "AT"}
    loader.load([{"k": 1, "at": 2, "v": "new"}, {"k": 1, "at": 1, "v": "old"}], **merge)
    assert loader.rows() == [(1, 2, "new")]
    rows = [{"k": 1, "at": 1, "v": "late"}, {"k": 2, "at": None, "v": "x"}]
    loader.load(rows, **merge)
    assert loader.rows() == [(1, 2, "new"), (2, None, "x")]
    loader.load([{"k": 1, "at": None, "v": "?"}, {"k": 2, "at": 1, "v": "y"}], **merge)
    loader.load([{"k": 1, "at": 2, "v": "same"}], **merge)
    assert loader.rows() == [(1, 2, "same"), (2, 1, "y")]
