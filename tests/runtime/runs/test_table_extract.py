"""The rows of own code: held to the contract, and those of one partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from tests.runtime.runs.stall import CONFIG, Stall

from dataflow.runs.context import RunContext
from dataflow.runs.partitioning import Part
from dataflow.runs.reading import Reading
from dataflow.runs.rejected_rows import rejected_rows
from dataflow.runs.table_extract import extracted_tables
from dataflow.shared.config import workflow_config
from dataflow.shared.errors import BadInputError
from dataflow.sources.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.runs.stored_table import StoredTable

ROWS = [{"id": "1", "amount": "1.50"}, {"id": "2", "amount": "1"}, {"id": "x", "amount": "2"}]


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    stall = Stall(tmp_path / "shop")
    (stall.folder / "ingestion.py").write_text("def extract_data(params):\n    return {}\n")
    return RunContext(stall.project, "stall", "one", workflow_config("stall", stall.project))


def extracted(
    run: RunContext, result: dict[str, Any], part: Part | None = None, **asked: Any
) -> tuple[dict[str, Any], StoredTable]:
    """What own code is told, and what is kept of that which it gives."""
    told: dict[str, Any] = {}

    def extract_data(params: dict[str, Any]) -> dict[str, Any]:
        told.update(params)
        return result

    table = run.settings.tables[0]
    [stored] = extracted_tables(run, table, Reading(**asked), part, extract_data)
    return told, stored


def test_what_own_code_gives_is_held_to_the_contract(run: RunContext) -> None:
    """Rows that are not as agreed are put aside with the run; what it has said itself stays."""
    told, stored = extracted(run, {"data": ROWS, "metadata": {"notes": ["mine"], "source": "hand"}})
    assert told == {"last_value": None}
    assert pq.read_table(stored.path).to_pylist()[0]["id"] == 1
    assert (stored.rows, stored.metadata["record_count"]) == (2, 2)
    assert stored.metadata["contract"]["rejected_rows"] == 1
    assert stored.metadata["source"] == "hand"
    assert stored.metadata["notes"][0] == "mine"
    assert "put aside" in stored.metadata["notes"][1]
    aside = rejected_rows(run, stored)
    assert aside is not None
    [row] = pq.read_table(aside).to_pylist()
    assert (row["run_id"], row["rejected_at"].tzname()) == ("one", "UTC")


def test_what_has_been_held_to_a_contract_is_not_held_to_it_again(run: RunContext) -> None:
    """As `read_source` gives it; without rows put aside there is no file of them."""
    result = {"data": [{"id": "x"}], "metadata": {"contract": {"rejected_rows": 0}}}
    _, stored = extracted(run, result)
    assert pq.read_table(stored.path).to_pylist() == [{"id": "x"}]
    assert rejected_rows(run, stored) is None


def test_a_contract_that_is_broken_names_what_own_code_gave(run: RunContext) -> None:
    """Not a file that it may never have read."""
    root = run.project.root
    config = root / "src" / "dataflow" / "workflows" / "stall" / "config.yaml"
    config.write_text(CONFIG.replace("quarantine", "fail"))
    strict = RunContext(run.project, "stall", "one", workflow_config("stall", run.project))
    with pytest.raises(ContractError, match="What extract_data gave"):
        extracted(strict, {"data": ROWS})


def test_of_a_partition_only_its_rows_are_kept(run: RunContext) -> None:
    """Own code is told which; rows of none are told of. A part of the source is no partition."""
    part = Part("1", "UTC", "id", None, ["1", "7"])
    result = {"data": ROWS[:2], "metadata": {"notes": ["mine"]}}
    told, stored = extracted(run, result, part)
    assert told == {"partition": "1", "last_value": None}
    assert stored.rows == 1
    assert [row["id"] for row in pq.read_table(stored.path).to_pylist()] == [1]
    first, second = stored.metadata["notes"]
    assert first == "mine"
    assert "1 row is in no partition, and left out: '2' in 'id'" in second
    with pytest.raises(BadInputError, match="choose a part of the source"):
        extracted(run, result, part, since="1")
    anything = Part("1", "UTC", "", None, [])
    assert extracted(run, result, anything)[1].rows == 2
    run.project.workflow_dir("stall").joinpath("ingestion.py").unlink()
    with pytest.raises(BadInputError, match="belong to a partition is not said"):
        extracted(run, result, anything)
