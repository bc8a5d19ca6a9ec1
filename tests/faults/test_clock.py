"""Clocks that change: daylight saving in schedules, and the time zone that a run has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from dagster import ScheduleDefinition, job
from dagster._utils.schedules import schedule_execution_time_iterator
from tests.conftest import Dataflow
from tests.faults.conftest import Shop
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.code_location import _assemble
from dataflow.runs.definitions import WorkflowDefinitions
from dataflow.shared.config import workflow_config
from dataflow.shared.project import Project

BERLIN = ZoneInfo("Europe/Berlin")


@job
def nothing() -> None:
    """A job without steps."""


@pytest.mark.parametrize(
    ("cron", "day", "due"),
    [
        # Clocks go from 2:00 to 3:00: the run that 2:30 was meant for is not lost, and comes at 3.
        ("30 2 * * *", (3, 31), ["03:00+02:00"]),
        ("0 6 * * *", (3, 31), ["06:00+02:00"]),
        ("0 * * * *", (3, 31), ["00:00+01:00", "01:00+01:00", "03:00+02:00", "04:00+02:00"]),
        # Clocks go back from 3:00 to 2:00: a daily run comes once, an hourly one in both hours.
        ("30 2 * * *", (10, 27), ["02:30+01:00"]),
        ("0 6 * * *", (10, 27), ["06:00+01:00"]),
        ("0 * * * *", (10, 27), ["00:00+02:00", "01:00+02:00", "02:00+02:00", "02:00+01:00"]),
    ],
)
def test_schedules_keep_to_the_clock_on_the_wall(
    cron: str,
    day: tuple[int, int],
    due: list[str],
    tmp_path: Path,
) -> None:
    """Each daily run comes exactly once on the days on which an hour is missing or there twice."""
    root = write_project(tmp_path / "shop")
    folder = write_workflow(root, "sales", schedule=f'"{cron}"')
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("UTC", "Europe/Berlin"))
    found = WorkflowDefinitions("sales", nothing, workflow_config("sales", Project(root)))
    (schedule,) = _assemble(Project(root), [found], []).schedules or ()
    assert isinstance(schedule, ScheduleDefinition)
    midnight = datetime(2024, *day, tzinfo=BERLIN)
    moments = schedule_execution_time_iterator(
        midnight.timestamp(), str(schedule.cron_schedule), schedule.execution_timezone, True
    )
    times = [next(moments) for _ in range(len(due) + 1)]
    assert [moment.isoformat()[11:16] + moment.isoformat()[19:] for moment in times[:-1]] == due
    if len(due) == 1:
        assert times[-1].date() > midnight.date()


# Times that a clock in Berlin has never, or twice, shown; with and without an offset.
TIMES = [
    ("2024-03-31T02:30:00", "2024-03-31T02:30:00Z"),
    ("2024-10-27T02:30:00", "2024-10-27T02:30:00+02:00"),
    ("2024-10-27T02:30:00", "2024-10-27T02:30:00+01:00"),
    ("2024-12-31T23:59:59", "2024-12-31T23:59:59-10:00"),
]
SEEN = ["2024-03-31 02:30", "2024-10-27 00:30", "2024-10-27 01:30", "2025-01-01 09:59"]


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati"])
def test_the_machines_time_zone_changes_no_data(shop: Shop, dataflow: Dataflow, zone: str) -> None:
    """Tables and dashboards hold UTC, and what a source says without an offset stays as it is."""
    rows: list[dict[str, Any]] = [
        {"id": n, "created_at": plain, "seen_at": seen, "category": "music", "amount": 1.0}
        for n, (plain, seen) in enumerate(TIMES, 1)
    ]
    (shop.root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    staging = shop.workflow / "dbt" / "models" / "staging" / "stg_sales.sql"
    text = staging.read_text()
    assert "    processed_at" in text
    seen_at = (
        "    cast(seen_at as timestamp) as seen_at,\n"
        "    cast(processed_at as timestamp) as processed_utc,\n    processed_at"
    )
    text = text.replace("        'processed_at'\n", "        'seen_at',\n        'processed_at'\n")
    staging.write_text(text.replace("    processed_at\n", f"{seen_at}\n", 1))
    began = datetime.now(UTC)
    # A process of its own: DuckDB takes the time zone that there is when it is imported.
    ran = dataflow("workflow", "run", "sales", cwd=shop.root, env={"TZ": zone})
    assert ran.returncode == 0, ran.stderr
    ended = datetime.now(UTC)
    plain = [moment.replace("T", " ")[:16] for moment, _ in TIMES]
    shown = "strftime({}, '%Y-%m-%d %H:%M')"
    query = f"SELECT {shown.format('created_at')}, {shown.format('seen_at')} FROM {{}} ORDER BY id"
    expected = list(zip(plain, SEEN, strict=True))
    assert shop.ask(query.format("marts.sales")) == expected
    with duckdb.connect() as connection:
        table = shop.published_files()["sales"]
        found = connection.execute(query.format(f"'{table}'")).fetchall()
        assert found == expected
        fresh = shop.published_files()["published"]
        (published,) = connection.execute(
            f"SELECT max(epoch(published_at)) FROM '{fresh}'"
        ).fetchone() or (0,)
    (processed,) = shop.ask("SELECT DISTINCT epoch(processed_at) FROM raw.sales")
    # What dbt makes of a moment is UTC as well.
    assert shop.ask("SELECT DISTINCT epoch(processed_utc) FROM marts.sales") == [
        pytest.approx(processed, rel=0, abs=0.001)
    ]
    assert began.timestamp() <= processed[0] <= published + 1 <= ended.timestamp() + 1
    manifest = json.loads((shop.public / "data" / "manifest.json").read_text())
    notes = manifest["workflows"]["sales"]
    assert began <= datetime.fromisoformat(notes["published_at"]) <= ended


@pytest.mark.slow
def test_a_watermark_survives_the_change_of_the_clock(shop: Shop, dataflow: Dataflow) -> None:
    """Read on in another time zone, an incremental source gives each row once."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    source = shop.root / "source.duckdb"
    shop.read_from(
        'type: database\nurl: "source.duckdb"\ntable: sales\nincremental: {column: seen_at}'
    )
    shop.database.unlink()
    for number, (plain, seen) in enumerate(TIMES, 1):
        with duckdb.connect(str(source)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS sales (id BIGINT, created_at TIMESTAMP, "
                "seen_at TIMESTAMPTZ, category VARCHAR, amount DOUBLE)"
            )
            connection.execute(
                "INSERT INTO sales VALUES (?, ?, ?, 'music', 1)", [number, plain, seen]
            )
        if number % 2 == 0:
            zone = ("Europe/Berlin", "America/New_York")[number // 2 - 1]
            ran = dataflow("workflow", "run", "sales", cwd=shop.root, env={"TZ": zone})
            assert ran.returncode == 0, ran.stderr
    assert shop.published() == [(number, 1.0) for number in range(1, 5)]
