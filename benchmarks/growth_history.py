"""A long run history made of a few real runs, each copied under ids of its own.

A copy has all that a run leaves behind: its row and tags, its events in the index, its note in the
ledger and its own file of events. That file is a hard link to the original's, so that 100,000 of
them fit onto a disk: what has to find, list or delete them has as much to do.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RUN_ID = "run_id"
# Between a copy and the next: 100,000 of them are ten weeks.
_STEP = timedelta(minutes=1)
_ORIGINALS = 2
# A file of ext4 has no more than 65,000 names.
_MOST_LINKS = 30_000


def grow_history(project: Path, runs: int) -> int:
    """Copy the runs that there are in turn until the history has so many.

    Args:
        project: Has run a workflow at least once, and nothing of it runs now.

    Returns:
        How many there are; more than asked for, if there were.
    """
    history = project / ".dagster" / "history"
    with closing(sqlite3.connect(history / "runs.db")) as connection:
        known = [str(each) for (each,) in connection.execute("select run_id from runs order by id")]
    files = {each: history / "runs" / f"{each}.db" for each in known}
    originals = [each for each in known if files[each].exists()][:_ORIGINALS]
    missing = max(0, runs - len(known))
    copies = [(originals[at % len(originals)], str(uuid.uuid4())) for at in range(missing)]
    for at, (old, new) in enumerate(copies):
        if at % _MOST_LINKS == 0:
            fresh = history / "runs" / f"{new}.db"
            shutil.copyfile(files[old], fresh)
            files = dict.fromkeys(files, fresh)
        else:
            os.link(files[old], history / "runs" / f"{new}.db")
    for path, tables in (
        (history / "runs.db", ("runs", "run_tags")),
        (history / "runs" / "index.db", ("event_logs", "asset_check_executions")),
        (project / ".dataflow" / "runs.sqlite", ("runs",)),
    ):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma synchronous=off")
            for table in tables:
                _copy(connection, table, originals, copies)
            connection.commit()
            connection.execute("pragma wal_checkpoint(truncate)")
    return len(known) + missing


def _copy(
    connection: sqlite3.Connection,
    table: str,
    originals: list[str],
    copies: list[tuple[str, str]],
) -> None:
    columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    columns = [name for name in columns if name != "id"]
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for run_id in set(originals):
        asked = f"select {', '.join(columns)} from {table} where {_RUN_ID} = ?"
        rows[run_id] = connection.execute(asked, (run_id,)).fetchall()
    marks = ", ".join("?" * len(columns))
    insert = f"insert into {table} ({', '.join(columns)}) values ({marks})"
    connection.executemany(insert, _renamed(columns, rows, copies))


def _renamed(
    columns: list[str], rows: dict[str, list[tuple[Any, ...]]], copies: list[tuple[str, str]]
) -> Iterator[list[Any]]:
    """The rows of the copies, each with its id and its time; the last one is of now."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for at, (old, new) in enumerate(copies):
        then = now - _STEP * (len(copies) - at)
        for row in rows[old]:
            yield [
                _at(then, name)
                if value is not None and name.endswith(("timestamp", "_time"))
                else value.replace(old, new)
                if isinstance(value, str)
                else value
                for name, value in zip(columns, row, strict=True)
            ]


def _at(then: datetime, column: str) -> object:
    if column.endswith("_time"):
        return then.replace(tzinfo=UTC).timestamp()
    return then.isoformat(" ", "microseconds")
