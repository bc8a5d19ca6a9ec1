"""Dagster's history in a Postgres, by the setting alone."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from dagster import (
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    EventLogEntry,
    OpExecutionContext,
    job,
    op,
)
from dagster._core.events import StepMaterializationData
from tests.conftest import BIN
from tests.database_fixtures import free_port
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.instance import open_instance, prepare_dagster_home
from dataflow.runs.model import Step
from dataflow.runs.postgres_history import history_address
from dataflow.runs.retention import forget_old_runs
from dataflow.runs.run_ledger import RunLedger, RunNote
from dataflow.service.history_logs import HistoryLogs
from dataflow.service.recovery import close_lost_runs
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project

SECRET = "planted-in-the-history"  # noqa: S105


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """An empty database; its address."""
    server = psycopg2.connect(postgres)
    server.autocommit = True
    server.cursor().execute("CREATE DATABASE history")
    yield postgres.replace("/postgres", "/history")
    server.cursor().execute("DROP DATABASE history WITH (FORCE)")
    server.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    return Project(write_project(tmp_path / "shop"))


def cells(address: str) -> Iterator[tuple[str, str]]:
    """Every value of every table, with the table's name."""
    connection = psycopg2.connect(address)
    cursor = connection.cursor()
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT * FROM "{table}"')
        for row in cursor.fetchall():
            yield (
                table,
                " ".join(
                    bytes(v).decode("latin-1") if isinstance(v, memoryview) else str(v) for v in row
                ),
            )
    connection.close()


@op
def talks(context: OpExecutionContext) -> int:
    context.log.info(f"says {SECRET}")
    context.log_event(AssetMaterialization("told", description=SECRET, metadata={"seen": SECRET}))
    context.add_output_metadata({"seen": SECRET})
    return 1


@op
def fails(start: int) -> None:
    raise ValueError(SECRET) from KeyError(SECRET)


@job
def leaking() -> None:
    fails(talks())


@pytest.mark.slow
def test_events_that_are_stored_together_are_masked_as_well(
    project: Project, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster may store the materialisations of a step at once, past what stores a single event."""
    monkeypatch.setenv("DATAFLOW_HISTORY", database)
    told = AssetMaterialization("told", description=SECRET, metadata={"seen": SECRET})
    event = DagsterEvent(
        DagsterEventType.ASSET_MATERIALIZATION.value,
        "a_job",
        event_specific_data=StepMaterializationData(told, []),
    )
    make: Any = EventLogEntry
    entry = make(None, "debug", SECRET, "a-run", 0.0, dagster_event=event)
    with open_instance(project) as instance:
        instance.event_log_storage.store_event_batch([entry])
    stored = list(cells(database))
    assert any("ASSET_MATERIALIZATION" in text for _, text in stored)
    assert [table for table, text in stored if SECRET in text] == []


@pytest.mark.slow
def test_a_setting_puts_the_history_into_postgres_without_secrets(
    project: Project, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dagster.yaml stays as it is; runs, logs, retention and recovery work; no table has a secret.

    Nor has Dagster's home the password.
    """
    monkeypatch.setenv("DATAFLOW_HISTORY", database)
    before = (project.root / "dagster.yaml").read_text()
    with open_instance(project) as instance:
        ran = leaking.execute_in_process(instance=instance, raise_on_error=False)
        assert not ran.success
        [found] = HistoryLogs(instance).runs()
        assert found.run_id == ran.run_id
        assert any(
            "says ***" in entry.message for entry in HistoryLogs(instance).log(ran.run_id).entries
        )
        assert close_lost_runs(instance) == []
    stored = list(cells(database))
    assert {"runs", "event_logs", "asset_keys"} <= {table for table, _ in stored}
    assert [table for table, text in stored if SECRET in text] == []
    assert (project.root / "dagster.yaml").read_text() == before
    assert "pw-of-the-test" not in (project.dagster_home / "dagster.yaml").read_text()
    assert not list(project.dagster_home.rglob("*.db"))
    monkeypatch.setenv("DATAFLOW_HISTORY_DAYS", "0.0000001")
    again = Project(project.root)
    with open_instance(again) as instance:
        assert forget_old_runs(again, instance) == [ran.run_id]
        assert instance.get_runs_count() == 0


def test_hosts_that_share_a_history_share_what_runs_note(
    project: Project, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written by one, read by another that has no file; what a host noted before still counts."""
    RunLedger(project).note("before", "sales", RunNote([Step("load", "succeeded", rows=5)]))
    monkeypatch.setenv("DATAFLOW_HISTORY", database)
    mine = RunLedger(Project(project.root))
    failed = Step("load", "failed", 2.0, rows=7, error="no %s here?")
    note = RunNote([failed, Step("extract", "succeeded", 4.0)], rejected_rows=3_000_000_000)
    # A run that is tried again ends twice: the last word counts.
    mine.note("new", "sales", RunNote())
    mine.note("new", "sales", note)
    mine.note_errors({"silent": "its process is gone", "gone": "x"})
    assert set(mine.notes(["before", "new", "none"])) == {"before", "new"}
    theirs = RunLedger(Project(write_project(tmp_path / "other")))
    assert theirs.notes(["before", "new"]) == {"new": note}
    assert theirs.usual_seconds("sales") == {"extract": 4.0}
    assert theirs.errors(["silent", "new"]) == {"silent": "its process is gone"}
    theirs.forget(["new", "gone"])
    assert mine.notes(["new"]) == {}
    assert mine.errors(["gone", "silent"]) == {"silent": "its process is gone"}
    assert not (tmp_path / "other" / ".dataflow" / "runs.sqlite").exists()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("mysql://db/x", "not the address of a Postgres"),
        ("postgresql://db", "not the address of a Postgres"),
        ("postgresql://me:${NO_SUCH}@db/x", "NO_SUCH is not set"),
    ],
)
def test_an_address_that_is_none_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, written: str, said: str
) -> None:
    """Before anything is connected to."""
    monkeypatch.setenv("DATAFLOW_HISTORY", written)
    with pytest.raises(BadInputError, match=said):
        history_address(project)


def test_a_storage_of_ones_own_and_the_setting_are_one_too_many(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of the two is meant is not guessed."""
    monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://db/x")
    path = project.root / "dagster.yaml"
    path.write_text("storage: {sqlite: {base_dir: here}}\n")
    with pytest.raises(BadInputError, match="names a storage of its own"):
        prepare_dagster_home(project)


def test_each_environment_has_its_own_settings_of_dagster(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command of one does not change what a service of another reads."""
    default = prepare_dagster_home(project) / "dagster.yaml"
    before = default.read_text()
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('\n[tool.dataflow.environments.prod]\nhistory = "postgresql://db/x"\n')
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    own = prepare_dagster_home(Project(project.root)) / "dagster.yaml"
    assert "postgres: true" in own.read_text()
    assert default.read_text() == before
    assert "postgres" not in before


@pytest.mark.slow
def test_a_postgres_that_is_down_is_one_clear_message(project: Project) -> None:
    """The command line says where it is and what to do, soon, without traceback and login."""
    write_workflow(project.root, "sales")
    address = f"postgresql://me:hidden-word@127.0.0.1:{free_port()}/dagster"
    done = subprocess.run(
        [str(BIN / "dataflow"), "workflow", "run", "sales"],
        cwd=project.root,
        env={**os.environ, "DATAFLOW_HISTORY": address},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    said = done.stderr
    assert "The run history in the Postgres at 127.0.0.1:" in said
    assert "Connection refused" in said
    assert "Traceback" not in said
    assert "hidden-word" not in said
