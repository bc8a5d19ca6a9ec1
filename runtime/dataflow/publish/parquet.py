"""Publishing: a workflow's tables as the Parquet files that the dashboards' browser engine reads.

It needs no built site and knows no tool that builds one; the pages show what it wrote without
being built again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from dataflow.publish.config_values import read_config_values, values_of
from dataflow.publish.descriptions import DESCRIPTIONS_TABLE, descriptions_query
from dataflow.publish.errors import PublishError
from dataflow.publish.folders import SiteFolders, source_queries
from dataflow.publish.kind import PublisherKind, PublishRequest, Staged
from dataflow.publish.manifest import RUNS_MARK, STALE_AFTER_SECONDS, replacing_tables
from dataflow.publish.publish_target import PublishTarget
from dataflow.publish.source_query import SourceQuery, Written, write_rows
from dataflow.shared.config_kinds import chosen_kind
from dataflow.shared.config_types import Section
from dataflow.shared.logging import get_logger
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.shared.step_progress import step_progress
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from duckdb import DuckDBPyConnection

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project

log = get_logger(__name__)

# `<LastRefreshed/>` shows the time of the site's build; pages ask this table instead.
FRESHNESS_TABLE = "published"
# What a folder of staged tables says of them.
_STAGED = "staged.json"
_TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")


class ParquetSettings(Section):
    """Publishes Parquet files and a manifest, which the dashboards read."""

    type: Literal["parquet"] = Field(description="Parquet files and a manifest.")
    warn_rows: Annotated[
        int, Field(ge=0, description="Tables of more rows are told of; 0: of none.")
    ] = 2_000_000
    max_rows: Annotated[
        int, Field(ge=0, description="Tables of more rows are left out and told of; 0: none.")
    ] = 20_000_000


def publish_workflow(
    project: Project,
    workflow_id: str,
    connection: DuckDBPyConnection | None = None,
    *,
    stale_after: float = STALE_AFTER_SECONDS,
    config: WorkflowConfig | None = None,
) -> dict[str, int]:
    """Publish the result of every ``sources/<table>.sql`` of one workflow.

    Page queries know it as ``<workflow_id>.<table>``. Numbers arrive as DOUBLE, dates and times
    as TIMESTAMP to the millisecond, booleans as they are, nested values as JSON text and
    all else as text: what a browser's engine as old as DuckDB 0.9 reads, and numbers in JavaScript.
    Moments with a time zone arrive as the clock of ``workflow.timezone`` showed them, and queries
    cut them into days there: the browser's engine knows no time zones.
    The table ``<workflow_id>.published`` (table_name, row_count, published_at, published_local,
    time_zone) says when, and ``<workflow_id>.descriptions`` (table_name, column_name, description,
    unit) what dbt and the contract say of columns.

    Args:
        connection: An open connection to the workflow's warehouse; opened read-only if left out.
            What it has not committed is not published.
        stale_after: Seconds for which the versions replaced now stay readable, for pages that are
            open.

    Returns:
        The number of rows of each table, by its name in page queries.

    Raises:
        PublishError: A query is wrong; the error names workflow, file and line, and everything
            published before stays as it was.
        WarehouseError: The workflow has no warehouse yet, or another process holds it.
    """
    aside = _own_folder(project, f"{workflow_id}-")
    staged = _stage_in(aside, project, workflow_id, connection, config)
    with release_workflow(project, workflow_id, staged.folder, stale_after):
        pass
    return staged.rows


def stage_workflow(
    project: Project,
    workflow_id: str,
    connection: DuckDBPyConnection | None = None,
    config: WorkflowConfig | None = None,
) -> Staged:
    """Write what `publish_workflow` publishes into a folder that nobody reads.

    What an earlier call for the workflow left that was not released is cleared away, so whoever
    calls holds the workflow's lock.

    Raises:
        PublishError: A query is wrong.
        WarehouseError: The workflow has no warehouse yet, or another process holds it.
    """
    for leftover in SiteFolders.of(project).staging.glob(f"{workflow_id}{RUNS_MARK}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    aside = _own_folder(project, f"{workflow_id}{RUNS_MARK}")
    return _stage_in(aside, project, workflow_id, connection, config)


def _own_folder(project: Project, prefix: str) -> Path:
    staging = SiteFolders.of(project).staging
    staging.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=staging))


def _stage_in(
    aside: Path,
    project: Project,
    workflow_id: str,
    connection: DuckDBPyConnection | None,
    config: WorkflowConfig | None,
) -> Staged:
    published_at = datetime.now(UTC)
    try:
        queries = _read_queries(project, workflow_id)
        known = values_of(config) if config else read_config_values(project, workflow_id)
        limits = _limits(project)
        with _session(project, workflow_id, connection) as session:
            # Days are the workflow's, from here to the charts.
            session.execute(f"SET TimeZone = {quote_literal(known.time_zone)}")
            rows: dict[str, int] = {}
            left_out: dict[str, int] = {}
            progress = step_progress()
            progress.begin(total_parts=len(queries), of="tables")
            for number, (table, path) in enumerate(queries.items()):
                progress.count(parts=number, at=table)
                where = f"{workflow_id}: {project.relative(path)}"
                query = SourceQuery.read(session, path, where)
                file = aside / f"{table}.parquet"
                written = query.write(session, file, limits.max_rows)
                (rows if written.is_written else left_out)[table] = written.rows
                _tell_of_size(limits, written, where)
                _tell_of_rounding(written, where)
            freshness = _freshness_query({**rows, **left_out}, published_at, known.time_zone)
            write_rows(session, freshness, aside / f"{FRESHNESS_TABLE}.parquet")
            described = descriptions_query(project, workflow_id, known.units)
            write_rows(session, described, aside / f"{DESCRIPTIONS_TABLE}.parquet")
        content = {
            "tables": {path.stem: _settle(path) for path in sorted(aside.glob("*.parquet"))},
            # Always, since notes are laid over those of the last time.
            "notes": {
                "published_at": published_at.isoformat(),
                "rows": rows,
                "left_out": left_out,
            },
        }
        (aside / _STAGED).write_text(json.dumps(content), encoding="utf-8")
        target = SiteFolders.of(project).target
        if target is not None:
            PublishTarget(target).upload(workflow_id, _staged_files(aside, content))
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return Staged(rows, aside)


def _limits(project: Project) -> ParquetSettings:
    for chosen in project.settings.publishers:
        kind, settings = chosen_kind("publishers", chosen, project.values)
        if kind is KIND and isinstance(settings, ParquetSettings):
            return settings
    return ParquetSettings(type="parquet")


def _tell_of_size(limits: ParquetSettings, written: Written, where: str) -> None:
    if not written.is_written:
        log.warning(
            f"{where}: {written.rows:,} rows are more than a browser can open "
            f"({limits.max_rows:,}): they are not published, and no page can ask for them. Group "
            "or filter in the query, since a page needs only what it shows, or raise max_rows of "
            "the publisher parquet."
        )
    elif limits.warn_rows and written.rows > limits.warn_rows:
        log.warning(
            f"{where}: {written.rows:,} rows are published whole, and a page that asks for all of "
            "them is slow. Group or filter in the query."
        )


def _tell_of_rounding(written: Written, where: str) -> None:
    if written.rounded:
        log.warning(
            f"{where}: whole numbers of more than 53 bits in {', '.join(written.rounded)}: a "
            "browser rounds them, so that an id is another one on a page. Publish such a column as "
            f"text: cast({written.rounded[0]} as varchar) as {written.rounded[0]}."
        )


@contextmanager
def release_workflow(
    project: Project, workflow_id: str, folder: Path, stale_after: float = STALE_AFTER_SECONDS
) -> Iterator[None]:
    """Make what was staged what the pages show, at the end of the block.

    Raises:
        PublishError: It is gone.
    """
    try:
        content = json.loads((folder / _STAGED).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PublishError(
            f"What was made ready for the dashboards of {workflow_id} is gone: {folder}.",
            "Run the workflow again.",
        ) from error
    staged = _staged_files(folder, content)
    folders = SiteFolders.of(project)
    with replacing_tables(folders, workflow_id, staged, content["notes"], stale_after):
        yield
    shutil.rmtree(folder, ignore_errors=True)


def _staged_files(folder: Path, content: dict[str, Any]) -> dict[str, tuple[Path, str]]:
    return {
        table: (folder / f"{table}.parquet", digest) for table, digest in content["tables"].items()
    }


def _read_queries(project: Project, workflow_id: str) -> dict[str, Path]:
    queries = source_queries(project, workflow_id)
    for table, path in queries.items():
        if not _TABLE_NAME.fullmatch(table) or table in (FRESHNESS_TABLE, DESCRIPTIONS_TABLE):
            raise PublishError(
                f"{workflow_id}: {project.relative(path)}: {table!r} cannot name a table.",
                "Rename the file: small letters, digits and underscores, beginning with a letter, "
                f"and neither {FRESHNESS_TABLE!r} nor {DESCRIPTIONS_TABLE!r}, which every workflow "
                "has already.",
            )
    return queries


@contextmanager
def _session(
    project: Project, workflow_id: str, connection: DuckDBPyConnection | None
) -> Iterator[DuckDBPyConnection]:
    if connection is not None:
        # A cursor has settings of its own, so the caller's stay as they are.
        session = connection.cursor()
        try:
            session.execute(f"USE {_current_schema(connection)}")
            with step_progress().watching(session):
                yield session
        finally:
            session.close()
        return
    with visible_warehouse(project, workflow_id).connect(read_only=True) as session:
        yield session


def _current_schema(connection: DuckDBPyConnection) -> str:
    """Where a connection looks for tables; a cursor of it would look elsewhere."""
    row = connection.execute("SELECT current_database(), current_schema()").fetchone()
    return ".".join(quote_identifier(str(name)) for name in row or ())


def _freshness_query(rows: dict[str, int], published_at: datetime, time_zone: str) -> str:
    moment, local = (
        at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for at in (published_at, published_at.astimezone(ZoneInfo(time_zone)))
    )
    # VALUES wants a row at least: the first one has no table.
    values = ", ".join(f"('{table}', {count}::DOUBLE)" for table, count in {"": 0, **rows}.items())
    return (
        f"SELECT *, TIMESTAMP_MS '{moment}' AS published_at, "  # noqa: S608
        f"TIMESTAMP_MS '{local}' AS published_local, {quote_literal(time_zone)} AS time_zone "
        f"FROM (VALUES {values}) AS t (table_name, row_count) WHERE table_name != ''"
    )


def _settle(path: Path) -> str:
    """Get a file onto the disk and return a name for its content."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").hexdigest()[:16]
        os.fsync(file.fileno())
    return digest


def _publish(_: ParquetSettings, request: PublishRequest) -> dict[str, int]:
    return publish_workflow(
        request.project, request.workflow_id, request.connection, config=request.config
    )


def _stage(_: ParquetSettings, request: PublishRequest) -> Staged:
    return stage_workflow(request.project, request.workflow_id, request.connection, request.config)


def _release(
    _: ParquetSettings, project: Project, workflow_id: str, folder: Path
) -> AbstractContextManager[None]:
    return release_workflow(project, workflow_id, folder)


KIND = PublisherKind(ParquetSettings, _publish, _stage, _release)
