"""What the benchmarks share: running a command and saying what it cost, and rows of the results.

A benchmark prints its own table and adds its rows to the file that ``BENCH_ROWS`` names, which
``benchmarks/all.py`` makes benchmarks/RESULTS.md from.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BIN = Path(sys.executable).parent
ROWS_VARIABLE = "BENCH_ROWS"
_SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True)
class Cost:
    """What a command and all its children cost.

    Args:
        wall: Seconds from start to end.
        cpu: User and system seconds of all processes.
        memory: The most memory that all processes held at one time, in bytes.
        output: What it wrote to standard output.
    """

    wall: float
    cpu: float
    memory: int = 0
    output: str = ""


@dataclass(frozen=True)
class Result:
    """One row of the results.

    Args:
        part: The benchmark.
        what: What was measured.
        value: What it cost, with its unit.
        ratio: How many times as much as what it is compared with, or as much faster.
        goal: What was to be reached, if there is a goal.
        met: Whether it was.
        peer: Whether it is of what we are compared with: it may get worse.
    """

    part: str
    what: str
    value: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    peer: bool = False


def measure(
    command: Sequence[str | Path],
    folder: Path,
    *,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    accept: tuple[int, ...] = (0,),
) -> Cost:
    """Run a command to its end; stop with what it said if it fails or takes too long."""
    before = os.times()
    started = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "DO_NOT_TRACK": "1", "DAGSTER_DISABLE_TELEMETRY": "1"}
        | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        most = _Most(process.pid)
        most.start()
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            sys.exit(f"{command} took longer than {timeout} s")
        finally:
            most.stop()
    wall, after = time.perf_counter() - started, os.times()
    if process.returncode not in accept:
        sys.exit(f"{command} failed:\n{output[-3000:]}\n{errors[-3000:]}")
    cpu = after.children_user + after.children_system - before.children_user
    return Cost(wall, cpu - before.children_system, most.bytes, output)


class _Most(threading.Thread):
    """Watches how much memory a process and its children hold together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._process = psutil.Process(pid)
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                tree = [self._process, *self._process.children(recursive=True)]
                self.bytes = max(self.bytes, sum(one.memory_info().rss for one in tree))
            except psutil.Error:
                continue

    def stop(self) -> None:
        self._ended.set()
        self.join()


def in_turn(ways: Mapping[str, Callable[[], Cost]], repeat: int) -> dict[str, list[Cost]]:
    """Measure several ways in turn, A B A B, so that a change of the machine's speed hits all."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, run in ways.items():
            costs[name].append(run())
    return costs


def least(costs: Sequence[Cost]) -> Cost:
    """The least of each kind of cost: what was not spent on waiting for others."""
    return Cost(
        min(cost.wall for cost in costs),
        min(cost.cpu for cost in costs),
        min(cost.memory for cost in costs),
    )


def ratio(costs: Sequence[Cost], others: Sequence[Cost], kind: str = "wall") -> float:
    """The median of the ratios turn by turn."""
    pairs = zip(costs, others, strict=False)
    return statistics.median(getattr(one, kind) / getattr(two, kind) for one, two in pairs)


def record(*results: Result) -> None:
    """Print rows, and keep them for the table of all results."""
    for row in results:
        state = "" if row.met is None else ("  met" if row.met else "  MISSED")
        goal = f"  goal {row.goal}{state}" if row.goal else ""
        print(f"  {row.what:<58} {row.value:>22} {row.ratio:>9}{goal}", flush=True)
    if path := os.environ.get(ROWS_VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(row)) + "\n" for row in results)


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, flush=True)
