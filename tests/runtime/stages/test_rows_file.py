"""Stages on a file make just what they make of a table."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.progress_recorder import Recorder

from dataflow.shared.errors import DataflowError
from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.step_progress import hold_progress
from dataflow.shared.tables import write_parquet
from dataflow.stages.apply import apply_stages
from dataflow.stages.errors import StageError
from dataflow.stages.rows_file import RowsFile, can_use_file, open_file

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


def stored(folder: Path, table: pa.Table) -> dict[str, Any]:
    write_parquet(table, folder / "extract.parquet")
    return {"data": LazyRows(folder / "extract.parquet"), "metadata": {"source": "here"}}


def is_in_a_file(result: dict[str, Any]) -> bool:
    return result["data"].path is not None


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
    assert is_in_a_file(by_file)
    assert by_file["metadata"] == by_table["metadata"]
    for name in by_table["data"].column_names:
        assert by_file["data"].schema.field(name).type == by_table["data"].schema.field(name).type
        if name != "processed_at":
            columns = [str(found["data"][name].to_pylist()) for found in (by_file, by_table)]
            assert columns[0] == columns[1]


@pytest.mark.parametrize("step", [1, 7])
def test_file_and_table_give_the_same_for_some_rows(tmp_path: Path, step: int) -> None:
    """As above, for rows of every kind of value, nulls and NaN; nothing else is left behind."""
    values: list[list[Any]] = [
        [1, 2, None],
        ["x", "", None, "\x00"],
        [1.5, float("nan"), None],
        [date(2020, 1, 1), None],
        [datetime(2020, 1, 1, 1, 2, 3, 4), None],
    ]
    every = list(itertools.product(*values))[::step]
    rows = [dict(zip(SCHEMA.names, row, strict=True)) for row in every]
    table = pa.Table.from_pylist(rows * 2, SCHEMA)
    before = datetime.now(UTC)
    result = apply_stages(stored(tmp_path, table), [*STAGES, STAGES[0]])
    assert is_in_a_file(result)
    assert str(result["data"].drop_columns("processed_at").to_pylist()) == str(
        table.slice(0, len(every)).to_pylist()
    )
    times = set(result["data"]["processed_at"].to_pylist())
    assert len(times) == 1
    assert before <= times.pop() <= datetime.now(UTC)
    assert result["metadata"]["transformation_stages"] == [
        {"name": "cleaning", "rows_in": 2 * len(every), "rows_out": len(every)},
        {"name": "enrichment", "rows_in": len(every), "rows_out": len(every)},
        {"name": "cleaning", "rows_in": len(every), "rows_out": len(every)},
    ]
    assert len(result["data"]) == len(every)
    assert len(list(tmp_path.iterdir())) == 2


def test_stages_that_sql_lacks_go_through_a_table(tmp_path: Path) -> None:
    """One such option is enough; afterwards the rows are an Arrow table."""
    data = stored(tmp_path, pa.table({"name": [" a", "a "]}))
    options = {"trim_strings": True, "remove_duplicates": True}
    result = apply_stages(data, [{"name": "cleaning", "options": options}])
    assert not is_in_a_file(result)
    assert result["data"].to_pylist() == [{"name": "a"}]
    assert [path.name for path in tmp_path.iterdir()] == ["extract.parquet"]


@pytest.mark.parametrize("content", [b"", b"no Parquet", None])
def test_what_is_no_file_of_rows_is_left_to_who_reads_it(
    tmp_path: Path, content: bytes | None
) -> None:
    """Reading the rows says what is wrong with it."""
    path = tmp_path / "rows.parquet"
    if content is not None:
        path.write_bytes(content)
    assert not can_use_file(path)


def test_rows_that_an_author_puts_in_place_are_taken(tmp_path: Path) -> None:
    """They are no longer those of the file, which is not looked at."""
    data = stored(tmp_path, pa.table({"id": [1, 1]}))
    data["data"] = [{"id": 5}, {"id": 5}]
    assert apply_stages(data, STAGES[:1])["data"] == [{"id": 5}]


def test_columns_are_named_with_those_that_were_added(tmp_path: Path) -> None:
    """So that a second time stamp is refused as one that the source has."""
    with open_file(stored(tmp_path, pa.table({"id": [1]}))["data"].path) as file:
        file.add_column("at", datetime(2020, 1, 1, tzinfo=UTC))
        assert file.columns == ["id", "at"]
        assert file.rows == 1
    with pytest.raises(StageError, match="processed_at"):
        apply_stages(stored(tmp_path, pa.table({"id": [1]})), [STAGES[1], STAGES[1]])


def test_a_disk_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The rows of the step before are still there."""
    data = stored(tmp_path, pa.table({"id": [1, 1]}))
    path = data["data"].path
    with pytest.raises(DataflowError, match="cannot be read"), open_file(path) as file:
        write_without(file, tmp_path / "extract.parquet")


def write_without(file: RowsFile, path: Path) -> None:
    """Write rows of which the file has gone."""
    file.remove_duplicates()
    edited = file.edited()
    path.unlink()
    edited.write(path)


@pytest.mark.slow
def test_row_groups_are_as_large_as_a_load_likes_them(tmp_path: Path) -> None:
    """Smaller ones are written twice by DuckDB's loader."""
    ids = pa.array(range(500_000))
    result = apply_stages(stored(tmp_path, pa.table({"id": ids})), STAGES[1:])
    assert is_in_a_file(result)
    with pq.ParquetFile(str(result["data"].path)) as file:
        groups = [file.metadata.row_group(n) for n in range(file.num_row_groups)]
        assert max(group.num_rows for group in groups) > 400_000
        assert {group.column(0).compression for group in groups} == {"LZ4"}


@pytest.mark.slow
def test_order_is_kept_over_many_row_groups(tmp_path: Path) -> None:
    """However many threads write, the first of equal rows stays in its place."""
    ids = [number // 2 * 7919 % 500_009 for number in range(600_000)]
    result = apply_stages(stored(tmp_path, pa.table({"id": ids})), STAGES)
    assert is_in_a_file(result)
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
    assert is_in_a_file(result)
    assert result["data"].path == data["data"].path
    assert [path.name for path in tmp_path.iterdir()] == ["extract.parquet"]


def test_keys_of_the_author_are_handed_on(tmp_path: Path) -> None:
    """What stands beside data and metadata is still there afterwards."""
    data = stored(tmp_path, pa.table({"id": [1, 1]}))
    data["note"] = "mine"
    assert apply_stages(data, STAGES)["note"] == "mine"


@pytest.mark.slow
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
    assert not is_in_a_file(by_file)
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


def test_how_far_the_stages_are_can_be_seen(tmp_path: Path) -> None:
    """What is done, and of what is written the share of its rows."""
    write_parquet([{"a": 1}, {"a": 1}, {"a": 2}], tmp_path / "rows.parquet")
    progress = Recorder()
    with hold_progress(progress):
        rows = {"data": LazyRows(tmp_path / "rows.parquet"), "metadata": {}}
        assert apply_stages(rows, STAGES)["data"].path
    told = list(progress.told("what", "total_rows", "is_whole"))
    whats = [("looking for duplicates", None, False), ("writing", 2, True)]
    assert [each for each in told if each[0]] == whats
    assert len(progress.watched) == 2
