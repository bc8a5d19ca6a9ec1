"""The typed fields of a run in Dagster's launchpad, and what they mean to its steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterRun
from dagster._core.system_config.objects import ResolvedRunConfig
from tests.asset_fixtures import write_till
from tests.runtime.runs.location_fixtures import build
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.launch_config import asked_tags
from dataflow.runs.run_parameters import with_run_parameters
from dataflow.shared.config import workflow_config
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project


def section(**asked: Any) -> dict[str, Any]:
    return {"resources": {"dataflow": {"config": asked}}}


def test_a_job_of_the_librarys_steps_has_the_fields(tmp_path: Path) -> None:
    """They may be left out, and are checked before a run; a job by hand has none."""
    job = build(write_till(tmp_path / "shop").root).get_job_def("till_job")
    for good in ({}, section(full_refresh=True, only=["models"], parameters={"region": "eu"})):
        assert ResolvedRunConfig.build(job, good)
    for wrong in (section(full_refresh=3), section(only=["raw"]), section(batch=1)):
        with pytest.raises(Exception, match="Error in config"):
            ResolvedRunConfig.build(job, wrong)
    root = write_project(tmp_path / "other")
    write_workflow(root, "by_hand")
    assert "dataflow" not in build(root).get_job_def("by_hand_job").resource_defs


def test_they_mean_what_the_options_of_a_run_mean() -> None:
    """Reading and parts as the tags of a run say them; a tag goes first."""
    run = DagsterRun("till_job", run_config=section(since="3", only=["models"]))
    assert asked_tags(run) == {"dataflow/since": "3", "dataflow/part": "models"}
    tagged = run.with_tags({"dataflow/part": "dashboard"})
    assert asked_tags(tagged)["dataflow/part"] == "dashboard"
    with pytest.raises(BadInputError, match="full refresh"):
        asked_tags(DagsterRun("till_job", run_config=section(full_refresh=True, until="4")))


def test_parameters_are_those_of_one_run(tmp_path: Path) -> None:
    """In the place of those in config.yaml, and checked like them."""
    config = workflow_config("till", Project(write_till(tmp_path / "shop").root))
    changed = with_run_parameters(config, section(parameters={"batch_size": 7, "region": "eu"}))
    assert changed is not None
    parameters = changed.ingestion.parameters.model_dump()
    assert (parameters["batch_size"], parameters["max_retries"]) == (7, 3)
    assert parameters["region"] == "eu"
    assert with_run_parameters(config, {}) is config
    with pytest.raises(BadInputError, match="batch_size: 0 is out of range"):
        with_run_parameters(config, section(parameters={"batch_size": 0}))
