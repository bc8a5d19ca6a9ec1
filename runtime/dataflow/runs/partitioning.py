"""The partitions that config.yaml asks for, and the one that a run is for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dataflow.runs.dagster_names import PARTITION_TAG
from dataflow.runs.reading import cursor_column
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import count_rows, quote_identifier, quote_literal
from dataflow.shared.suggestion import as_sentence, did_you_mean, known_names
from dataflow.warehouse.load import PARTITION_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dagster import JobDefinition, PartitionsDefinition
    from duckdb import DuckDBPyConnection

    from dataflow.shared.config_model import WorkflowConfig, WorkflowSettings
    from dataflow.shared.edited_file import EditedFile
    from dataflow.shared.named_source import SourceTable
    from dataflow.shared.partition_settings import Partition

# So many values of no partition are named.
_MOST_SHOWN = 5
_BY_TIME = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR")


@dataclass(frozen=True)
class Part:
    """The partition that a run is for.

    Args:
        key: Its key.
        timezone: In which its interval begins and ends.
        column: The column that tells which rows belong to it; empty if nothing is left out.
        interval: When it begins, and when it has ended; None for one of a column's values.
        others: What tells the rows that are in no partition at all: the values that have one, or
            when the first one begins.
    """

    key: str
    timezone: str
    column: str
    interval: tuple[datetime, datetime] | None
    others: list[str] | datetime

    def parameters(self, table: SourceTable) -> dict[str, Any]:
        """What `extract_data` is told: ``partition``, and ``interval`` with ``start`` and ``end``.

        An incremental source is asked for what lies between the two, where its contract says how
        its cursor is written.
        """
        told: dict[str, Any] = {"partition": self.key}
        if self.interval is None:
            return told
        told["interval"] = dict(zip(("start", "end"), self.interval, strict=True))
        cursor = cursor_column(table)
        if table.contract is None or cursor not in table.contract.columns:
            return told
        kind = table.contract.columns[cursor].database_type
        ends = dict(zip(("since", "until"), self.interval, strict=True))
        if kind == "DATE" and not self._is_within_a_day:
            told |= {name: end.date().isoformat() for name, end in ends.items()}
        elif kind == "TIMESTAMP":
            clock = dict(zip(("since", "until"), self._shown(*self.interval), strict=True))
            told |= {name: end.isoformat() for name, end in clock.items()}
        elif kind == "TIMESTAMP WITH TIME ZONE":
            told |= {name: end.isoformat() for name, end in ends.items()}
        return told

    def column_of(self, table: SourceTable) -> str:
        """The column that tells which rows of a table belong to it; empty if none does."""
        return self.column or (cursor_column(table) if self.interval else "")

    def keep(self, rows: Path, table: SourceTable, notes: list[str]) -> int:
        """Leave out of a Parquet file the rows of other partitions.

        Args:
            notes: Are told of rows that are in no partition at all, so that no run loads them.

        Returns:
            How many rows are left.

        Raises:
            BadInputError: There is no such column, or it does not tell of a row where it belongs.
        """
        import pyarrow.parquet as pq

        from dataflow.shared.tables import write_parquet
        from dataflow.sources.duckdb_session import open_engine

        if pq.read_metadata(rows).num_columns == 0:
            # An answer without rows names no columns.
            return 0
        relation = f"read_parquet({quote_literal(rows)})"
        with open_engine() as connection:
            connection.execute(f"SET TimeZone = {quote_literal(self.timezone)}")
            described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
            types = {str(name): str(kind) for name, kind, *_ in described}
            column = self.column_of(table)
            name = next((n for n in types if n.lower() == column.lower()), "")
            if not name:
                meant = as_sentence(did_you_mean(column, types))
                raise BadInputError(
                    f"The rows for raw.{table.load.table} have no column {quoted(column)}, "
                    "by which those of a partition are told; nothing was loaded.",
                    f"{meant} Correct `workflow.partition.column` in config.yaml; the columns are: "
                    f"{known_names(list(types), 20)}.".strip(),
                )
            value, is_in = self._condition(name, types[name])
            lost = count_rows(connection, f"{relation} WHERE {value} IS NULL")
            if lost:
                raise BadInputError(
                    f"{lost:,} rows for raw.{table.load.table} have no time or value in "
                    f"{quoted(name)} that tells their partition; nothing was loaded.",
                    "Correct them in the source or in ingestion.py, or choose another "
                    "`workflow.partition.column`.",
                )
            total = count_rows(connection, relation)
            kept = count_rows(connection, f"{relation} WHERE {is_in}")
            if kept < total:
                notes += self._lost(connection, relation, name, value)
                inside = connection.sql(f"SELECT * FROM {relation} WHERE {is_in}")  # noqa: S608
                write_parquet(inside.to_arrow_table(), rows)
        return kept

    def _lost(
        self, connection: DuckDBPyConnection, relation: str, name: str, value: str
    ) -> list[str]:
        """What to say of rows that are in no partition."""
        if isinstance(self.others, list):
            known = ", ".join(map(quote_literal, self.others))
            outside = f"{value} NOT IN ({known})"
            shown, advice = value, "Name their values in `workflow.partition.by`, or correct them."
        else:
            outside = f"{value} < CAST({quote_literal(self.others.isoformat())} AS TIMESTAMPTZ)"
            shown = f"CAST(min({value}) AS VARCHAR)"
            advice = "Set an earlier `workflow.partition.start` if they are to be loaded."
        count = count_rows(connection, f"{relation} WHERE {outside}")
        if not count:
            return []
        found = connection.execute(
            f"SELECT DISTINCT {shown} FROM {relation} WHERE {outside} ORDER BY 1"  # noqa: S608
        ).fetchmany(_MOST_SHOWN)
        are = "row is" if count == 1 else "rows are"
        values = ", ".join(quoted(str(each)) for (each,) in found)
        first = "" if isinstance(self.others, list) else " is the first"
        told = f"{values} in {quoted(name)}{first}"
        return [f"{count:,} {are} in no partition, and left out: {told}. {advice}"]

    def _shown(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """What the clock shows from ``start`` to ``end``, an hour that it shows twice included.

        An hour that it never shows is in what comes after it, as a time that is none is read so.
        """
        zone, hour = ZoneInfo(self.timezone), timedelta(hours=1)

        def shown(moment: datetime, before: timedelta) -> datetime:
            at = (moment.astimezone(UTC) - before).astimezone(zone)
            return at.replace(tzinfo=None, fold=0) + before

        since = min(shown(start, timedelta()), shown(start, hour))
        return since, max(shown(end, timedelta()), shown(end, hour))

    @property
    def _is_within_a_day(self) -> bool:
        return self.interval is not None and self.interval[0].date() == self.interval[1].date()

    def _condition(self, name: str, kind: str) -> tuple[str, str]:
        """SQL of the value that tells the partition, and of whether it is this one."""
        column = quote_identifier(name)
        if self.interval is None:
            value = f"CAST({column} AS VARCHAR)"
            return value, f"{value} = {quote_literal(self.key)}"
        if kind not in _BY_TIME or (kind == "DATE" and self._is_within_a_day):
            raise BadInputError(
                f"{quoted(name)} is {kind}, which does not tell to which of the partitions "
                "by time a row belongs; nothing was loaded.",
                "Choose another `workflow.partition.column`, or give it the type date or timestamp "
                "in `ingestion.columns`.",
            )
        # Days and times without a zone are read as those of the session's time zone.
        value = f"TRY_CAST({column} AS TIMESTAMP WITH TIME ZONE)"
        ends = [f"CAST({quote_literal(end.isoformat())} AS TIMESTAMPTZ)" for end in self.interval]
        return value, f"{value} >= {ends[0]} AND {value} < {ends[1]}"


def with_partition_key(rows: Path, key: str) -> Path:
    """Rows with the key of their partition, in a file beside the one given.

    Raises:
        BadInputError: They have a column of that name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dataflow.shared.tables import write_parquet

    table = pq.read_table(rows)
    _refuse_own_key(table.column_names)
    keys = pa.repeat(pa.scalar(key, pa.string()), table.num_rows)
    beside = rows.with_name(f"partition-{rows.name}")
    write_parquet(table.append_column(PARTITION_COLUMN, keys), beside)
    return beside


def partition_of(rows: EditedFile, key: str) -> EditedFile:
    """Rows with the key of their partition, for who adds it while reading them.

    Raises:
        BadInputError: They have a column of that name.
    """
    import pyarrow.parquet as pq

    _refuse_own_key([*pq.read_schema(rows.file).names, *rows.added])
    return rows.with_column(PARTITION_COLUMN, key)


def _refuse_own_key(names: Iterable[str]) -> None:
    if PARTITION_COLUMN in (name.lower() for name in names):
        raise BadInputError(
            f"The rows have a column {PARTITION_COLUMN!r}, a name that partitions need for "
            "themselves; nothing was loaded.",
            "Rename the column in transform.py.",
        )


def with_partitions(job: JobDefinition, config: WorkflowConfig | None) -> JobDefinition:
    """A job with the partitions of `workflow.partition`, if there are any.

    Raises:
        BadInputError: The job has partitions of its own.
    """
    if config is None or config.workflow.partition is None:
        return job
    if job.partitions_def is not None:
        raise BadInputError(
            f"The job {job.name!r} has partitions of its own, and config.yaml has "
            "`workflow.partition`.",
            "Leave out one of the two.",
        )
    return job._copy(partitions_def=partitions_of(config.workflow, config.workflow.partition))


def partitions_of(settings: WorkflowSettings, partition: Partition) -> PartitionsDefinition:
    """What Dagster calls the partitions of config.yaml."""
    from dagster import (
        DailyPartitionsDefinition,
        HourlyPartitionsDefinition,
        MonthlyPartitionsDefinition,
        StaticPartitionsDefinition,
        WeeklyPartitionsDefinition,
    )

    if isinstance(partition.by, list):
        return StaticPartitionsDefinition(partition.by)
    start = datetime.fromisoformat(partition.start)
    zone = partition.timezone or settings.timezone
    if partition.by == "hour":
        return HourlyPartitionsDefinition(start, timezone=zone)
    if partition.by == "week":
        return WeeklyPartitionsDefinition(start, timezone=zone, day_offset=1)
    if partition.by == "month":
        return MonthlyPartitionsDefinition(start, timezone=zone)
    return DailyPartitionsDefinition(start, timezone=zone)


def part_of_run(config: WorkflowConfig, tags: Mapping[str, str]) -> Part | None:
    """The partition that a run with these tags is for; None if config.yaml asks for none."""
    partition, key = config.workflow.partition, tags.get(PARTITION_TAG)
    if partition is None or key is None:
        return None
    zone = partition.timezone or config.workflow.timezone
    if isinstance(partition.by, list):
        return Part(key, zone, partition.column or "", None, partition.by)
    window: Any = partitions_of(config.workflow, partition)
    interval = window.time_window_for_partition_key(key)
    ends = interval.start, interval.end
    return Part(key, zone, partition.column or "", ends, window.start)


def first_partition(config: WorkflowConfig) -> str | None:
    """The key of the first partition that config.yaml asks for; None if it asks for none."""
    partition = config.workflow.partition
    if partition is None:
        return None
    return str(partitions_of(config.workflow, partition).get_first_partition_key())
