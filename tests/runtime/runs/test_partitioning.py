"""Runs that are each for one partition: what is read, what is replaced, and what stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import job
from tests.conftest import Dataflow

from dataflow.runs.partitioning import Part, part_of_run, with_partition_key, with_partitions
from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.errors import BadInputError
from dataflow.shared.own_code import OwnCode
from dataflow.shared.tables import write_parquet

BERLIN = "Europe/Berlin"
TIMESTAMP = {"at": {"type": "timestamp"}}


def config(partition: dict[str, Any] | None, **ingestion: Any) -> WorkflowConfig:
    ingestion = ingestion or {"source": {"type": "file", "url": "a.csv"}}
    return WorkflowConfig.model_validate(
        {
            "workflow": {"name": "x", "timezone": BERLIN, "partition": partition},
            "ingestion": ingestion,
            "load": {"table": "t", "write_disposition": "append"},
        },
        context=OwnCode("x", Path("/nowhere"), []),
    )


def part(settings: WorkflowConfig, key: str) -> Part:
    found = part_of_run(settings, {"dagster/partition": key})
    assert found is not None
    return found


def keys(settings: WorkflowConfig) -> list[str]:
    @job
    def empty() -> None: ...

    partitions = with_partitions(empty, settings).partitions_def
    assert partitions is not None
    return list(partitions.get_partition_keys())


@pytest.mark.parametrize(
    ("by", "start", "key", "hours"),
    [
        ("hour", "2024-03-31T00:00", "2024-03-31-03:00", 1),
        ("day", "2024-03-31", "2024-03-31", 23),
        ("week", "2024-03-25", "2024-03-25", 167),
        ("month", "2024-03-01", "2024-03-01", 31 * 24 - 1),
    ],
)
def test_an_interval_is_of_the_time_zone(by: str, start: str, key: str, hours: int) -> None:
    """The last Sunday in March has 23 hours in Berlin; weeks begin on Monday."""
    settings = config({"by": by, "start": start, "column": "at"})
    assert keys(settings)[0].startswith(start[:10])
    assert key in keys(settings)
    interval = part(settings, key).interval
    assert interval is not None
    assert (interval[1].timestamp() - interval[0].timestamp()) / 3600 == hours


def test_a_run_without_a_partition_is_for_none() -> None:
    """As are all runs of workflows that do not ask for any."""
    assert part_of_run(config({"by": ["eu"]}), {}) is None
    assert part_of_run(config(None), {"dagster/partition": "eu"}) is None


def test_a_job_with_partitions_of_its_own_is_not_given_others() -> None:
    """Which of the two counts is not guessed."""
    settings = config({"by": ["eu", "us"]})

    @job
    def empty() -> None: ...

    with pytest.raises(BadInputError, match="partitions of its own"):
        with_partitions(with_partitions(empty, settings), settings)


DAYS = ["2024-01-30", "2024-01-31", "2024-01-31", "2024-02-01"]


@pytest.mark.parametrize(
    ("kind", "values", "kept"),
    [
        ("DATE", DAYS, 2),
        ("VARCHAR", DAYS, 2),
        # 23:30 in UTC is the next day in Berlin.
        (
            "TIMESTAMPTZ",
            ["2024-01-30 22:59:00Z", "2024-01-30 23:00:00Z", "2024-01-31 23:00:00Z"],
            1,
        ),
        ("TIMESTAMP", ["2024-01-30 23:59", "2024-01-31 00:00", "2024-02-01 00:00"], 1),
        ("VARCHAR", ["2024-01-30T23:00:00Z", "2024-01-31T23:00:00Z"], 1),
    ],
)
def test_rows_of_other_partitions_are_left_out(
    tmp_path: Path, kind: str, values: list[str], kept: int
) -> None:
    """By days and times of the partitions' time zone, however they are written."""
    settings = config({"by": "day", "start": "2024-01-01", "column": "AT"})
    rows = tmp_path / "rows.parquet"
    listed = ", ".join(f"'{value}'::{kind}" for value in values)
    write_parquet(duckdb.sql(f"SELECT unnest([{listed}]) AS at, 1.10 AS v").to_arrow_table(), rows)
    assert part(settings, "2024-01-31").keep(rows, settings.tables[0], []) == kept
    assert pq.read_metadata(rows).num_rows == kept


@pytest.mark.parametrize(
    ("partition", "key", "said"),
    [
        (
            {"by": ["eu", "us"]},
            "eu",
            "3 rows are in no partition, and left out: '2023', 'EU' in 'at'",
        ),
        ({"by": ["2023", "eu", "EU"]}, "eu", None),
    ],
)
def test_rows_of_no_partition_are_told(
    tmp_path: Path, partition: dict[str, Any], key: str, said: str | None
) -> None:
    """No run ever loads them, which a total would not show."""
    settings = config({**partition, "column": "at"})
    rows, notes = tmp_path / "rows.parquet", list[str]()
    write_parquet(pa.table({"at": ["eu", "EU", "EU", "2023"]}), rows)
    assert part(settings, key).keep(rows, settings.tables[0], notes) == 1
    assert [note.partition(". ")[0] for note in notes] == ([said] if said else [])


def test_rows_before_the_first_partition_are_told(tmp_path: Path) -> None:
    """They are of none; later ones have a partition that has not begun."""
    settings = config({"by": "day", "start": "2024-01-31", "column": "at"})
    rows, notes = tmp_path / "rows.parquet", list[str]()
    write_parquet(pa.table({"at": ["2024-01-30", "2024-01-31", "2024-02-01"]}), rows)
    assert part(settings, "2024-01-31").keep(rows, settings.tables[0], notes) == 1
    assert ["1 row is in no partition" in note for note in notes] == [True]
    assert "'2024-01-30 00:00:00+01'" in notes[0]


@pytest.mark.parametrize(
    ("partition", "key", "select", "reason"),
    [
        ({"by": "day", "start": "2024-01-01"}, "2024-01-31", "NULL::DATE AS at", "no time or"),
        ({"by": "day", "start": "2024-01-01"}, "2024-01-31", "'soon' AS at", "no time or value"),
        ({"by": "day", "start": "2024-01-01"}, "2024-01-31", "5 AS at", "does not tell"),
        ({"by": "day", "start": "2024-01-01"}, "2024-01-31", "5 AS id", "have no column 'at'"),
        (
            {"by": "hour", "start": "2024-01-01"},
            "2024-01-31-05:00",
            "DATE '2024-01-31' AS at",
            "does not tell",
        ),
        ({"by": ["eu", "us"]}, "eu", "NULL::VARCHAR AS at", "no time or value"),
    ],
)
def test_a_row_whose_partition_cannot_be_told_is_refused(
    tmp_path: Path, partition: dict[str, Any], key: str, select: str, reason: str
) -> None:
    """It would be in none of them."""
    settings = config({**partition, "column": "at"})
    rows = tmp_path / "rows.parquet"
    write_parquet(duckdb.sql(f"SELECT {select}").to_arrow_table(), rows)
    with pytest.raises(BadInputError, match=reason):
        part(settings, key).keep(rows, settings.tables[0], [])


def test_an_incremental_source_is_asked_for_the_interval_alone() -> None:
    """In the way its cursor is written; its cursor also tells which rows belong to it."""
    source = {"type": "database", "url": "a.db", "table": "t", "incremental": {"column": "at"}}
    partition = {"by": "day", "start": "2024-01-01"}
    for kind, since in (
        ("date", "2024-01-31"),
        ("timestamp", "2024-01-31T00:00:00"),
        ("timestamptz", "2024-01-31T00:00:00+01:00"),
    ):
        settings = config(partition, source=source, columns={"at": {"type": kind}})
        told = part(settings, "2024-01-31").parameters(settings.tables[0])
        assert told["since"] == since
        begins = datetime(2024, 1, 31, tzinfo=ZoneInfo(BERLIN))
        assert told["interval"]["start"] == begins
        assert told["partition"] == "2024-01-31"
        assert part(settings, "2024-01-31").column_of(settings.tables[0]) == "at"


@pytest.mark.parametrize(
    ("start", "since", "until"),
    [
        # From 02:00 to 02:00 by the clock, which is put back; then once more, an hour on.
        ("2024-10-27T00:00+00:00", "2024-10-27T02:00:00", "2024-10-27T03:00:00"),
        ("2024-10-27T01:00+00:00", "2024-10-27T02:00:00", "2024-10-27T03:00:00"),
        # 02:30, which there was not, is read as 03:30.
        ("2024-03-31T01:00+00:00", "2024-03-31T02:00:00", "2024-03-31T04:00:00"),
    ],
)
def test_an_hour_of_a_clock_that_is_changed(start: str, since: str, until: str) -> None:
    """A source of times without a zone is asked for all that may belong to the hour."""
    source = {"type": "database", "url": "a.db", "table": "t", "incremental": {"column": "at"}}
    settings = config({"by": "hour", "start": "2024-01-01"}, source=source, columns=TIMESTAMP)
    begins = datetime.fromisoformat(start).astimezone(ZoneInfo(BERLIN))
    ends = (begins.astimezone(UTC) + timedelta(hours=1)).astimezone(ZoneInfo(BERLIN))
    told = Part("", BERLIN, "", (begins, ends), begins).parameters(settings.tables[0])
    assert (told["since"], told["until"]) == (since, until)


def test_rows_that_have_the_name_of_the_key_are_refused(tmp_path: Path) -> None:
    """Nothing of a person's is written over."""
    rows = tmp_path / "rows.parquet"
    write_parquet([{"Partition_Key": 1}], rows)
    with pytest.raises(BadInputError, match="partition_key"):
        with_partition_key(rows, "eu")


OWN = '''

def extract_data(params: dict) -> dict:
    """Ask for the interval."""
    start, end = params["interval"]["start"], params["interval"]["end"]
    rows = [{"id": start.day, "day": None, "name": f"{start:%d} to {end:%d}"}]
    return {"data": rows, "metadata": {"record_count": 1, "last_value": start.day}}
'''


class Shop:
    """The workflow `sales`, by days, on a file."""

    def __init__(self, project: Path, dataflow: Dataflow) -> None:
        self.project, self.dataflow = project, dataflow
        self.workflow = project / "src" / "dataflow" / "workflows" / "sales"
        self.config = self.workflow / "config.yaml"

    def set(self, partition: str) -> None:
        lines = [line for line in self.config.read_text().split("\n") if "  partition:" not in line]
        lines.insert(lines.index("workflow:") + 1, f"  partition: {partition}")
        self.config.write_text("\n".join(lines))

    def sell(self, *rows: tuple[int, str]) -> None:
        text = "".join(f"{number},{day}\n" for number, day in rows)
        (self.project / "sales.csv").write_text(f"id,day\n{text}")

    def run(self, *options: str, code: int = 0) -> Any:
        ran = self.dataflow("workflow", *options, cwd=self.project)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran

    def rows(self, sql: str = "SELECT id, partition_key FROM raw.sales ORDER BY ALL") -> Any:
        with duckdb.connect(str(self.project / "data" / "sales.duckdb"), read_only=True) as found:
            return found.sql(sql).fetchall()


@pytest.mark.slow
def test_partitions_are_replaced_as_wholes_and_filled_in(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """From the command line, one and many, with a source of rows and with code of one's own."""
    shop = Shop(project_folder, dataflow)
    shop.sell((1, "2024-01-01"), (2, "2024-01-02"), (3, "2024-01-02"), (4, "2024-01-03"))
    without = ("-d", "use_dbt=false", "-d", "use_evidence=false")
    shop.run("new", "sales", "--source", "sales.csv", *without)
    shop.run("run", "sales")
    shop.set("{by: day, start: 2024-01-01, column: day}")
    refused = shop.run("run", "sales", "--partition", "2024-01-02", code=1)
    assert "4 rows that were loaded without partitions" in refused.stderr
    shop.run("run", "sales", "--partition", "2024-01-02", "--full-refresh")
    assert shop.rows() == [(2, "2024-01-02"), (3, "2024-01-02")]
    assert "Name one: --partition" in shop.run("run", "sales", code=2).stderr

    # A day is replaced as a whole; the others stay.
    shop.sell((1, "2024-01-01"), (2, "2024-01-02"), (4, "2024-01-03"))
    filled = shop.run("backfill", "sales", "--to", "2024-01-03", "--missing")
    assert "2024-01-01" in filled.stdout
    assert "2024-01-02" not in filled.stdout
    again = shop.run("backfill", "sales", "--from", "2024-01-02", "--to", "2024-01-02", "--json")
    told = json.loads(again.stdout)
    assert (told["partition"], told["success"], told["rows"]) == ("2024-01-02", True, 1)
    assert shop.rows() == [(1, "2024-01-01"), (2, "2024-01-02"), (4, "2024-01-03")]

    # A day that had rows and has none is no day without sales, unless it may be.
    shop.sell((1, "2024-01-01"), (4, "2024-01-03"))
    empty = shop.run("backfill", "sales", "--from", "2024-01-02", "--to", "2024-01-03", code=1)
    assert "gave no rows, and partition 2024-01-02 of raw.sales has 1" in empty.stdout
    assert "Failed: 2024-01-02" in empty.stderr
    assert len(shop.rows()) == 3

    # The tests that were rendered go on passing; and whose rows are is not guessed.
    shop.set("{by: day, start: 2024-01-01}")
    unsaid = shop.run("run", "sales", "--partition", "2024-01-01", code=1)
    assert "workflow.partition.column" in unsaid.stderr

    (shop.workflow / "ingestion.py").write_text('"""Sales."""\n' + OWN)
    shop.config.write_text(
        shop.config.read_text().replace("disposition: replace", "disposition: append")
    )
    shop.run("backfill", "sales", "--from", "2024-01-02", "--to", "2024-01-03")
    named = shop.rows("SELECT id, name FROM raw.sales ORDER BY id")
    assert named == [(1, None), (2, "02 to 03"), (3, "03 to 04")]
    # How far a source was read is not what partitions change.
    assert "nothing was read yet" in shop.run("watermark", "sales").stdout
