"""What Dagster is told of a workflow's assets, by runs that end well and by runs that do not."""

from __future__ import annotations

import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    job,
    op,
)
from tests.asset_fixtures import Till, write_till

from dataflow.runs.asset_events import tell, told_events
from dataflow.runs.lineage import read_lineage
from dataflow.shared.config import workflow_config
from dataflow.shared.project import Project

pytestmark = pytest.mark.slow

RAW, STAGING, MART = ("raw", "sales"), ("staging", "stg_sales"), ("marts", "sales")


class Told:
    """What stands in the history of a project."""

    def __init__(self, till: Till) -> None:
        self._home = str(till.root / ".dagster")

    def made(self, *path: str) -> list[tuple[str, dict[str, Any]]]:
        """The materialisations of an asset, the newest first: run and metadata."""
        with DagsterInstance.from_config(self._home) as instance:
            records = instance.fetch_materializations(AssetKey(["till", *path]), limit=100).records
        found = []
        for record in records:
            assert record.asset_materialization is not None
            found.append((record.run_id, dict(record.asset_materialization.metadata)))
        return found

    def check(self, name: str, *path: str) -> tuple[bool, str, int, str]:
        """How a check ended last: whether it passed, severity, failing rows, run."""
        key = AssetCheckKey(AssetKey(["till", *path]), name)
        with DagsterInstance.from_config(self._home) as instance:
            [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        evaluation = record.evaluation
        assert evaluation is not None
        rows: Any = evaluation.metadata["failing_rows"].value
        return evaluation.passed, evaluation.severity.value, rows, record.run_id


def test_a_run_tells_rows_columns_seconds_and_checks(tmp_path: Path) -> None:
    """Of each table what the warehouse has, with values of the columns that may be shown alone."""
    till = write_till(tmp_path / "shop")
    till.rows("1,1.50", "2,", "x,9", "y,9")
    run_id = till.run()["run_id"]
    told = Told(till)
    [(by, raw)] = told.made(*RAW)
    assert by == run_id
    assert raw["dagster/row_count"].value == raw["rows_loaded"].value == 2
    assert raw["rejected_rows"].value == 2
    assert raw["seconds"].value > 0
    assert raw["sample"].value == "| amount |\n| --- |\n| 1.50 |\n|  |"
    for path in (STAGING, MART):
        [(by, table)] = told.made(*path)
        assert (by, table["dagster/row_count"].value) == (run_id, 2)
        columns = [(c.name, c.type) for c in table["dagster/column_schema"].schema.columns]
        assert columns == [("id", "BIGINT"), ("amount", "DECIMAL(12,2)")]
    [(_, staging)] = told.made(*STAGING)
    assert staging["dagster/column_schema"].schema.columns[0].description == (
        "The number of the receipt."
    )
    assert staging["sample"].value == "| id |\n| --- |\n| 1 |\n| 2 |"
    assert "sample" not in told.made(*MART)[0][1]
    [(by, dashboard)] = told.made("dashboard")
    assert (by, dashboard["tables"].value) == (run_id, {"sales": 2})
    assert told.check("unique_id", *STAGING) == (True, "ERROR", 0, run_id)
    assert told.check("not_null_amount", *STAGING) == (False, "WARN", 1, run_id)
    assert told.check("contract", *RAW) == (False, "WARN", 2, run_id)
    till.rows("1,1.50")
    again = till.run()["run_id"]
    assert told.made(*RAW)[0][1]["rejected_rows"].value == 0
    assert told.check("contract", *RAW) == (True, "WARN", 0, again)


@pytest.mark.parametrize("executor", ["in_process_executor", "multiprocess_executor"])
def test_a_failed_run_tells_of_no_new_table_until_it_is_taken_up(
    tmp_path: Path, executor: str
) -> None:
    """Its checks are told; the run that goes on from it tells of what both have made."""
    till = write_till(tmp_path / "shop", executor=executor)
    (till.root / "fail").touch()
    failed = till.launch()
    assert not failed["success"]
    told = Told(till)
    assert [told.made(*path) for path in (RAW, STAGING, MART, ("dashboard",))] == [[]] * 4
    assert told.check("unique_id", *STAGING)[0]
    (till.root / "fail").unlink()
    again = till.launch(failed["run_id"])
    assert again["success"]
    for path in (RAW, STAGING, MART, ("dashboard",)):
        assert [by for by, _ in told.made(*path)] == [again["run_id"]]


def test_what_fails_a_run_is_told_as_a_failed_check(tmp_path: Path) -> None:
    """A test of severity error, and a contract: with the rows that fail, and no new table."""
    till = write_till(tmp_path / "shop", bad_value="fail")
    good = till.run()["run_id"]
    told = Told(till)
    till.rows("1,1.50", "1,2.50", "2,3.50", "2,3.50", "3,1")
    twice = till.run()
    assert not twice["success"]
    assert told.check("unique_id", *STAGING) == (False, "ERROR", 2, twice["run_id"])
    till.rows("1,1.50", "x,y", "z,1")
    bad = till.run()
    assert not bad["success"]
    assert told.check("contract", *RAW) == (False, "ERROR", 2, bad["run_id"])
    for path in (RAW, STAGING, MART, ("dashboard",)):
        assert [by for by, _ in told.made(*path)] == [good]
    (till.root / "rows.csv").write_text("id\n1\n")
    assert not till.run()["success"]
    assert told.check("contract", *RAW)[:3] == (False, "ERROR", 0)


def test_of_a_partition_dagster_is_told_which(tmp_path: Path) -> None:
    """The raw table has the partitions of config.yaml, and each run makes one of them."""
    till = write_till(tmp_path / "shop")
    config = till.folder / "config.yaml"
    partition = 'workflow: {partition: {by: ["1", "2"], column: id}, '
    config.write_text(config.read_text().replace("workflow: {", partition))
    assert till.run("1")["success"]
    assert till.run("2")["success"]
    lineage = read_lineage(Project(till.root), "till", workflow_config("till", Project(till.root)))
    raw = next(spec for spec in lineage.specs if spec.key.path[1] == "raw")
    assert raw.partitions_def is not None
    assert raw.partitions_def.get_partition_keys() == ["1", "2"]
    with DagsterInstance.from_config(str(till.root / ".dagster")) as instance:
        assert instance.get_materialized_partitions(raw.key) == {"1", "2"}
    newest, _ = Told(till).made(*RAW)
    rows = {
        name: newest[1][f"dagster/{name}"].value for name in ("row_count", "partition_row_count")
    }
    assert rows == {"row_count": 2, "partition_row_count": 1}


def test_what_found_no_room_is_not_read(tmp_path: Path) -> None:
    """Of a step that the full disk ended, the run tells that, and nothing of half a file."""
    run: Any = SimpleNamespace(folder=tmp_path, run_id="one")

    @op
    def telling() -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            with pytest.raises(OSError, match="large"):
                tell(run, [AssetMaterialization("sales")], at_end=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    @job
    def told() -> None:
        telling()

    assert told.execute_in_process().success
    assert told_events(run) == []
