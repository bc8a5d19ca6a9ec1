"""What a step writes down of the rows that it returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.runs.context import RunContext
from dataflow.runs.row_storage import store_rows
from dataflow.runs.stored_table import StoredTable, unwritten_rows
from dataflow.runs.table_transform import transformed_table
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.stages.apply import apply_stages

STAGES = [{"name": "cleaning", "options": {"remove_duplicates": True}}]


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    """A run whose extract has written three rows."""
    run = RunContext(Project(tmp_path), "orders", "first", None)
    store_rows(run, "extract", {"data": [{"id": 1}, {"id": 1}, {"id": 2}]}, run.folder)
    return run


def extracted(run: RunContext) -> StoredTable:
    return StoredTable(str(run.folder / "extract.parquet"), 3, {"last_value": 2})


def cleaned(data: dict[str, Any]) -> dict[str, Any]:
    return apply_stages(data, STAGES)


def files(run: RunContext) -> list[str]:
    return sorted(path.name for path in run.folder.iterdir())


def test_what_stages_left_out_is_written_alone(run: RunContext) -> None:
    """The load reads the extract; how far the source was read is handed on."""
    stored = transformed_table(run, extracted(run), cleaned)
    assert files(run) == ["extract.parquet", "transform.left_out.parquet"]
    assert unwritten_rows(stored) is not None
    assert (stored.rows, stored.metadata["last_value"]) == (2, 2)
    assert stored.extracted == str(run.folder / "extract.parquet")
    assert pq.read_table(stored.path)["id"].to_pylist() == [1, 2]


@pytest.mark.parametrize("result", [None, [{"id": 1}], {"rows": [{"id": 1}]}])
def test_a_function_that_gives_no_rows_is_told_what_to_return(run: RunContext, result: Any) -> None:
    """By its name, whatever it gave instead; nothing is written down."""
    with pytest.raises(BadInputError, match='extract_data of orders returned .* without "data"'):
        store_rows(run, "extract", result, run.folder, table="other")
    assert files(run) == ["extract.parquet"]


def test_a_step_that_is_tried_again_hands_on_its_last_rows(run: RunContext) -> None:
    """A file that an earlier try has left is not taken for them, in either order."""
    first = transformed_table(run, extracted(run), lambda _: {"data": [{"id": 9}]})
    assert pq.read_table(first.path)["id"].to_pylist() == [9]
    again = transformed_table(run, extracted(run), cleaned)
    assert pq.read_table(again.path)["id"].to_pylist() == [1, 2]
    last = transformed_table(run, extracted(run), lambda _: {"data": [{"id": 9}]})
    assert pq.read_table(last.path)["id"].to_pylist() == [9]


def test_an_author_who_looks_at_the_rows_hands_on_their_file(run: RunContext) -> None:
    """They were written for that, and are not once more."""

    def looking(data: dict[str, Any]) -> dict[str, Any]:
        found = cleaned(data)
        assert [row["id"] for row in found["data"]] == [1, 2]
        return found

    stored = transformed_table(run, extracted(run), looking)
    assert unwritten_rows(stored) is None
    assert files(run) == ["extract.parquet", "transform.parquet"]
    assert pq.read_table(stored.path)["id"].to_pylist() == [1, 2]


def test_a_run_that_takes_up_another_keeps_rows_of_its_own(run: RunContext) -> None:
    """The folder of that one may be cleared away before this one is taken up."""
    later = RunContext(run.project, "orders", "second", None, resumes="first")
    stored = transformed_table(later, extracted(run), cleaned)
    assert unwritten_rows(stored) is None
    assert Path(stored.path).parent == later.folder
    assert pq.read_table(stored.path)["id"].to_pylist() == [1, 2]


def test_two_transforms_of_a_job_follow_one_another(run: RunContext) -> None:
    """The second one reads what the first one has handed on, and replaces it."""
    once = transformed_table(run, extracted(run), lambda _: {"data": pa.table({"id": [4, 4, 5]})})
    for _ in range(2):
        once = transformed_table(run, once, cleaned)
    assert pq.read_table(once.path)["id"].to_pylist() == [4, 5]
