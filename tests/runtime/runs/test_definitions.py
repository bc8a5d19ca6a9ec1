"""What Dagster gets of a workflow's definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckSpec,
    AssetKey,
    AssetSpec,
    DailyPartitionsDefinition,
    IOManager,
    IOManagerDefinition,
    JobDefinition,
    ResourceDefinition,
    RetryPolicy,
    ScheduleDefinition,
    SensorDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    job,
    op,
    sensor,
)

from dataflow.runs.code_location import _is_run_process
from dataflow.runs.dagster_names import JOB_VARIABLE, WORKFLOW_TAG
from dataflow.runs.definitions import (
    WorkflowDefinitions,
    check_definitions,
    clash,
    read_definitions,
    with_job_resources,
    without_assets_of_others,
    without_faulty_extras,
    without_taken_names,
)
from dataflow.runs.lineage import Lineage
from dataflow.runs.module_definitions import targets_of
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


DAILY = DailyPartitionsDefinition("2024-01-01")
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


def defined(name: str, **parts: Any) -> WorkflowDefinitions:
    """A workflow whose job is called after it."""

    @job(name=f"{name}_job")
    def own() -> None:
        nothing()

    found = WorkflowDefinitions(name, own, **parts)
    found.originals[id(own)] = own.name
    return found


def test_a_name_of_a_job_or_an_asset_is_the_first_workflows() -> None:
    """The second is told whose it is, and takes none of its own names then."""

    @asset(key="report")
    def report() -> None:
        """A report."""

    names: dict[str, str] = {}
    assert clash(defined("one", assets=[report]), names) == ""
    assert clash(defined("two", assets=[AssetSpec("report")]), names).startswith(
        "the asset 'report' is also in 'one'."
    )
    assert "job 'two_job'" not in names
    assert "the job 'one_job' is also in 'one'" in clash(defined("one"), names)


def test_an_extra_that_dagster_refuses_is_left_out_with_the_reason() -> None:
    """A schedule of its job as well; the rest stays."""

    @job
    def lacking() -> None:
        shopping()

    @sensor(job=lacking)
    def looks() -> None:
        """Look."""

    good = ScheduleDefinition(name="good", job=plain, cron_schedule="0 0 * * *")
    found = defined(
        "one", further={"lacking": lacking, "plain": plain}, schedules=[good], sensors=[looks]
    )
    found.originals.update({id(lacking): "lacking", id(plain): "plain"})
    assert "shop" in check_definitions(found)
    left = without_faulty_extras(found)
    assert (list(left.further), left.schedules, left.sensors) == (["plain"], [good], [])
    assert left.left_out[0].startswith("the job 'lacking': Dagster refuses it: ")
    assert left.left_out[1] == "the sensor 'looks': its job 'lacking' is left out"
    assert check_definitions(left) == ""


def test_schedules_and_sensors_start_the_jobs_as_they_are_served() -> None:
    """One or several, by day or not; those that start nothing of ours stay as they are."""
    one, two = (plain._copy(tags={"served": name}) for name in ("one", "two"))
    by_assets = define_asset_job("by_assets", "*", partitions_def=DAILY)
    served_assets = define_asset_job("by_assets", "report", partitions_def=DAILY)

    @sensor(jobs=[plain, keeping])
    def both() -> None:
        """Look."""

    @sensor(job=plain)
    def single() -> None:
        """Look."""

    by_day = build_schedule_from_partitioned_job(by_assets)
    named = ScheduleDefinition(name="n", job_name="plain", cron_schedule="0 0 * * *")
    found = defined("one", schedules=[by_day, named], sensors=[both, single])
    found.originals.update({id(plain): "plain", id(keeping): "kept", id(by_assets): "by_assets"})
    schedules, sensors = found.retargeted({"plain": one, "kept": two, "by_assets": served_assets})
    assert schedules[0].job is served_assets
    assert schedules[1] is named
    assert targets_of(sensors[0]) == [one, two]
    assert targets_of(sensors[1]) == [one]
    assert found.retargeted({}) == ([by_day, named], [both, single])


def test_what_authors_make_is_theirs_and_each_asset_is_there_once() -> None:
    """A spec of a table that another workflow's steps make stands for that table."""

    @asset(key="mine")
    def mine() -> None:
        """The author's own."""

    check = AssetCheckSpec("good", asset="made")
    lineage = Lineage([AssetSpec("mine"), AssetSpec("made")], [check])
    maker = defined("maker", lineage=lineage)
    author = defined("author", assets=[mine, AssetSpec("made"), AssetSpec("foreign")])
    one, two = without_assets_of_others([maker, author])
    assert [spec.key.path for spec in one.lineage.specs] == [["made"]]
    assert one.lineage.checks == [check]
    assert [getattr(each, "key", None) for each in two.assets] == [mine.key, AssetKey("foreign")]
