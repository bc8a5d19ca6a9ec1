"""How far a step is, in words."""

from __future__ import annotations

import pytest

from dataflow.shared.progress_words import progress_words
from dataflow.shared.step_progress import Work


@pytest.mark.parametrize(
    ("work", "seconds", "words"),
    [
        (Work(), 5, ""),
        (Work(rows=1), 0.5, "1 row"),
        (Work(rows=12_345), 10, "12,345 rows · 1,200 rows/s"),
        (Work(rows=12_345_678), 10, "12.3 M rows · 1.2 M rows/s"),
        (Work("downloading", size=50_000_000), 5, "downloading · 50 MB · 10 MB/s"),
        (
            Work(size=500_000_000, total_size=2_000_000_000),
            5,
            "500 MB of 2.0 GB · 100 MB/s · 15 s left",
        ),
        (
            Work(size=10_000_000, total_size=50_000_000, done=0.2, is_again=True),
            5,
            "10 of 50 MB again",
        ),
        (
            Work(parts=12, of="pages", rows=1_200, total_rows=10_000, table="orders"),
            6,
            "orders · 12 pages · 1,200 of 10,000 rows · 200 rows/s · 44 s left",
        ),
        (Work(parts=1, of="pages", rows=7), 0.2, "1 page · 7 rows"),
        (
            Work(parts=3, total_parts=12, of="models and tests", at="stg_sales"),
            6,
            "3 of 12 models and tests · stg_sales",
        ),
        (
            Work(parts=0, total_parts=4, of="tables", at="sales", done=0.5),
            6,
            "0 of 4 tables · sales 50 %",
        ),
        (Work(done=0.5, total_rows=3_000_000, is_whole=True), 6, "50 % of 3.0 M rows · 6 s left"),
        # Of one statement among several nobody knows what it is a share of.
        (Work("looking for duplicates", done=0.5), 6, "looking for duplicates"),
        # Too early to say, and more than there should be.
        (Work(size=1_000, total_size=10_000_000), 6, "1 kB of 10 MB · 0 kB/s"),
        (Work(rows=120, total_rows=100), 6, "120 rows · 20 rows/s"),
    ],
)
def test_only_what_is_known_is_told(work: Work, seconds: float, words: str) -> None:
    """Rows, bytes, parts, rate and time left, each where there is one."""
    assert progress_words(work, seconds) == words
