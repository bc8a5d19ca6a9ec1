"""The storage of Dagster's history: what is kept, where, and with which settings."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import yaml
from dagster import DagsterInstance, OpExecutionContext, job, op
from tests.service_fixtures import write_project

from dataflow.runs.history import RedactedHistory
from dataflow.runs.instance import HistoryError, open_instance, prepare_dagster_home
from dataflow.shared.project import Project

SECRET = "planted-in-the-history"  # noqa: S105


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    return Project(write_project(tmp_path / "shop"))


@op
def talks(context: OpExecutionContext) -> int:
    context.log.info(f"says {SECRET}")
    context.add_output_metadata({"seen": SECRET})
    return 1


@op
def fails(start: int) -> None:
    raise ValueError(SECRET) from KeyError(SECRET)


@job
def leaking() -> None:
    fails(talks())


def run_and_look(project: Project) -> tuple[bytes, list[str]]:
    """What is in the databases after a run that leaks, and what Dagster says of it."""
    with open_instance(project) as instance:
        ran = leaking.execute_in_process(instance=instance, raise_on_error=False)
        assert not ran.success
        said = [str(entry) for entry in instance.all_logs(ran.run_id)]
    files = [path.read_bytes() for path in project.dagster_home.rglob("*.db*")]
    return b"".join(files), said


@pytest.mark.parametrize(
    "settings",
    ["as rendered", *(pytest.param(s, marks=pytest.mark.slow) for s in ("of version 0.1", "none"))],
)
def test_no_secret_gets_into_the_history(project: Project, settings: str) -> None:
    """Messages, metadata and tracebacks with their causes, whatever dagster.yaml there is."""
    path = project.root / "dagster.yaml"
    if settings == "none":
        path.unlink()
    elif settings == "of version 0.1":
        kept = yaml.safe_load(path.read_text())
        kept.pop("storage", None)
        path.write_text(yaml.safe_dump(kept))
        project.dagster_home.mkdir()
        (project.dagster_home / "dagster.yaml").symlink_to("../dagster.yaml")
    stored, said = run_and_look(project)
    assert SECRET.encode() not in stored
    assert not [line for line in said if SECRET in line]
    assert any("ValueError: ***" in line and "KeyError: '***'" in line for line in said)
    assert any("says ***" in line for line in said)


@pytest.mark.parametrize(
    "storage",
    [
        "storage: {sqlite: {base_dir: ELSEWHERE}}",
        """event_log_storage:
  module: dagster._core.storage.event_log
  class: ConsolidatedSqliteEventLogStorage
  config: {base_dir: ELSEWHERE}
""",
    ],
    ids=["together", "events alone"],
)
@pytest.mark.slow
def test_a_storage_that_the_project_names_is_used_and_kept_clean(
    project: Project, storage: str, tmp_path: Path
) -> None:
    """The events lie where dagster.yaml says, without the secret, as Postgres' would."""
    elsewhere = tmp_path / "elsewhere"
    (project.root / "dagster.yaml").write_text(storage.replace("ELSEWHERE", str(elsewhere)))
    stored, said = run_and_look(project)
    there = b"".join(path.read_bytes() for path in elsewhere.rglob("*.db*"))
    assert b"says ***" in there
    assert SECRET.encode() not in stored + there
    assert any("ValueError: ***" in line for line in said)


def test_processes_of_dagsters_make_the_same_storage(project: Project) -> None:
    """A code server or a run's process gets it from dagster.yaml, or from what it is handed."""
    home = prepare_dagster_home(project)
    with DagsterInstance.from_config(str(home)) as instance:
        reference = instance.get_ref()
    with DagsterInstance.from_ref(reference) as again:
        storage = reference.storage
        assert isinstance(storage, RedactedHistory)
        assert again.get_runs_count() == 0
    assert (home / "history" / "runs.db").exists()


def test_the_projects_settings_stay_dagsters_settings(project: Project) -> None:
    """What stands in dagster.yaml holds; an edit of it, too, from the next start on."""
    with open_instance(project) as instance:
        assert instance.managed_python_loggers == ["dataflow"]
    path = project.root / "dagster.yaml"
    path.write_text(path.read_text().replace("[dataflow]", "[dataflow, mine]"))
    with open_instance(project) as instance:
        assert instance.managed_python_loggers == ["dataflow", "mine"]


def test_a_file_that_dagster_needs_is_not_written_again(project: Project) -> None:
    """Processes that start together do not replace it under one another."""
    home = prepare_dagster_home(project)
    before = (home / "dagster.yaml").stat()
    prepare_dagster_home(project)
    assert (home / "dagster.yaml").stat().st_ino == before.st_ino


@pytest.mark.parametrize("text", ["a: [", "just words", "- 1"])
def test_settings_that_are_none_are_refused(project: Project, text: str) -> None:
    """With what to do, not with a traceback."""
    (project.root / "dagster.yaml").write_text(text)
    with pytest.raises(HistoryError, match="Fix dagster.yaml"):
        prepare_dagster_home(project)


def synchronous(url: str) -> int:
    with sqlalchemy.create_engine(url).connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())


def test_only_dagsters_own_files_are_synced_less_often(project: Project, tmp_path: Path) -> None:
    """Runs, events and ticks are NORMAL; an engine of the user's stays FULL."""
    sqlite3.connect(tmp_path / "mine.db").close()
    with open_instance(project) as instance:
        storage: Any = instance.get_ref().storage
        with storage.run_storage.connect() as runs, storage.schedule_storage.connect() as ticks:
            for connection in (runs, ticks):
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 1
        with storage.event_log_storage.run_connection("a-run") as events:
            assert events.exec_driver_sql("PRAGMA synchronous").scalar_one() == 1
        assert synchronous(f"sqlite:///{tmp_path / 'mine.db'}") == 2


# Prints what it finds changed. Importing is all that it does.
IMPORT_ALL = """
import importlib, json, logging, os, pkgutil, sys, warnings
warnings.simplefilter("ignore")
import dagster, sqlalchemy, yaml, honcho.manager
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy import event
def look():
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        pragma = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    return {
        "a user's SQLite": pragma,
        "record factory": logging.getLogRecordFactory(),
        "root handlers": list(logging.getLogger().handlers),
        "logger class": logging.getLoggerClass(),
        "excepthook": sys.excepthook,
        "error": SerializableErrorInfo.from_traceback.__func__,
        "instance": dagster.DagsterInstance.handle_new_event,
        "YAML": dict(yaml.SafeLoader.yaml_constructors),
        "honcho": honcho.manager.KILL_WAIT,
        "environment": dict(os.environ),
        "PATH": list(sys.path),
    }
before = look()
names = []
import dataflow
for found in pkgutil.walk_packages(dataflow.__path__, "dataflow."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
        names.append(found.name)
after = look()
print(json.dumps([len(names), [name for name in before if before[name] != after[name]]]))
"""


@pytest.mark.slow
def test_importing_the_runtime_changes_nothing_of_others(tmp_path: Path) -> None:
    """Every module, the code location and the old paths of version 0.1 too, without a project."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DATAFLOW_")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, changed = yaml.safe_load(done.stdout.splitlines()[-1])
    assert count > 100
    assert changed == []
