"""A workflow with another name is the same workflow: code, tables, history, dashboards, readers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
)
from tests.tools.lifecycle.conftest import WORKFLOWS, carry_out, commit, git, rows, texts, write

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.runs.earlier_states import list_states
from dataflow.runs.instance import open_instance
from dataflow.runs.lock import WorkflowBusyError
from dataflow.service.schedules import written_schedules
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.checks.own_name import foreign_names
from dataflow_tools.checks.workflow_source import WorkflowSource
from dataflow_tools.lifecycle.records import runs_in_history
from dataflow_tools.lifecycle.refusals import UncommittedFilesError, held
from dataflow_tools.lifecycle.rename import plan_rename
from dataflow_tools.scaffold.create import create_workflow

# All need a project that has run.
pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
TABLES = ("raw.orders", "staging.stg_orders", "marts.orders")


def renamed(project: Project, old: str = "orders", new: str = "sales") -> list[str]:
    return carry_out(project, plan_rename(project, old, new))


def test_all_that_it_has_made_goes_along(project: Project, run: Run) -> None:
    """Rows, views, states, runs and published files are those of the new name, and it runs."""
    before = {table: rows(project, "orders", table) for table in TABLES}
    states = [state.run_id for state in list_states(project, "orders")]
    published = read_manifest(SiteFolders.of(project)).tables["orders"]
    assert len(states) == runs_in_history(project, "orders") == 2
    assert renamed(project) == []
    assert {table: rows(project, "sales", table) for table in TABLES} == before
    assert [state.run_id for state in list_states(project, "sales")] == states
    assert (runs_in_history(project, "sales"), runs_in_history(project, "orders")) == (2, 0)
    folders = SiteFolders.of(project)
    manifest = read_manifest(folders)
    assert manifest.tables["sales"] == [
        path.replace("/orders/", "/sales/", 1) for path in published
    ]
    assert all((folders.public / path).is_file() for path in manifest.tables["sales"])
    assert not {"orders"} & {*manifest.tables, *manifest.workflows}
    assert not list(project.root.glob("data/**/orders.duckdb"))
    assert run("workflow", "restore", "sales", "--run", states[-1]).returncode == 0
    # The run of before had its own time of processing.
    earlier = [row[:-1] for row in rows(project, "sales", "staging.stg_orders")]
    assert earlier == [row[:-1] for row in before["staging.stg_orders"]]
    ran = run("workflow", "run", "sales")
    assert ran.returncode == 0, ran.stderr
    assert len(rows(project, "sales", "marts.orders")) == 6
    assert not project.warehouse_file("orders").exists()


def test_its_files_are_those_that_the_template_renders(project: Project, tmp_path: Path) -> None:
    """Nobody edited them, so an update finds nothing that a person has changed."""
    renamed(project)
    answers = {
        "table": "orders",
        "title": "Orders",
        "source_url": f"{WORKFLOWS}/sales/tests/data/sample.json",
        "primary_key": ["id"],
    }
    # What the sample's columns are is asked by its default place.
    shutil.copy(project.root / ".copier-answers.yml", tmp_path)
    fresh = create_workflow(Project(tmp_path), "sales", answers, ask=False)
    assert texts(project.workflow_dir("sales")) == texts(fresh)


def test_what_names_it_elsewhere_is_changed_and_nothing_else(project: Project) -> None:
    """`after`, sources, imports, queries and links; tables, columns and words are as they were."""
    renamed(project)
    folder = project.workflow_dir("reader")
    changed = {
        path: [
            new
            for old, new in zip(before.splitlines(), after.splitlines(), strict=True)
            if old != new
        ]
        for path, after in texts(folder).items()
        if (before := git(project.root, "show", f"HEAD:{WORKFLOWS}/reader/{path}")) != after
    }
    assert changed == {
        "config.yaml": ["    - sales  # every morning"],
        "dagster_job.py": [
            "from dataflow.workflows.sales.ingestion import extract_data",
            '    with open_warehouse("sales", read_only=True) as tables:',
        ],
        "dbt/models/marts/orders.sql": [
            "select * from {{ source('sales', 'orders') }}",
            "union all select * from sales.marts.orders -- orders are few",
        ],
        "evidence/pages/index.md": [
            "Orders, see [orders](/sales/) and [other orders](/orders_daily).",
            "select count(*) as orders from sales.orders_daily join reader.orders using (id)",
        ],
    }
    page = (project.root / "evidence" / "pages" / "index.md").read_text()
    assert page == "[Orders](/sales/)\n\n```sql n\nfrom sales.orders\n```\n"


def test_a_reader_runs_after_its_upstream_has_another_name(project: Project, run: Run) -> None:
    """It opens the tables under the new name."""
    renamed(project)
    ran = run("workflow", "run", "reader")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_and_back_is_as_before(project: Project) -> None:
    """The command that takes it back leaves every file and row as it was."""
    before = rows(project, "orders", "staging.stg_orders")
    renamed(project)
    commit(project.root)
    renamed(project, "sales", "orders")
    commit(project.root)
    assert git(project.root, "diff", "HEAD~2").strip() == ""
    assert rows(project, "orders", "staging.stg_orders") == before


def test_a_rename_that_came_by_git_is_made_whole(project: Project, run: Run) -> None:
    """On another machine, or in another environment, tables and history still have the old name."""
    before = rows(project, "orders", "staging.stg_orders")
    state = ("data", ".dagster", ".dataflow")
    for name in state:
        shutil.copytree(project.root / name, project.root.parent / name)
    renamed(project)
    commit(project.root)
    for name in state:
        shutil.rmtree(project.root / name)
        shutil.move(project.root.parent / name, project.root / name)
    done = run("workflow", "rename", "orders", "sales", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(project, "sales", "staging.stg_orders") == before
    assert (runs_in_history(project, "sales"), runs_in_history(project, "orders")) == (2, 0)
    assert git(project.root, "status", "--porcelain") == ""
    again = run("workflow", "rename", "orders", "sales", "--yes")
    assert (again.returncode, "no workflow 'orders'" in again.stderr) == (2, True), again.stderr


def test_a_schedule_that_is_on_stays_on(project: Project) -> None:
    """It fires from now on, and not once more for the time before; a sensor knows what it saw."""
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("dataflow"), "__repository__")
    told: dict[str, tuple[InstigatorType, ScheduleInstigatorData | SensorInstigatorData]] = {
        "orders_schedule": (InstigatorType.SCHEDULE, ScheduleInstigatorData("0 6 * * *", 1.0)),
        "orders_after": (InstigatorType.SENSOR, SensorInstigatorData(cursor="seen")),
    }
    with open_instance(project) as instance:
        for name, (kind, data) in told.items():
            origin = RemoteInstigatorOrigin(place, name)
            status = InstigatorStatus.RUNNING if "sched" in name else InstigatorStatus.STOPPED
            instance.add_instigator_state(InstigatorState(origin, kind, status, data))
    plan = plan_rename(project, "orders", "sales")
    assert ("switches", "they stay as they are: after off, schedule on") in plan.does
    assert carry_out(project, plan) == []
    assert [(one.workflow_id, one.is_on) for one in written_schedules(project)] == [("sales", True)]
    with open_instance(project) as instance:
        states = {one.instigator_name: one for one in instance.all_instigator_state()}
    assert set(states) == {"sales_schedule", "sales_after"}
    assert states["sales_after"].status is InstigatorStatus.STOPPED
    seen, begun = (states[f"sales_{name}"].instigator_data for name in ("after", "schedule"))
    assert isinstance(seen, SensorInstigatorData)
    assert seen.cursor == "seen"
    assert isinstance(begun, ScheduleInstigatorData)
    assert (begun.start_timestamp or 0) > time.time() - 60


def test_a_table_that_goes_by_the_workflows_name_keeps_its_name(project: Project) -> None:
    """It is written down in config.yaml, or the next run would begin another table."""
    config = project.workflow_dir("orders") / "config.yaml"
    config.write_text(config.read_text().replace("  table: orders\n", ""))
    commit(project.root)
    renamed(project)
    assert "load:\n  table: orders\n" in (project.workflow_dir("sales") / "config.yaml").read_text()


def test_a_link_is_left_as_it_is_and_told(project: Project) -> None:
    """What lies outside the folder is nobody's to change."""
    folder = project.workflow_dir("orders")
    shared = project.root / "shared.yaml"
    shared.write_text((folder / "config.yaml").read_text().replace("  table: orders\n", ""))
    (folder / "config.yaml").unlink()
    (folder / "config.yaml").symlink_to("../../../../shared.yaml")
    commit(project.root)
    before = shared.read_text()
    plan = plan_rename(project, "orders", "sales")
    assert "config.yaml is a link to ../../../../shared.yaml, which is not changed." in plan.look_at
    carry_out(project, plan)
    assert (project.workflow_dir("sales") / "config.yaml").is_symlink()
    assert shared.read_text() == before.replace("workflows/orders/", "workflows/sales/")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("order", "sales", "Did you mean 'orders'?"),
        ("orders", "Sales", "cannot be a workflow's id"),
        ("orders", "select", "a reserved word of SQL"),
        ("orders", "orders", "has that name already"),
        ("orders", "reader", "There is a workflow 'reader' already"),
        ("orders", "../reader", "cannot be a workflow's id"),
        ("../orders", "sales", "There is no workflow"),
    ],
)
def test_a_name_that_cannot_be_is_refused(project: Project, old: str, new: str, told: str) -> None:
    """Bad, reserved, taken, unknown; the nearest one is named."""
    with pytest.raises(BadInputError) as refused:
        plan_rename(project, old, new)
    assert told in str(refused.value)


def test_tables_of_an_earlier_workflow_are_not_overwritten(project: Project) -> None:
    """A file that a removed workflow has left keeps the name from being taken."""
    project.warehouse_file("sales").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"data/sales\.duckdb"):
        plan_rename(project, "orders", "sales")


def test_uncommitted_changes_in_files_to_rewrite_are_refused(project: Project) -> None:
    """Also in another workflow's file; a file that names nobody may be as it likes."""
    note = project.workflow_dir("orders") / "evidence" / "sources" / "orders.sql"
    note.write_text(note.read_text() + "-- mine\n")
    (project.workflow_dir("orders") / "new.txt").write_text("not in git\n")
    plan_rename(project, "orders", "sales")
    config = project.workflow_dir("reader") / "config.yaml"
    config.write_text(config.read_text() + "# mine\n")
    with pytest.raises(UncommittedFilesError, match=r"reader/config\.yaml"):
        plan_rename(project, "orders", "sales")


def test_a_run_in_progress_is_not_disturbed(project: Project, run: Run) -> None:
    """Whoever holds the workflow is named, and nothing is changed."""
    with held(project, "orders"):
        done = run("workflow", "rename", "orders", "sales", "--yes")
    assert done.returncode == WorkflowBusyError.exit_code
    assert f"process {os.getpid()}" in done.stderr
    assert "a run is in progress" in done.stderr
    assert git(project.root, "status", "--porcelain") == ""


def test_a_folder_renamed_by_hand_is_refused_and_put_right(project: Project, run: Run) -> None:
    """It does not run, the check names each line, and the command does the rest."""
    before = rows(project, "orders", "staging.stg_orders")
    project.workflow_dir("orders").rename(project.workflow_dir("sales"))
    told = "dataflow workflow rename orders sales"
    refused = run("workflow", "run", "sales")
    assert refused.returncode == 2
    assert told in refused.stderr
    found = foreign_names(WorkflowSource(project, "sales"))
    places = {(Path(one.file).name, one.line) for one in found if told in one.instruction}
    assert {("config.yaml", 11), ("test_transform.py", 5), ("dbt_project.yml", 1)} <= places
    assert rows(project, "orders", "staging.stg_orders") == before
    assert run("workflow", "rename", "orders", "sales", "--yes").returncode == 0
    assert rows(project, "sales", "staging.stg_orders") == before
    assert run("workflow", "run", "sales", "--only", "load").returncode == 0
    assert not project.warehouse_file("orders").exists()


def test_the_plan_writes_nothing_and_says_what_stays(project: Project, run: Run) -> None:
    """Each line that would change is shown, as text and as JSON."""
    config = project.workflow_dir("orders") / "config.yaml"
    config.write_text(config.read_text() + "\nx-mail: ${ORDERS_MAIL:-none}\n")
    commit(project.root)
    before = texts(project.root / "src")
    shown = run("workflow", "rename", "orders", "sales", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "data/orders.duckdb -> data/sales.duckdb" in shown.stdout
    assert "3: - orders  # every morning" not in shown.stdout
    assert "4: - orders  # every morning" in shown.stdout
    assert "keep their names, so nothing is set anew: ORDERS_MAIL." in shown.stdout
    plan = json.loads(run("workflow", "rename", "orders", "sales", "--dry-run", "--json").stdout)
    assert (plan["done"], plan["back"]) == (False, ["dataflow workflow rename sales orders"])
    for options in ([], ["--json"]):
        asked = run("workflow", "rename", "orders", "sales", *options)
        assert asked.returncode == 2
        assert "--yes" in asked.stderr
    assert texts(project.root / "src") == before
    assert not project.warehouse_file("sales").exists()


def test_credentials_that_go_by_the_name_are_told(project: Project) -> None:
    """A login that config.yaml leaves out is read from another variable from then on."""
    files = {
        "config.yaml": (
            "workflow: {name: Guide}\ningestion: {source: {type: api, url: 'https://a.test/x', "
            "auth_type: bearer_token}}\n"
        ),
        "dagster_job.py": 'from x import register_workflow\nregister_workflow("guide", job=1)\n',
    }
    write(project.workflow_dir("guide"), files)
    (told,) = plan_rename(project, "guide", "manual").look_at
    assert "MANUAL_TOKEN now, and no longer from GUIDE_TOKEN" in told
