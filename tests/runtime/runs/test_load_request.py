"""How one of a run's tables is loaded, by config.yaml and what the run was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.runs.context import RunContext
from dataflow.runs.partitioning import Part
from dataflow.runs.reading import Reading
from dataflow.runs.stored_table import StoredTable
from dataflow.runs.table_steps import gone_notes, load_request
from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.warehouse.kind import LoadRequest, LoadResult
from dataflow.warehouse.load_log import Batch

CONFIG = WorkflowConfig.model_validate(
    {
        "workflow": {"name": "Sales"},
        "ingestion": {
            "source": {"type": "file", "url": "rows.csv"},
            "columns": {"id": "bigint", "note": "text"},
        },
        "load": {"table": "sales", "write_disposition": "append"},
    }
)
BATCH = Batch("a-run", Path("extract.parquet"), lambda _: True)
PART = Part("2024-01-31", "UTC", "day", None, [])


def request(table: str = "", part: Part | None = None, *, refresh: bool = False) -> LoadRequest:
    stored = StoredTable("rows.parquet", 1, {"last_value": "7"}, table=table)
    reading = Reading(full_refresh=refresh)
    return load_request(CONFIG, stored, [stored], reading, part, batch=BATCH, rejected=None)


@pytest.mark.parametrize("table", ["", "sales"])
def test_rows_are_loaded_as_config_says(table: str) -> None:
    """With which run's they are, and for the workflow's only table whatever it is called."""
    found = request(table)
    assert (found.table, found.write_disposition, found.partition) == ("sales", "append", None)
    assert (found.batch, found.watermark) == (BATCH, "7")
    assert found.texts == ["note"]
    assert not found.full_refresh
    assert request(refresh=True).full_refresh


def test_a_partition_is_replaced_and_leaves_what_was_read_alone() -> None:
    """Its rows are no progress, and are there once whoever had loaded them before."""
    found = request(part=PART)
    assert (found.partition, found.batch, found.span) == ("2024-01-31", None, None)
    assert found.watermark is None


def test_a_table_that_config_does_not_have_is_refused() -> None:
    """With those that it has."""
    with pytest.raises(BadInputError, match="says of no table orders") as error:
        request("orders")
    assert "sales" in error.value.instruction


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", "; `dataflow workflow restore sales` brings them back."),
        ("kept_states = 0", ", and no state before this run is kept."),
        ("all_or_nothing = false", ", and no state before this run is kept."),
    ],
)
def test_rows_that_a_refresh_has_taken_away_are_told_with_the_way_back(
    tmp_path: Path, settings: str, said: str
) -> None:
    """There is none where no earlier state is kept."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.dataflow]\n{settings}\n")
    run = RunContext(Project(tmp_path), "sales", "a-run", None)
    assert gone_notes(run, LoadResult("raw.sales", 1, 1)) == []
    [told] = gone_notes(run, LoadResult("raw.sales", 1, 1, rows_gone=3))
    assert told.startswith(f"3 rows of other partitions in raw.sales are gone{said}")
    assert "backfill sales --missing" in told
