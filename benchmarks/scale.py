"""How far a project grows, by simulation: 100 to 100,000 workflows, and which limit comes first.

The unit costs are those of scale_units.json, each with how it was measured; `--measure` measures
them anew on this machine (some minutes) and writes that file. `--validate` runs a small case for
real and prints it beside what the simulation says of it. `--plots` draws the pictures of
docs/scale.md anew. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/scale.py [--measure] [--validate] [--plots]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from measuring import say
from scale_model import (
    DAY,
    Costs,
    Plant,
    at_once,
    campaign_seconds,
    load_memory,
    load_seconds,
    simulate,
    spread,
)
from scale_plots import draw

UNITS = Path(__file__).with_name("scale_units.json")
PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
# What a repository costs in a campaign beside its workflows: benchmarks/RESULTS.md, 0.42 to 1.14 s.
REPOSITORY_CPU = 0.8
GIB = 2**30
# One machine as `dataflow up` has it, and clusters: slots, cores.
PLANTS = {
    "one machine, 4 slots, 2 cores": Plant(4, 2.0),
    "one machine, 16 slots, 16 cores": Plant(16, 16.0),
    "cluster, 100 slots, 100 cores": Plant(100, 100.0),
}
# What is taken for too much. A code location that is not loaded by then is taken for dead; the
# memory is that of its pod; a night is what people leave for a campaign.
SECONDS_TO_LOAD = 90.0
LOCATION_MEMORY = 1 * GIB
SECONDS_OF_MORNING = 3_600.0
HISTORY = 50 * GIB
SECONDS_OF_CAMPAIGN = 8 * 3_600.0


def main() -> None:
    """Print the tables, and what else is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="measure the unit costs anew")
    parser.add_argument("--validate", action="store_true", help="compare with a real small case")
    parser.add_argument("--runs", type=int, default=200, help="queued at once by --validate")
    parser.add_argument("--plots", action="store_true", help="draw docs/pictures/scale-*.svg")
    chosen = parser.parse_args()
    if chosen.measure:
        from scale_units import measure_units

        with tempfile.TemporaryDirectory(prefix="dataflow-scale-") as folder:
            UNITS.write_text(json.dumps(measure_units(Path(folder)), indent=2) + "\n")
    units = json.loads(UNITS.read_text())
    show_units(units)
    costs = costs_of(units)
    show_days(costs)
    show_limits(units)
    if chosen.plots:
        PICTURES.mkdir(exist_ok=True)
        for name, text in pictures(units).items():
            (PICTURES / f"scale-{name}.svg").write_text(text)
    if chosen.validate:
        validate(chosen.runs, units)


def costs_of(units: dict[str, Any], which: str = "value") -> Costs:
    """The costs of the simulation: the middle, or the `low` or `high` end of what was measured."""
    of = {name: float(row[which]) for name, row in units.items()}
    return Costs(
        run_cpu=of["run_cpu"],
        run_wall=of["run_wall"],
        dequeue=of["dequeue"],
        look=of["look"],
        load_base=of["load_base"],
        load_each=of["load_each"],
        memory_base=of["memory_base"],
        memory_each=of["memory_each"],
        history=of["history"],
        update_each=of["update_each"],
        repository=REPOSITORY_CPU,
    )


def show_units(units: dict[str, Any]) -> None:
    """The table of what was measured."""
    say("\nUnit costs: the median, and the least and the most that was measured")
    for name, row in units.items():
        say(
            f"  {name:<14} {row['value']:>14,.4f} {row['unit']:<6} "
            f"({row['low']:,.4f} to {row['high']:,.4f}; {row['how']})"
        )


def show_days(costs: Costs) -> None:
    """How a day goes at each size: all workflows at six, and spread over the day."""
    for name, plant in PLANTS.items():
        say(f"\n{name}: each workflow once a day")
        say(
            f"  {'workflows':>9}  {'all at six: done after':>24}  {'waits (95 %)':>13}"
            f"  {'daemon':>7}  {'spread: waits (95 %)':>21}  {'cores':>6}"
        )
        for size in SIZES:
            burst = simulate(at_once(size), costs, plant)
            even = simulate(spread(size), costs, plant)
            say(
                f"  {size:>9,}  {duration(burst.ended):>24}  {duration(burst.wait(0.95)):>13}"
                f"  {burst.daemon:>6.0%}  {duration(even.wait(0.95)):>21}  {even.busy:>6.0%}"
            )


def show_limits(units: dict[str, Any]) -> None:
    """The number of workflows at which each part has no more room, and between which ends."""
    say("\nLimits: the number of workflows at which each is reached, one run of each a day")
    for plant_name, plant in PLANTS.items():
        say(f"  {plant_name}")
        found = limits(costs_of(units), plant)
        low, high = limits(costs_of(units, "high"), plant), limits(costs_of(units, "low"), plant)
        for name, number in sorted(found.items(), key=lambda item: item[1]):
            say(f"    {number:>12,}  ({low[name]:,} to {high[name]:,})  {name}")


def limits(costs: Costs, plant: Plant) -> dict[str, int]:
    """How many workflows each part takes, if each runs once a day."""
    crowded = max(costs.run_wall, plant.slots * costs.run_cpu / plant.cores)
    per_second = plant.slots / crowded
    return {
        "runs that a day has room for, spread": int(per_second * DAY),
        "all at six are done by seven": int(per_second * SECONDS_OF_MORNING),
        "one code location loads in 90 s": _most(costs.load_base, costs.load_each, SECONDS_TO_LOAD),
        "one code location fits into 1 GiB": _most(
            costs.memory_base, costs.memory_each, LOCATION_MEMORY
        ),
        "a year of history fits into 50 GiB": int(HISTORY / costs.history / 365),
        "the daemon starts them all in the morning": _daemon(costs),
        "a campaign takes a night on one core, 4 to a repository": int(
            SECONDS_OF_CAMPAIGN / campaign_seconds(4, 4, costs) * 4
        ),
    }


def _most(base: float, each: float, room: float) -> int:
    return int(max(0.0, room - base) / each) if each > 0 else 10**9


def _daemon(costs: Costs) -> int:
    """Where its looks at a queue of so many, each second, take all of its time for an hour."""
    if costs.look <= 0:
        return int(SECONDS_OF_MORNING / costs.dequeue)
    return int(min(1.0 / costs.look, SECONDS_OF_MORNING / costs.dequeue))


def validate(runs: int, units: dict[str, Any]) -> None:
    """Queue trivial runs for real, and print what happened beside what the simulation says."""
    from scale_units import cores_to_be_had, queue_runs, trivial_costs

    say(f"\nValidation: {runs} trivial runs queued at once, four slots")
    with tempfile.TemporaryDirectory(prefix="dataflow-scale-") as folder:
        before = cores_to_be_had()
        cpu, wall = trivial_costs(Path(folder) / "alone")
        seconds, spent, lost = queue_runs(Path(folder) / "queue", runs, 40)
        after = cores_to_be_had()
    cores = (before + after) / 2
    costs = replace(costs_of(units), run_cpu=cpu, run_wall=wall)
    predicted = simulate(at_once(runs), costs, Plant(4, max(0.1, cores))).ended
    say(f"  one alone: {cpu:.2f} s CPU, {wall:.2f} s; this machine gives {cores:.2f} cores")
    say(f"  predicted: {predicted:.0f} s, {runs * cpu:.0f} s CPU")
    say(f"  measured:  {seconds:.0f} s, {spent:.0f} s CPU, {lost} lost")
    say(
        f"  measured / predicted: {seconds / predicted:.2f} of the time, "
        f"{spent / (runs * cpu):.2f} of the CPU"
    )


def pictures(units: dict[str, Any]) -> dict[str, str]:
    """The pictures of docs/scale.md, by name."""
    ends = {which: costs_of(units, which) for which in ("low", "value", "high")}

    def band(of: Any) -> list[tuple[float, float, float, float]]:
        return [
            (size, *(of(size, ends[which]) for which in ("low", "value", "high"))) for size in SIZES
        ]

    def burst(plant: Plant) -> list[tuple[float, float, float, float]]:
        return band(lambda size, costs: simulate(at_once(size), costs, plant).ended)

    return {
        "morning": draw(
            "All workflows at six: when the last run is over",
            "seconds",
            {name: burst(plant) for name, plant in PLANTS.items()},
            {"an hour": SECONDS_OF_MORNING, "a day": DAY},
        ),
        "location": draw(
            "One code location: CPU to load it",
            "seconds",
            {"all workflows in one": band(lambda size, costs: load_seconds(int(size), costs))},
            {"taken for dead": SECONDS_TO_LOAD},
        ),
        "memory": draw(
            "One code location: memory",
            "GiB",
            {"all workflows in one": band(lambda size, costs: load_memory(int(size), costs) / GIB)},
            {"the pod's limit": 1.0},
        ),
        "history": draw(
            "History of a year without retention, a run a day and an hour",
            "GiB",
            {
                "a run a day": band(lambda size, costs: 365 * size * costs.history / GIB),
                "a run an hour": band(lambda size, costs: 8760 * size * costs.history / GIB),
            },
            {"50 GiB": 50.0},
        ),
    }


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(5400)
    '1.5 h'
    """
    for size, name in ((DAY, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


if __name__ == "__main__":
    main()
