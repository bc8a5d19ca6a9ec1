"""What Dagster gets of a workflow's definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dagster import (
    IOManager,
    IOManagerDefinition,
    JobDefinition,
    ResourceDefinition,
    RetryPolicy,
    SensorDefinition,
    job,
    op,
    sensor,
)

from dataflow.runs.code_location import _is_run_process
from dataflow.runs.dagster_names import JOB_VARIABLE, WORKFLOW_TAG
from dataflow.runs.definitions import (
    WorkflowDefinitions,
    read_definitions,
    with_job_resources,
    without_taken_names,
)
from dataflow.runs.policy import timeout_tags, with_policy
from dataflow.runs.step_outputs import in_files
from dataflow.shared.config_model import RunPolicy
from dataflow.shared.project import Project
from dataflow.workflows.registry import Workflow


class Own(IOManager):
    """An author's own way to keep what steps hand over."""

    def handle_output(self, context: Any, obj: Any) -> None:
        """Keep nothing."""

    def load_input(self, context: Any) -> None:
        """Have nothing."""


OWN = IOManagerDefinition.hardcoded_io_manager(Own())


@op
def nothing() -> None:
    """Do nothing."""


@op(required_resource_keys={"shop"})
def shopping() -> None:
    """Ask for a shop."""


@job(description="of the job", tags={"mine": "1"})
def plain() -> None:
    nothing()


@job(resource_defs={"io_manager": OWN})
def keeping() -> None:
    nothing()


def served(job: JobDefinition, root: Path, said: str = "") -> JobDefinition:
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    return read_definitions(Project(root), Workflow("sales", job, said, "here:1")).job


def test_a_job_of_the_service_is_the_authors_and_knows_its_workflow(tmp_path: Path) -> None:
    """By what registering says of it, or else its own words."""
    found = served(plain, tmp_path)
    assert found.description == "of the job"
    assert found.tags[WORKFLOW_TAG] == found.run_tags[WORKFLOW_TAG] == "sales"
    assert found.tags["mine"] == "1"
    assert served(plain, tmp_path, "registered").description == "registered"


def test_a_way_to_keep_outputs_that_an_author_has_chosen_stays(tmp_path: Path) -> None:
    """Others are kept in files, where a run that goes on finds them."""
    assert served(keeping, tmp_path).resource_defs["io_manager"] is OWN
    assert served(plain, tmp_path).resource_defs["io_manager"] is in_files


def test_a_job_gets_the_resources_that_its_ops_lack() -> None:
    """Those, and no others."""

    @job(resource_defs={"shop": ResourceDefinition.hardcoded_resource("its own")})
    def supplied() -> None:
        shopping()

    more = {key: ResourceDefinition.hardcoded_resource(key) for key in ("shop", "other")}
    assert with_job_resources(supplied, more) is supplied
    assert with_job_resources(plain, more) is plain


def test_a_resource_of_a_name_is_the_first_workflows() -> None:
    """A sensor of another one that would get it is left out, with what to do."""

    def defined(workflow_id: str) -> WorkflowDefinitions:
        @job(name=f"{workflow_id}_job")
        def own() -> None:
            nothing()

        @sensor(job=own, name=f"{workflow_id}_looks", required_resource_keys={"shop"})
        def looks() -> None:
            """Look at the shop."""

        shop = ResourceDefinition.hardcoded_resource(workflow_id)
        found = WorkflowDefinitions(workflow_id, own, sensors=[looks], resources={"shop": shop})
        found.originals[id(own)] = own.name
        return found

    others: dict[str, str] = {}
    one = without_taken_names(defined("one"), others)
    two = without_taken_names(defined("two"), others)
    assert [type(each) for each in one.sensors] == [SensorDefinition]
    assert one.left_out == []
    assert two.sensors == []
    assert "needs the resource 'shop', and 'one' has one of that name" in two.left_out[0]


def test_a_process_for_a_run_is_known_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's is none."""
    monkeypatch.delenv(JOB_VARIABLE, raising=False)
    assert _is_run_process() is False
    monkeypatch.setenv(JOB_VARIABLE, "sales_job")
    assert _is_run_process() is True


def test_a_policy_is_the_jobs_where_it_says_nothing_itself() -> None:
    """Retries, and a limit that the monitoring of the service holds."""
    policy = RunPolicy(retries=2, retry_delay_seconds=3, timeout_seconds=60)
    tags = timeout_tags(policy)
    assert [int(value) > 60 for value in tags.values()] == [True]
    found = with_policy(plain, policy)
    assert found._op_retry_policy == RetryPolicy(max_retries=2, delay=3)
    assert tags.items() <= found.tags.items()
    assert tags.items() <= found.run_tags.items()
    assert found.tags["mine"] == "1"
    here = with_policy(plain, policy, is_on_service=False)
    assert here._op_retry_policy is not None
    assert not tags.keys() & here.run_tags.keys()
    assert with_policy(plain, None) is with_policy(plain, RunPolicy()) is plain
    assert timeout_tags(None) == timeout_tags(RunPolicy()) == {}
    own = plain._copy(op_retry_policy=RetryPolicy(max_retries=9), run_tags=dict.fromkeys(tags, "5"))
    assert with_policy(own, policy) is own
