"""How costs grow with rows, workflows, columns, models and the history: not more than they do.

Each curve is measured at three sizes or more, in CPU seconds of all processes or memory. The slope
is that of what comes on top of the cost at the first of the three largest sizes, on logarithmic
scales: 1 where ten times as much costs ten times as much, 0 where it costs the same. A full run
draws benchmarks/pictures/growth-*.svg. `--large` runs 10 GB of CSV under a limit of 2 GB instead,
and needs 40 GB of disk. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/growth.py [--only rows history] [--quick]
    .venv/bin/python benchmarks/growth.py --large [--rows 50000000]
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from figures import SLOPE
from growth_curves import COLD, CPU, CURVES, Point
from measuring import Result, record, say
from scale_plots import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

PART = "growth"
PICTURES = Path(__file__).with_name("pictures")
# A slope within this of 1 is linear: what one measurement differs from the next.
LINEAR = 1.15
# What of the first size's cost is taken for chance.
NOISE = 0.1


def main() -> None:
    """Measure, print the rows and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(CURVES), default=list(CURVES))
    parser.add_argument("--quick", action="store_true", help="small sizes, and no pictures")
    parser.add_argument("--large", action="store_true", help="a file larger than memory may be")
    parser.add_argument("--rows", type=int, default=50_000_000, help="of --large")
    chosen = parser.parse_args()
    os.environ.update(COLD)
    if chosen.large:
        from growth_large import run_large

        run_large(chosen.rows)
        return
    for name in chosen.only:
        curve = CURVES[name]
        sizes = curve.quick if chosen.quick else curve.sizes
        say(f"growth: {name}, {', '.join(f'{size:,}' for size in sizes)}")
        with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
            points = list(curve.points(Path(folder), sizes))
        report(name, points)
        if not chosen.quick:
            PICTURES.mkdir(exist_ok=True)
            (PICTURES / f"growth-{name}.svg").write_text(picture(name, points), encoding="utf-8")


def report(name: str, points: Sequence[Point]) -> None:
    """A row for each line: what it cost at each size, how many times as much, and the slope."""
    for line, found in lines(points).items():
        values = ", ".join(f"{point.value:,.3g}" for point in found)
        grown = slope([(point.size, point.value) for point in found])
        times = found[-1].value / found[0].value
        what = f"{name} {found[0].size:,} to {found[-1].size:,}: {line}"
        value = f"{values} {found[0].unit}; {times:.2f}x"
        met = grown <= LINEAR
        record(Result(PART, what, value, f"{SLOPE} {grown:.2f}", "at most linear", met))


def slope(costs: Sequence[tuple[int, float]]) -> float:
    """With which power the cost grows that depends on the size.

    >>> round(slope([(10, 3.0), (100, 4.8), (1_000, 22.8)]), 2)
    1.0
    >>> round(slope([(10, 3.0), (100, 3.1), (1_000, 3.05)]), 2)
    0.0
    """
    (small, least), (middle, more), (large, most) = sorted(costs)[-3:]
    chance = NOISE * least
    grown, grown_more = max(more - least, chance), max(most - least, chance)
    grown_more = max(grown_more, grown)
    return math.log(grown_more / grown) / math.log((large - small) / (middle - small))


def picture(name: str, points: Sequence[Point]) -> str:
    """The lines in CPU seconds over the size."""
    drawn = {
        line: [(point.size, *(point.value,) * 3) for point in found]
        for line, found in lines(points).items()
        if found[0].unit == CPU
    }
    over = CURVES[name].over
    ticks = sorted({point.size for point in points})
    return draw(f"Growth with {over}: CPU", CPU, drawn, {}, over=over, ticks=ticks)


def lines(points: Sequence[Point]) -> dict[str, list[Point]]:
    """The points of each line, by its name."""
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.line, []).append(point)
    return found


if __name__ == "__main__":
    main()
