"""What a workflow's modules define beside its job is picked up, or named as left out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from dagster import (
    AssetKey,
    AssetSpec,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    ResourceDefinition,
    ScheduleDefinition,
    asset,
    build_init_resource_context,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    colored_console_logger,
    define_asset_job,
    in_process_executor,
    job,
    op,
    sensor,
)
from tests.runtime.runs.location_fixtures import build, root
from tests.service_fixtures import write_workflow

from dataflow.runs.module_definitions import (
    ModuleDefinitions,
    _imports_dagster,
    _names_of_others,
    targets_of,
)
from dataflow.runs.steps import Steps

__all__ = ["root"]

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


@pytest.mark.slow
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
        for one in (f"{name}_job", f"{name}_tidy_job"):
            done = jobs[one].execute_in_process(instance=DagsterInstance.ephemeral())
            assert done.output_for_node("fetch") == name
            assert jobs[one].run_tags["dataflow/workflow"] == name
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


@asset
def made() -> None:
    """Something."""


@op
def nothing() -> None:
    """Do nothing."""


@job(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def daily() -> None:
    nothing()


def found_in(**variables: object) -> ModuleDefinitions:
    """What is found of the variables of a module."""
    module = ModuleType("more")
    module.__file__ = "/shop/more.py"
    found = ModuleDefinitions()
    for name, value in variables.items():
        found.add(name, value, module)
    return found


def test_each_thing_is_taken_up_once_as_what_it_is() -> None:
    """Also in a list, and by itself beside it; what is none of Dagster's is left alone."""
    spec, checks = AssetSpec("spec"), [1, "text"]
    schedule = ScheduleDefinition(name="s", job=daily, cron_schedule="0 0 * * *")
    by_day = build_schedule_from_partitioned_job(define_asset_job("j", [made]))
    resource = ResourceDefinition.hardcoded_resource("shop")
    found = found_in(
        a=made, b=[made, (spec,)], c=checks, d=daily, e=[schedule, by_day], f=resource, g=[resource]
    )
    assert found.assets == [made, spec]
    assert found.jobs == [daily]
    assert found.schedules == [schedule, by_day]
    assert found.resources == {"f": resource}
    assert (found.checks, found.sensors, found.left_out, found.has_steps) == ([], [], [], False)
    assert found_in(steps=Steps("sales")).has_steps


def test_a_plain_value_of_definitions_is_a_resource() -> None:
    """By its name there; an executor and loggers hold for no single workflow, and are named."""
    resource = ResourceDefinition.hardcoded_resource("shop")
    defs = Definitions(
        resources={"plain": 7, "shop": resource},
        executor=in_process_executor,
        loggers={"console": colored_console_logger},
    )
    found = found_in(defs=defs)
    assert found.resources["shop"] is resource
    assert found.resources["plain"].resource_fn(build_init_resource_context()) == 7
    assert [each.partition(" of ")[0] for each in found.left_out] == ["executor", "loggers"]
    assert all("'defs' in more.py" in each for each in found.left_out)
    assert found_in(defs=Definitions()).left_out == []


def test_what_a_schedule_or_sensor_starts_are_its_jobs() -> None:
    """Those that it knows by name only are left out."""

    @sensor(jobs=[daily, define_asset_job("j", [made])])
    def looks() -> None:
        """Look."""

    by_day = build_schedule_from_partitioned_job(define_asset_job("k", [made]))
    assert [each.name for each in targets_of(looks)] == ["daily", "j"]
    assert [each.name for each in targets_of(by_day)] == ["k"]
    named = ScheduleDefinition(name="n", job_name="daily", cron_schedule="0 0 * * *")
    assert targets_of(named) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from dataflow.workflows.zoo.assets import table, other as mine", {"table", "mine"}),
        ("from ..zoo.dagster_job import zoo_job", {"zoo_job"}),
        ("from .assets import own", set()),
        ("from . import assets", set()),
        ("from dataflow.workflows.one.assets import own", set()),
        (
            "from dataflow.workflows.registry import register_workflow\nimport os",
            set(),
        ),
        ("from dataflow.workflows.one_more.assets import table", {"table"}),
        ("import dataflow.workflows.zoo", set()),
        ("from ..zoo.assets import (", set()),
    ],
)
def test_names_of_another_workflow_are_known_by_their_import(
    tmp_path: Path, text: str, names: set[str]
) -> None:
    """Relative or whole; a file that Python does not parse has none."""
    module = ModuleType("dataflow.workflows.one.more")
    module.__package__ = "dataflow.workflows.one"
    assert _names_of_others(module, "one") == set()
    module.__file__ = str(tmp_path / "more.py")
    assert _names_of_others(module, "one") == set()
    (tmp_path / "more.py").write_text(text)
    assert _names_of_others(module, "one") == names


@pytest.mark.parametrize(
    ("text", "is_about_dagster"),
    [
        ("import dagster as dg", True),
        ("import os, dagster_dbt.core", True),
        ("from dagster import job", True),
        ("def f():\n    from dagster_dbt import x", True),
        ("from .dagster_job import sales_job", False),
        ("import dagsters", False),
        ("'dagster'\nimport os\nfrom os import path", False),
        ("import dagster, (", False),
    ],
)
def test_a_module_about_dagster_imports_it(
    tmp_path: Path, text: str, is_about_dagster: bool
) -> None:
    """Anywhere in it, with its own distributions; to name it is not enough."""
    (tmp_path / "more.py").write_text(text)
    assert _imports_dagster(tmp_path / "more.py") is is_about_dagster
    assert _imports_dagster(tmp_path / "none.py") is False
