"""The code location that Dagster loads."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
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
from tests.service_fixtures import write_project, write_workflow

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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


def build(root: Path) -> Definitions:
    """Load a project in this process, without its modules staying behind."""
    import sys

    from dataflow.shared.project import Project
    from dataflow.workflows import registry

    before = set(sys.modules)
    path = list(sys.path)
    previous = os.environ.get("DATAFLOW_PROJECT")
    os.environ["DATAFLOW_PROJECT"] = str(root)
    try:
        from dataflow.runs.code_location import build_definitions

        return build_definitions(Project(root))
    finally:
        sys.path[:] = path
        ids = {entry.name for entry in (root / "src/dataflow/workflows").iterdir()}
        for name in set(sys.modules) - before:
            if name.startswith("dataflow.workflows.") and name.split(".")[2] in ids:
                del sys.modules[name]
        for workflow_id in ids:
            registry._registered.pop(workflow_id, None)
        if previous is None:
            del os.environ["DATAFLOW_PROJECT"]
        else:
            os.environ["DATAFLOW_PROJECT"] = previous


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


EVERYTHING = """
from dagster import *
from dataflow.workflows.registry import register_workflow


class Shop(ConfigurableResource):
    name: str


WORKFLOW_shop = Shop(name="WORKFLOW")


@op
def fetch(WORKFLOW_shop: Shop):
    return WORKFLOW_shop.name


@op
def clean(rows):
    return rows


@job
def WORKFLOW_job():
    clean(fetch())


@job
def WORKFLOW_tidy_job():
    fetch()


daily = DailyPartitionsDefinition("2024-01-01")


@op
def of_day(context: OpExecutionContext):
    return context.partition_key


@job(partitions_def=daily)
def WORKFLOW_daily_job():
    of_day()


@asset(key=["WORKFLOW", "report"])
def report(WORKFLOW_shop: Shop):
    return WORKFLOW_shop.name


raw = AssetSpec(["WORKFLOW", "raw"])
WORKFLOW_reports = define_asset_job("WORKFLOW_reports")
nightly = ScheduleDefinition(job=WORKFLOW_job, cron_schedule="0 1 * * *")
tidy = ScheduleDefinition(name="WORKFLOW_tidy", job=WORKFLOW_tidy_job, cron_schedule="0 2 * * *")
by_day = build_schedule_from_partitioned_job(WORKFLOW_daily_job)
weekly = ScheduleDefinition(job=WORKFLOW_reports, cron_schedule="0 3 * * 1")
named = ScheduleDefinition(name="WORKFLOW_n", job_name="WORKFLOW_job", cron_schedule="0 4 * * *")


@sensor(job=WORKFLOW_job, name="WORKFLOW_sensor")
def looks(WORKFLOW_shop: Shop):
    return RunRequest(run_key=WORKFLOW_shop.name)


@run_failure_sensor(name="WORKFLOW_failed", monitored_jobs=[WORKFLOW_job])
def failed(context):
    pass


@asset_check(asset=["WORKFLOW", "report"])
def is_there():
    return AssetCheckResult(passed=True)


register_workflow(workflow_id="WORKFLOW", job=WORKFLOW_job)
"""


def test_all_that_the_modules_define_is_picked_up(root: Path) -> None:
    """Jobs, jobs of assets, partitioned ones, schedules, sensors, resources, specs and checks."""
    for name in ("one", "two"):
        write_workflow(root, name, job=EVERYTHING, schedule='"0 6 * * *"')
    definitions = build(root)
    Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    for name in ("one", "two"):
        jobs = {job.name: job for job in repository.get_all_jobs()}
        assert {
            f"{name}_job",
            f"{name}_tidy_job",
            f"{name}_daily_job",
            f"{name}_reports",
        } <= jobs.keys()
        schedules = {schedule.name: schedule.job_name for schedule in repository.schedule_defs}
        assert {key: value for key, value in schedules.items() if value.startswith(name)} == {
            f"{name}_schedule": f"{name}_job",
            f"{name}_job_schedule": f"{name}_job",
            f"{name}_tidy": f"{name}_tidy_job",
            f"{name}_daily_job_schedule": f"{name}_daily_job",
            f"{name}_reports_schedule": f"{name}_reports",
            f"{name}_n": f"{name}_job",
        }
        assert {f"{name}_sensor", f"{name}_failed"} <= {s.name for s in repository.sensor_defs}
        assert jobs[f"{name}_daily_job"].partitions_def is not None
        for job in (f"{name}_job", f"{name}_tidy_job"):
            done = jobs[job].execute_in_process(instance=DagsterInstance.ephemeral())
            assert done.output_for_node("fetch") == name
            assert jobs[job].run_tags["dataflow/workflow"] == name
        made = jobs[f"{name}_reports"].execute_in_process(instance=DagsterInstance.ephemeral())
        keys = [event.asset_key for event in made.get_asset_materialization_events()]
        assert keys == [AssetKey([name, "report"])]
    graph = definitions.resolve_asset_graph()
    assert AssetKey(["one", "raw"]) in graph.get_all_asset_keys()
    assert len(graph.asset_check_keys) == 2


def test_other_modules_and_definitions_objects_are_picked_up(root: Path) -> None:
    """A module that nobody imports, if it is about Dagster; one that is not is not even run."""
    folder = write_workflow(root, "one")
    (folder / "more.py").write_text(
        "import dagster as dg\n"
        "@dg.asset(key=['one', 'x'])\ndef x(): return 1\n"
        "@dg.definitions\ndef lazily():\n"
        "    @dg.op\n    def a(): ...\n    @dg.job\n    def one_lazy_job(): a()\n"
        "    return dg.Definitions(jobs=[one_lazy_job])\n"
        "defs = dg.Definitions(assets=[x], schedules=[\n"
        "    dg.ScheduleDefinition(name='inline', cron_schedule='0 0 * * *',\n"
        "        job=dg.define_asset_job('one_x', selection=[x]))],\n"
        "    executor=dg.in_process_executor)\n"
    )
    (folder / "script.py").write_text("raise SystemExit('this is run by hand')")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text("import dagster\nraise SystemExit('a test')")
    definitions = build(root)
    Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    assert {"one_lazy_job", "one_x", "one_job"} <= {job.name for job in repository.get_all_jobs()}
    assert [schedule.name for schedule in repository.schedule_defs] == ["inline"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("s = ScheduleDefinition(name='one_schedule', job=J, cron_schedule='0 0 * * *')", "config"),
        ("s = ScheduleDefinition(name='two_s', job=J, cron_schedule='0 0 * * *')", "'two'"),
        ("s = ScheduleDefinition(name='s', job_name='nothing', cron_schedule='0 0 * * *')", "noth"),
        ("@repository\ndef r(): return []", "one repository"),
        ("d = Definitions(executor=in_process_executor)", "all workflows"),
        ("raise ValueError('no sensors today')", "no sensors today"),
        ("@definitions\ndef d(): raise ValueError('not now')", "not now"),
    ],
)
def test_what_is_left_out_is_named_and_the_job_goes_on(
    root: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    code: str,
    said: str,
) -> None:
    """A name that is taken, a job that is not there, what a project has one of."""
    two = write_workflow(root, "a_two")
    two.rename(two.with_name("two"))
    job = (two.with_name("two") / "dagster_job.py").read_text().replace("a_two", "two")
    job += (
        "\nfrom dagster import ScheduleDefinition\n"
        "two_s = ScheduleDefinition(name='two_s', job=two_job, cron_schedule='0 0 * * *')\n"
    )
    (two.with_name("two") / "dagster_job.py").write_text(job)
    folder = write_workflow(root, "zone" if "two_s" in code else "one", schedule='"0 6 * * *"')
    name = folder.name
    (folder / "more.py").write_text(
        f"from dagster import *\nfrom .dagster_job import {name}_job as J\n{code}\n"
    )
    definitions = build(root)
    Definitions.validate_loadable(definitions)
    assert "dataflow/broken" not in definitions.get_job_def(f"{name}_job").tags
    # Where it goes depends on whether this process has logged before.
    log = caplog.text + capsys.readouterr().err
    assert said in log
    assert "left out" in log


def test_what_a_workflow_imports_of_another_is_that_ones(root: Path) -> None:
    """A job or an asset that two modules know is picked up once."""
    write_workflow(root, "zoo")
    (root / "src/dataflow/workflows/zoo/assets.py").write_text(
        "from dagster import AssetSpec\ntable = AssetSpec(['zoo', 'table'])\n"
    )
    folder = write_workflow(root, "one")
    (folder / "assets.py").write_text(
        "from dagster import asset\n"
        "from dataflow.workflows.zoo.assets import table\n"
        "from ..zoo.dagster_job import zoo_job\n"
        "@asset(key=['one', 'a'], deps=[table])\ndef a(): ...\n"
    )
    definitions = build(root)
    assert definitions.get_job_def("zoo_job").tags["dataflow/workflow"] == "zoo"
    assert "dataflow/broken" not in definitions.get_job_def("one_job").tags


def test_a_schedule_of_config_yaml_runs_a_partitioned_job_for_the_last_partition(
    root: Path,
) -> None:
    """The one that has ended when it ticks; with its config and its tag."""
    code = EVERYTHING.replace("job=WORKFLOW_job)\n", "job=WORKFLOW_daily_job)\n")
    write_workflow(root, "one", job=code, schedule='"0 6 * * *"')
    repository = build(root).get_repository_def()
    schedule = repository.get_schedule_def("one_schedule")
    context = build_schedule_context(scheduled_execution_time=datetime(2024, 3, 2, 6, tzinfo=UTC))
    [request] = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == "2024-03-01"
    assert request.tags["dataflow/workflow"] == "one"
