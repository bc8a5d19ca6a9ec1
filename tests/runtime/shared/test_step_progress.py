"""How far a step is, as others see it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import duckdb
from duckdb.sqltypes import BIGINT

from dataflow.shared.step_progress import StepProgress, hold_progress, step_progress


def test_duckdb_tells_the_share_of_a_statement_that_goes_on() -> None:
    """Asked in its middle by another thread, with no word on standard output."""
    progress, is_half, is_seen = StepProgress(), threading.Event(), threading.Event()

    def pause(number: int) -> int:
        if number == 700_000:
            is_half.set()
            is_seen.wait(60)
        return number

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET threads = 1")
        connection.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(1_000_000)")
        connection.create_function("pause", pause, [BIGINT], BIGINT)
        query = "SELECT sum(CASE WHEN n = 700_000 THEN pause(n) ELSE n END) FROM numbers"
        with ThreadPoolExecutor(1) as other, progress.watching(connection, "", total_size=1_000):
            found = other.submit(lambda: connection.execute(query).fetchone())
            assert is_half.wait(60)
            work = progress.look()
            is_seen.set()
            assert found.result() == (499_999_500_000,)
        assert work.done is not None
        assert 0 < work.done < 1
        assert work.size == int(work.done * 1_000)
    # It may be closed by now.
    assert progress.look().done is None


def test_rows_that_are_read_again_are_said_to_be() -> None:
    """A share that falls is one of another statement: of its time left nobody knows."""

    class Connection:
        shares = iter([40.0, 90.0, 10.0, -1.0])

        def execute(self, _: str) -> None:
            """Settings."""

        def query_progress(self) -> float:
            return next(self.shares)

    progress = StepProgress()
    with progress.watching(Connection(), "", total_size=100, is_whole=True):  # type: ignore[arg-type]
        seen = [progress.look() for _ in range(5)]
    assert [work.size for work in seen] == [40, 90, 10, 10, 10]
    assert [work.is_again for work in seen] == [False, False, True, True, True]
    assert [work.share for work in seen] == [0.4, 0.9, None, None, None]


def test_rows_are_handed_on_one_by_one_and_counted_in_hundreds() -> None:
    """Also those that nobody asks for any more."""
    progress = StepProgress()
    rows = progress.counting(range(250))
    assert list(rows) == list(range(250))
    assert progress.look().rows == 250


def test_a_run_has_one_of_its_own() -> None:
    """What is counted outside of runs is seen by nobody, and two threads do not share one."""
    own = StepProgress()
    with hold_progress(own):
        assert step_progress() is own
        step_progress().count(rows=5)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(step_progress).result() is not own
    assert step_progress() is not step_progress()
    assert own.look().rows == 5


def test_a_step_begins_with_nothing() -> None:
    """The rows of the step before are not those of this one."""
    progress = StepProgress()
    progress.begin_table("orders")
    progress.count(rows=5, at="page 3")
    assert progress.look().table == "orders"
    progress.begin_step()
    work = progress.look()
    assert (work.rows, work.at, work.table) == (None, "", "")
