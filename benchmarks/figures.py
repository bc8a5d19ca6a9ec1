"""The committed figures in benchmarks/figures.json, and whether a run's are worse.

Only ratios are compared, each of two costs in one run on one machine: seconds say as much of the
machine as of us. The figures of full and of quick runs are kept apart, since their sizes differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from measuring import Result

FILE = Path(__file__).with_name("figures.json")
# By how much a ratio may be worse than the committed one.
TOLERANCE = 4 / 3
_NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")
# Words in a ratio of which more is better: "29x faster", "52x less CPU".
_MORE_IS_BETTER = ("faster", "less")
# The word before how a cost grows, of which 1 is linear, and less is as good.
SLOPE = "slope"

# The rows of one kind of run: by benchmark, then by what was measured.
Figures = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Comparison:
    """What became of the committed figures.

    Args:
        worse: By benchmark: a line for each figure, with the old ratio and the new one.
        gone: What was not measured any more.
        new: What was not measured before.
    """

    worse: dict[str, list[str]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """All of it, as it is printed."""
        worse = [f"worse: {line}" for found in self.worse.values() for line in found]
        gone = [f"gone:  {what}" for what in self.gone]
        return [*worse, *gone, *(f"new:   {what}" for what in self.new)]


def compare(committed: Figures, rows: Sequence[Result]) -> Comparison:
    """Hold the figures of a run against those that are committed.

    Args:
        committed: Those of the same kind of run.
        rows: Of the benchmarks that went through; of others nothing is said.
    """
    found = Comparison()
    measured = as_figures(rows)
    for part, figures in measured.items():
        known = committed.get(part, {})
        for what, figure in figures.items():
            if what not in known:
                found.new.append(f"{part}: {what}")
            elif times_worse(known[what]["ratio"], figure["ratio"]) > TOLERANCE:
                line = f"{part}: {what}: {known[what]['ratio']}, now {figure['ratio']}"
                found.worse.setdefault(part, []).append(line)
        found.gone.extend(f"{part}: {what}" for what in known if what not in figures)
    return found


def times_worse(old: str, new: str) -> float:
    """How many times as bad a ratio is as another.

    >>> times_worse("0.50x", "0.75x")
    1.5
    >>> times_worse("30x faster", "20x faster")
    1.5
    >>> times_worse("slope 0.10", "slope 0.90")
    1.0
    """
    before, after = _number(old), _number(new)
    if before is None or after is None:
        return 1.0
    if old.startswith(SLOPE):
        before, after = max(before, 1.0), max(after, 1.0)
    if any(word in old for word in _MORE_IS_BETTER):
        before, after = after, before
    return after / before if before else float("inf") if after else 1.0


def as_figures(rows: Sequence[Result]) -> dict[str, dict[str, dict[str, str]]]:
    """The rows that are compared: ours, with a ratio."""
    figures: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        of_part = figures.setdefault(row.part, {})
        if not row.peer and _number(row.ratio) is not None:
            of_part[row.what] = {"ratio": row.ratio, "value": row.value}
    return figures


def better_of(rows: Sequence[Result], again: Sequence[Result]) -> list[Result]:
    """The same rows, each as it was when its ratio was better: the other time others disturbed."""
    second = {(row.part, row.what): row for row in again}
    return [_better(row, second.get((row.part, row.what))) for row in rows]


def _better(row: Result, other: Result | None) -> Result:
    return row if other is None or times_worse(row.ratio, other.ratio) >= 1 else other


def read_figures(kind: str, path: Path = FILE) -> Figures:
    """The committed figures of full or of quick runs; none if there are none."""
    if not path.exists():
        return {}
    known: dict[str, Figures] = json.loads(path.read_text(encoding="utf-8"))
    return known.get(kind, {})


def write_figures(kind: str, rows: Sequence[Result], path: Path = FILE) -> None:
    """Write the figures of the benchmarks that were run; those of others stay."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[kind] = {**known.get(kind, {}), **as_figures(rows)}
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _number(ratio: str) -> float | None:
    found = _NUMBER.search(ratio)
    return float(found.group().replace(",", "")) if found else None
