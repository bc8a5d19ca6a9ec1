"""What a backfill prints: a line for each partition, and the commands that go on with it."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.runs.model import Run

# More are not named one by one in a command.
_MOST_NAMED = 10


def partition_line(key: str, run: Run, progress: str) -> str:
    """What came of a partition, for people."""
    if run.success:
        rows = "" if run.rows is None else f"  {run.rows:,} rows"
        mark = click.style("✓", fg="green")
        return f"  {mark} {key}  {run.seconds or 0:6.1f} s{rows}  {progress}"
    faults = [f"{step.name}: {step.error}" for step in run.steps if step.error]
    reason = (faults or [run.error or "It was stopped."])[0].splitlines()[0]
    return f"  {click.style('✗', fg='red')} {key}  {reason}  {progress}"


def partition_json(key: str | None, run: Run) -> str:
    """What came of a partition, for programs; of the models alone, if there is no key."""
    told = {
        "partition": key,
        "run_id": run.run_id,
        "success": run.success,
        "rows": run.rows,
        "seconds": run.seconds or 0.0,
        "error": run.whole_error,
    }
    return json.dumps(told)


def again_command(name: str, keys: Sequence[str], *options: str) -> str:
    """The command that runs some partitions again."""
    if len(keys) > _MOST_NAMED:
        options = ("--missing", *options)
        keys = ()
    named = [part for key in keys for part in ("--partition", key)]
    return shlex.join(["dataflow", "workflow", "backfill", name, *named, *options])


def rest_command(name: str, left: Sequence[str], *options: str) -> str:
    """The command that goes on with the partitions that are left, in their order."""
    ends = ("--from", left[0], "--to", left[-1])
    return shlex.join(["dataflow", "workflow", "backfill", name, *ends, *options])


class TimeLeft:
    """How long the partitions that are left will take, if they take as long as those before."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._began = time.monotonic()

    def after(self, done: int) -> str:
        """In words; nothing before the first one has ended."""
        if not done:
            return ""
        seconds = (time.monotonic() - self._began) / done * (self._count - done)
        return f", about {seconds / 60:.0f} min left" if seconds > 90 else f", {seconds:.0f} s left"
