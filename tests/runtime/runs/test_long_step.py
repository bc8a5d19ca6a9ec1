"""A step that takes long, where nobody looks."""

from __future__ import annotations

import logging
import threading

import pytest

from dataflow.runs.long_step import LongStep, logged
from dataflow.shared.step_progress import StepProgress


def test_it_is_told_of_until_it_ends() -> None:
    """Each line says how far it is by then; a step that is over is told of no more."""
    progress, lines, is_told = StepProgress(), list[str](), threading.Semaphore(0)

    def tell(line: str) -> None:
        lines.append(line)
        progress.count(rows=len(lines))
        is_told.release()

    step = LongStep("extract", progress, tell, seconds=0.001)
    for _ in range(3):
        assert is_told.acquire(timeout=30)
    step.end()
    assert lines[0] == "extract goes on for 0 s"
    assert lines[1].startswith("extract goes on for 0 s: 1 row")
    assert lines[2].startswith("extract goes on for 0 s: 2 rows")
    assert not step._telling.is_alive()


def test_short_steps_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Dagster's log has their results, and no line more."""
    with caplog.at_level(logging.INFO), logged("extract", StepProgress()):
        pass
    assert caplog.records == []
