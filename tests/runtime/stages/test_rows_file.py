"""Stages on a file make just what they make of a table."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.errors import DataflowError
from dataflow.shared.stored_rows import StoredRows
from dataflow.shared.tables import write_parquet
from dataflow.stages.apply import apply_stages
from dataflow.stages.errors import StageError

STAGES = [
    {"name": "cleaning", "options": {"remove_duplicates": True}},
    {"name": "enrichment", "options": {"add_timestamps": True}},
]
SCHEMA = pa.schema(
    {
        "a": pa.int64(),
        "b \" '": pa.string(),
        "C": pa.float64(),
        "day": pa.date32(),
        "at": pa.timestamp("us"),
    }
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.sampled_from([1, 2, None]),
            "b \" '": st.sampled_from(["x", "", None, "\x00", "ä"]),
            "C": st.sampled_from([1.5, float("nan"), None]),
            "day": st.sampled_from([date(2020, 1, 1), None]),
            "at": st.sampled_from([datetime(2020, 1, 1, 1, 2, 3, 4), None]),
        }
    ),
    min_size=1,
    max_size=40,
)


def stored(folder: Path, table: pa.Table) -> StoredRows:
    write_parquet(table, folder / "extract.parquet")
    return StoredRows(folder / "extract.parquet", {"source": "here"})


@pytest.mark.slow
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows)
def test_file_and_table_give_the_same(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """The same rows in the same order with the same types, and the same metadata."""
    table = pa.Table.from_pylist(rows, SCHEMA)
    by_table = apply_stages({"data": table, "metadata": {"source": "here"}}, STAGES)
    by_file = apply_stages(stored(tmp_path, table), STAGES)
    assert isinstance(by_file, StoredRows)
    assert by_file["metadata"] == by_table["metadata"]
    for name in by_table["data"].column_names:
        assert by_file["data"].schema.field(name).type == by_table["data"].schema.field(name).type
        if name != "processed_at":
            columns = [str(found["data"][name].to_pylist()) for found in (by_file, by_table)]
            assert columns[0] == columns[1]


def test_order_is_kept_over_many_row_groups(tmp_path: Path) -> None:
    """However many threads write, the first of equal rows stays in its place."""
    ids = [number // 2 * 7919 % 500_009 for number in range(600_000)]
    result = apply_stages(stored(tmp_path, pa.table({"id": ids})), STAGES)
    assert isinstance(result, StoredRows)
    assert result["data"]["id"].to_pylist() == list(dict.fromkeys(ids))
    assert result["metadata"]["record_count"] == len(set(ids))


def test_the_file_that_came_is_left_as_it_was(tmp_path: Path) -> None:
    """Whoever runs the step again finds the rows of the step before."""
    data = stored(tmp_path, pa.table({"id": [1, 1]}))
    result = apply_stages(data, STAGES)
    assert result["data"].num_rows == 1
    assert data["data"].num_rows == 2


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    """Rows without duplicates stay in their file."""
    data = stored(tmp_path, pa.table({"id": [1, 2]}))
    result = apply_stages(data, STAGES[:1])
    assert isinstance(result, StoredRows)
    assert result.path == data.path
    assert [path.name for path in tmp_path.iterdir()] == ["extract.parquet"]


def test_keys_of_the_author_are_handed_on(tmp_path: Path) -> None:
    """What stands beside data and metadata is still there afterwards."""
    data = stored(tmp_path, pa.table({"id": [1, 1]}))
    data["note"] = "mine"
    assert apply_stages(data, STAGES)["note"] == "mine"


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1, 1], "A": [2, 2]}),
        pa.table({"file_row_number": [1, 1]}),
        pa.table({"a": pa.array(["x", "x"]).dictionary_encode()}),
        pa.table({"a": pa.array([[1], [1]])}),
        pa.Table.from_pandas(pd.DataFrame({"a": [1, 1]})),
    ],
    ids=["case", "row number", "dictionary", "nested", "pandas"],
)
def test_what_a_file_cannot_keep_goes_through_a_table(tmp_path: Path, table: pa.Table) -> None:
    """Names, types and metadata that DuckDB would change are left to Arrow."""
    by_table = apply_stages({"data": table}, STAGES[:1])["data"]
    by_file = apply_stages(stored(tmp_path, table), STAGES[:1])
    assert not isinstance(by_file, StoredRows)
    assert by_file["data"].equals(by_table)
    assert by_file["data"].schema.equals(by_table.schema, check_metadata=False)


def test_faults_of_stages_are_the_same(tmp_path: Path) -> None:
    """An unknown option, or a column that is there already, is refused as for a table."""
    data = stored(tmp_path, pa.table({"Processed_At": [1]}))
    with pytest.raises(StageError, match="processed_at"):
        apply_stages(data, STAGES)
    with pytest.raises(StageError, match="is not a known key"):
        apply_stages(data, [{"name": "cleaning", "options": {"remove": True}}])


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """A file that was cut off is one clear error."""
    data = stored(tmp_path, pa.table({"id": [1, 2]}))
    (tmp_path / "extract.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataflowError, match="cannot be read"):
        apply_stages(data, STAGES)
