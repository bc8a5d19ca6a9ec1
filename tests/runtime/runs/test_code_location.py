"""The code location that Dagster loads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DefaultScheduleStatus,
    Definitions,
    build_schedule_context,
)
from tests.conftest import BIN
from tests.runtime.runs.location_fixtures import build, root, within
from tests.service_fixtures import write_workflow

from dataflow.runs.code_location import defs
from dataflow.runs.dagster_names import JOB_VARIABLE, WORKFLOW_VARIABLE
from dataflow.workflows.registry import BrokenWorkflowError, WorkflowNotFoundError

__all__ = ["root"]

NESTED = """
from dagster import graph, job, op
from dataflow.workflows.registry import register_workflow


@op(config_schema={"start": int})
def first(context):
    return context.op_config["start"]


@op
def add(left, right):
    return left + right


@graph
def inner(value):
    return add.alias("twice")(value, value)


@job(tags={"team": "WORKFLOW"}, config={"ops": {"first": {"config": {"start": NUMBER}}}})
def WORKFLOW_job():
    value = first()
    add(inner(value), value)


register_workflow(workflow_id="WORKFLOW", job=WORKFLOW_job, description="WORKFLOW by hand")
"""


def test_jobs_whose_ops_have_the_same_names_load_and_run(root: Path) -> None:
    """Nested, aliased and configured ops keep their step names and do their own work."""
    write_workflow(root, "one", job=NESTED.replace("NUMBER", "1"))
    write_workflow(root, "ten", job=NESTED.replace("NUMBER", "10"))
    definitions = build(root)
    for workflow_id, total in (("one", 3), ("ten", 30)):
        job = definitions.get_job_def(f"{workflow_id}_job")
        done = job.execute_in_process(instance=DagsterInstance.ephemeral())
        assert done.output_for_node("add") == total
        steps = {event.step_key for event in done.get_step_success_events()}
        assert steps == {"first", "inner.twice", "add"}


def test_ops_whose_names_are_unique_are_left_alone(root: Path) -> None:
    """Rebuilding a job is for those that need it."""
    write_workflow(root, "one", job=NESTED.replace("NUMBER", "1"))
    job = build(root).get_job_def("one_job")
    assert {node.name for node in job.all_node_defs} == {"first", "add", "inner"}


def test_a_job_says_which_workflow_it_is(root: Path) -> None:
    """Its tags and those of its runs name the workflow; the author's own stay."""
    write_workflow(root, "one", job=NESTED.replace("NUMBER", "1"))
    job = build(root).get_job_def("one_job")
    assert job.tags["dataflow/workflow"] == job.run_tags["dataflow/workflow"] == "one"
    assert job.run_tags["team"] == "one"
    assert job.description == "one by hand"


def test_a_schedule_is_off_and_has_its_time_zone(root: Path) -> None:
    """It fires only once somebody switches it on, and then in the config's time zone."""
    folder = write_workflow(root, "one", schedule='"0 6 * * 1-5"')
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("UTC", "Europe/Berlin"))
    write_workflow(root, "two")
    schedules = list(build(root).get_repository_def().schedule_defs)
    assert len(schedules) == 1
    assert schedules[0].name == "one_schedule"
    assert schedules[0].job_name == "one_job"
    assert schedules[0].cron_schedule == "0 6 * * 1-5"
    assert schedules[0].execution_timezone == "Europe/Berlin"
    assert schedules[0].default_status == DefaultScheduleStatus.STOPPED
    # As the runs of files and webhooks have it.
    requests = schedules[0].evaluate_tick(build_schedule_context()).run_requests
    [request] = requests or []
    assert request.tags["dataflow/trigger"] == "schedule"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("dagster_job.py", "import nothing_of_that_name", "nothing_of_that_name"),
        ("dagster_job.py", "def f(:", "SyntaxError"),
        ("dagster_job.py", "raise SystemExit(3)", "SystemExit"),
        ("dagster_job.py", "", "does not register"),
        ("config.yaml", "workflow: {name: A, shedule: '* * * * *'}", "shedule"),
        ("assets.py", "raise RuntimeError('no assets today')", "no assets today"),
        (
            "assets.py",
            "from dagster import asset\n@asset(required_resource_keys={'of_nobody'})\ndef a(): ...",
            "of_nobody",
        ),
        # What Dagster sees only when it loads every definition.
        (
            "assets.py",
            (
                "from dagster import asset\n@asset(deps=['b'])\ndef a(): ...\n"
                "@asset(deps=['a'])\ndef b(): ..."
            ),
            "Circular",
        ),
        (
            "assets.py",
            (
                "from dagster import *\n"
                "@asset(partitions_def=DailyPartitionsDefinition('2024-01-01'))\ndef a(): ...\n"
                "@asset(deps=[a], partitions_def=StaticPartitionsDefinition(['x']))\ndef b(): ..."
            ),
            "partition mapping",
        ),
    ],
)
def test_a_broken_workflow_is_shown_with_its_reason(
    root: Path, file: str, content: str, words: str
) -> None:
    """It is a job that says why and fails; the other workflow is as it was."""
    write_workflow(root, "good", schedule='"0 6 * * *"')
    folder = write_workflow(root, "bad", schedule='"0 6 * * *"')
    (folder / file).write_text(content)
    definitions = build(root)
    Definitions.validate_loadable(definitions)
    bad = definitions.get_job_def("bad_job")
    assert bad.tags["dataflow/broken"] == "true"
    assert (bad.description or "").startswith("BROKEN: ")
    assert words in (bad.description or "")
    assert not bad.execute_in_process(raise_on_error=False).success
    assert "dataflow/broken" not in definitions.get_job_def("good_job").tags
    assert [s.name for s in definitions.get_repository_def().schedule_defs] == ["good_schedule"]


def test_two_workflows_with_one_job_name_do_not_hide_each_other(root: Path) -> None:
    """The second is broken, and says whose the name is."""
    write_workflow(root, "one")
    folder = write_workflow(root, "two")
    code = (folder / "dagster_job.py").read_text().replace("two_job", "one_job")
    (folder / "dagster_job.py").write_text(code)
    definitions = build(root)
    assert definitions.get_job_def("one_job").tags["dataflow/workflow"] == "one"
    assert "'one'" in (definitions.get_job_def("two_job").description or "")


def test_assets_with_their_resources_are_there(root: Path) -> None:
    """Two workflows may call their resources the same: each asset gets its own workflow's."""
    for name in ("one", "two"):
        folder = write_workflow(root, name)
        (folder / "assets.py").write_text(
            "from dagster import AssetSpec, ConfigurableResource, asset\n"
            "class Shop(ConfigurableResource):\n    name: str\n"
            f"shop = Shop(name='{name}')\n"
            f"table = AssetSpec(['{name}', 'raw'])\n"
            f"@asset(key=['{name}', 'report'], deps=[table])\n"
            "def report(shop: Shop) -> str:\n    return shop.name\n"
        )
    definitions = build(root)
    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    assert {AssetKey(["one", "raw"]), AssetKey(["two", "report"])} <= keys
    graph = definitions.resolve_asset_graph()
    assert graph.get(AssetKey(["two", "report"])).parent_keys == {AssetKey(["two", "raw"])}


def jobs_of(definitions: Definitions) -> set[str]:
    """The names of the jobs that a code location has."""
    return {job.name for job in definitions.get_repository_def().get_all_jobs()} - {"__ASSET_JOB"}


def test_a_location_has_the_workflows_that_its_setting_names(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them without it; one that is not there is refused by its name."""
    for name in ("one", "two"):
        write_workflow(root, name)
    with within(root):
        assert jobs_of(defs()) == {"one_job", "two_job"}
    monkeypatch.setenv("DATAFLOW_LOCATION_WORKFLOWS", "two")
    with within(root):
        assert jobs_of(defs()) == {"two_job"}
    monkeypatch.setenv("DATAFLOW_LOCATION_WORKFLOWS", "two,three")
    with within(root), pytest.raises(WorkflowNotFoundError, match="three"):
        defs()


@pytest.mark.parametrize(
    ("job", "of", "loaded"),
    [
        ("one_job", "", {"one_job", "extra"}),
        ("extra", "one", {"one_job", "extra"}),
        # Its folder cannot be told by its name.
        ("extra", "", {"one_job", "two_job", "extra"}),
        # A job of assets may need those of other workflows.
        ("of_assets", "one", {"one_job", "two_job", "extra", "of_assets"}),
        ("gone_job", "one", {"one_job", "two_job", "extra"}),
    ],
)
def test_the_process_of_a_run_loads_the_workflow_of_its_job(
    root: Path, monkeypatch: pytest.MonkeyPatch, job: str, of: str, loaded: set[str]
) -> None:
    """That one alone, where it is known and has the job."""
    folder = write_workflow(root, "one")
    write_workflow(root, "two")
    more = "from dagster import *\n@op\ndef o(): ...\n@job\ndef extra(): o()\n"
    if job == "of_assets":
        more += "@asset\ndef a(): ...\nof_assets = define_asset_job('of_assets', selection=[a])\n"
    (folder / "more.py").write_text(more)
    monkeypatch.setenv(JOB_VARIABLE, job)
    monkeypatch.setenv(WORKFLOW_VARIABLE, of)
    with within(root):
        assert jobs_of(defs()) == loaded


def test_a_run_of_a_workflow_that_broke_meanwhile_is_told_why(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that Dagster does not know its steps."""
    write_workflow(root, "bad", job="import nothing_of_that_name")
    monkeypatch.setenv(JOB_VARIABLE, "bad_job")
    with within(root):
        job = defs().get_job_def("bad_job")
    with pytest.raises(BrokenWorkflowError, match="nothing_of_that_name"):
        _ = job.run_config_schema


def test_failures_are_watched_where_somebody_is_to_be_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one sensor for all workflows, and by none where nobody is."""
    write_workflow(root, "two")
    assert list(build(root).get_repository_def().sensor_defs) == []
    folder = write_workflow(root, "one")
    with (folder / "config.yaml").open("a") as config:
        config.write("run: {on_failure: ['${HOOK}']}\n")
    monkeypatch.setenv("HOOK", "json://localhost/hook")
    assert len(build(root).get_repository_def().sensor_defs) == 1


@pytest.mark.slow
@pytest.mark.parametrize("module", ["runs.code_location", "orchestration.definitions"])
def test_dagster_itself_finds_the_location_valid(root: Path, module: str) -> None:
    """Dagster's own check, with the template's workspace.yaml and with that of version 0.1."""
    workspace = root / "workspace.yaml"
    workspace.write_text(workspace.read_text().replace("runs.code_location", module))
    write_workflow(root, "one")
    write_workflow(root, "two")
    write_workflow(root, "broken", job="import nothing_of_that_name")
    (root / ".dagster").mkdir()
    checked = subprocess.run(
        [BIN / "dagster", "definitions", "validate", "--workspace", "workspace.yaml"],
        cwd=root,
        env={**os.environ, "DAGSTER_HOME": str(root / ".dagster")},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
