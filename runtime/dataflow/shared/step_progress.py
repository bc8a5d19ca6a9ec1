"""How far the step that goes on has come: counted by whoever works, looked at by whoever shows it.

Sources, stages, loads, dbt and publishing count what is done, a batch or a page at a time, on the
object that the run shares with them; nothing is shown here. Of one statement of DuckDB's, DuckDB
itself is asked when somebody looks.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection

# A statement that is asked for anew begins below where the one before it was.
_FALL = 0.05
# Of rows that come one by one so many are counted at once: a slow source gives few.
_ROWS_AT_ONCE = 100

Row = TypeVar("Row")


@dataclass(frozen=True)
class Work:
    """What is known of the work that goes on.

    Args:
        what: What is done, in a few words; empty where the step's name says it.
        table: Which of several tables it is done for.
        began: When, by ``time.monotonic``.
        rows: Rows so far.
        total_rows: All rows, where that is known.
        size: Bytes so far.
        total_size: All bytes, likewise.
        parts: Pages, tables or models so far.
        total_parts: All of them, likewise.
        of: What the parts are, such as ``pages``.
        at: What is being worked at, such as the name of a model.
        done: The share of the statement that goes on, from 0 to 1.
        is_whole: Whether that statement is all of the work.
        is_again: Whether the rows have been gone through once already.
    """

    what: str = ""
    table: str = ""
    began: float = 0.0
    rows: int | None = None
    total_rows: int | None = None
    size: int | None = None
    total_size: int | None = None
    parts: int | None = None
    total_parts: int | None = None
    of: str = ""
    at: str = ""
    done: float | None = None
    is_whole: bool = False
    is_again: bool = False

    @property
    def share(self) -> float | None:
        """How much of the whole work is done, from 0 to 1, where that can be known."""
        if self.total_size:
            return None if self.is_again or self.size is None else self.size / self.total_size
        if self.total_rows and self.rows is not None:
            return self.rows / self.total_rows
        return self.done if self.is_whole and not self.is_again else None


class StepProgress:
    """The work of a run's step. Any thread may count, and any thread may look."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._work = Work(began=time.monotonic())
        self._table = ""
        self._watched: DuckDBPyConnection | None = None

    def begin_step(self) -> None:
        """Forget the step before."""
        self._table = ""
        self.begin()

    def begin_table(self, table: str) -> None:
        """Begin with one of several tables."""
        self._table = table
        self.begin()

    def begin(
        self,
        what: str = "",
        *,
        total_rows: int | None = None,
        total_size: int | None = None,
        total_parts: int | None = None,
        of: str = "",
        is_whole: bool = False,
    ) -> None:
        """Begin with another piece of work; see `Work` for what is told of it."""
        with self._lock:
            self._work = Work(
                what,
                self._table,
                time.monotonic(),
                total_rows=total_rows,
                total_size=total_size,
                total_parts=total_parts,
                of=of,
                is_whole=is_whole,
            )

    def count(
        self,
        *,
        rows: int | None = None,
        size: int | None = None,
        parts: int | None = None,
        total_rows: int | None = None,
        total_parts: int | None = None,
        of: str | None = None,
        at: str | None = None,
    ) -> None:
        """Say how much is done by now, of all that is counted; what is left out stays.

        It is to be called for batches, pages or megabytes, and not for rows.
        """
        given = {
            "rows": rows,
            "size": size,
            "parts": parts,
            "total_rows": total_rows,
            "total_parts": total_parts,
            "of": of,
            "at": at,
        }
        known = {name: value for name, value in given.items() if value is not None}
        with self._lock:
            self._work = replace(self._work, **known)  # type: ignore[arg-type]

    def counting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Hand rows on that come one by one, and count them."""
        seen, left = 0, iter(rows)
        while part := list(islice(left, _ROWS_AT_ONCE)):
            yield from part
            seen += len(part)
            self.count(rows=seen)

    @contextmanager
    def watching(
        self,
        connection: DuckDBPyConnection,
        what: str | None = None,
        *,
        total_rows: int | None = None,
        total_size: int | None = None,
        is_whole: bool = False,
    ) -> Iterator[None]:
        """Have DuckDB tell how far its statements on a connection are, as long as the block takes.

        Args:
            what: What is begun by that, see `begin`; None to go on with what was begun before.
            is_whole: Whether one statement does all of it, so that time left can be told.
        """
        if what is not None:
            self.begin(what, total_rows=total_rows, total_size=total_size)
        with self._lock:
            self._work = replace(self._work, done=None, is_whole=is_whole)
        # DuckDB works the share out only where it would show it, which it is told not to.
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute("SET enable_progress_bar = true")
        with self._lock:
            before, self._watched = self._watched, connection
        try:
            yield
        finally:
            # Not asked any more once this has returned: the connection may be closed then.
            with self._lock:
                self._watched = before
                self._work = replace(self._work, done=None)

    def look(self) -> Work:
        """What is known now."""
        with self._lock:
            if self._watched is not None:
                self._work = _asked(self._watched, self._work)
            return self._work


_current: ContextVar[StepProgress | None] = ContextVar("dataflow_progress", default=None)


def step_progress() -> StepProgress:
    """That of the step which goes on here; outside of runs one that nobody looks at."""
    return _current.get() or StepProgress()


@contextmanager
def hold_progress(progress: StepProgress) -> Iterator[None]:
    """Have `step_progress` answer with ``progress`` inside."""
    before = _current.set(progress)
    try:
        yield
    finally:
        _current.reset(before)


def _asked(connection: DuckDBPyConnection, work: Work) -> Work:
    done = -1.0
    # It is for the eye alone, whatever became of the connection.
    with suppress(Exception):
        done = connection.query_progress() / 100
    if done < 0:
        return work
    done = min(done, 1.0)
    is_again = work.is_again or (work.done is not None and done < work.done - _FALL)
    size = int(done * work.total_size) if work.total_size else work.size
    return replace(work, done=done, size=size, is_again=is_again)
