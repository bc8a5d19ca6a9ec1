"""What the steps of a job hand to each other."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from dagster import DagsterInstance, ReexecutionOptions, execute_job, in_process_executor, job, op
from dagster._core.definitions.reconstruct import ReconstructableJob
from tests.service_fixtures import write_project

from dataflow.runs.step_outputs import in_files, settled


@op
def count() -> int:
    """A value."""
    return 7


@op
def double(number: int) -> int:
    """What is made of it."""
    return 2 * number


@job(resource_defs={"io_manager": in_files}, executor_def=in_process_executor)
def counting() -> None:
    double(count())


def test_what_can_be_gone_through_once_is_kept_as_what_can_be_twice() -> None:
    """Also as the data of a dict, whose other keys stay; anything else is handed on as it is."""
    rows = [{"n": 1}, {"n": 2}]
    table = pa.table({"n": [1, 2]})
    assert settled(iter(rows)) == rows
    assert settled(table.to_reader()) == table
    assert settled({"data": iter(rows), "metadata": {"a": 1}}) == {
        "data": rows,
        "metadata": {"a": 1},
    }
    for same in (rows, table, {"data": rows}, {"rows": 1}, "text"):
        assert settled(same) is same


def test_values_are_in_the_shared_place_for_other_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has the history and no files goes on; without the setting nothing is shared."""
    project = write_project(tmp_path / "shop")
    monkeypatch.setenv("DATAFLOW_PROJECT", str(project))
    (tmp_path / "home").mkdir()
    with DagsterInstance.ephemeral(tempdir=str(tmp_path / "home")) as instance:
        alone = counting.execute_in_process(instance=instance)
        assert alone.output_for_node("double") == 14
        monkeypatch.setenv("DATAFLOW_STATE_STORE", str(tmp_path / "shared"))
        (tmp_path / "shared").mkdir()
        ran = counting.execute_in_process(instance=instance)
        shared = {
            path.relative_to(tmp_path / "shared") for path in tmp_path.rglob("shared/**/result")
        }
        of_run = Path("outputs", ran.run_id)
        assert shared == {of_run / "count" / "result", of_run / "double" / "result"}
        (tmp_path / "home" / "storage" / ran.run_id / "count" / "result").unlink()
        again = execute_job(
            ReconstructableJob.for_file(__file__, "counting"),
            instance,
            reexecution_options=ReexecutionOptions(ran.run_id, ["double"]),
        )
        assert again.success
        assert (tmp_path / "home" / "storage" / ran.run_id / "count" / "result").exists()


def test_a_job_outside_of_any_project_shares_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs as Dagster runs it."""
    monkeypatch.delenv("DATAFLOW_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    with DagsterInstance.ephemeral(tempdir=str(tmp_path / "home")) as instance:
        assert counting.execute_in_process(instance=instance).output_for_node("double") == 14
