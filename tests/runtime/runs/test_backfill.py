"""Which partitions a backfill runs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.runtime.runs.stall import CONFIG, Stall

from dataflow.runs.backfill import chosen_partitions
from dataflow.runs.run_request import PartitionRange, RunRequestError

if TYPE_CHECKING:
    from pathlib import Path


def test_partitions_that_are_missing_are_those_that_no_table_has(tmp_path: Path) -> None:
    """A run that failed has made none; with the tables gone, all are missing."""
    stall = Stall(tmp_path / "shop")

    def missing(*only: str) -> list[str]:
        return chosen_partitions(stall.project, "stall", PartitionRange(only=only), missing=True)

    with pytest.raises(RunRequestError, match="has no partitions"):
        missing()
    partition = 'workflow: {partition: {by: ["1", "2", "9"], column: id}, '
    stall.configure(CONFIG.replace("workflow: {", partition).replace("{table: sales}", APPEND))
    stall.rows("1,1.50", "2,2.50", "2,3.50", "5,1")
    done = stall.run(partition="2")
    (stall.root / "fail").touch()
    assert stall.run(partition="1").status == "failed"

    assert done.status == "succeeded", done.error
    assert stall.ask("SELECT id FROM raw.sales") == [(2,), (2,)]
    raw = stall.made("raw", "sales")
    assert (raw["dagster/row_count"], raw["dagster/partition_row_count"]) == (2, 2)
    assert done.steps[2].summary == "2 rows into raw.sales (partition 2; 2 now)"
    assert missing() == ["1", "9"]
    assert missing("9", "2") == ["9"]
    everything = chosen_partitions(stall.project, "stall", PartitionRange(), missing=False)
    assert everything == ["1", "2", "9"]
    shutil.rmtree(stall.root / "data")
    assert missing() == ["1", "2", "9"]


APPEND = "{table: sales, write_disposition: append}"
