"""A project of any size as a queue of events: schedules, Dagster's daemon, slots, cores.

Time is simulated, costs are what `scale_units.py` has measured. What is left out is said in
docs/scale.md.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field

DAY = 86_400.0


@dataclass(frozen=True)
class Costs:
    """What one of each costs, in seconds (of CPU where it says so) and bytes.

    Args:
        run_cpu: CPU of one run, in all processes.
        run_wall: A run's time where nothing else runs.
        dequeue: The daemon's time to start one run, in which it starts no other.
        look: What each run that waits adds to each look of the daemon at its queue.
        load_base: CPU of loading a code location without workflows.
        load_each: What each workflow adds to that.
        memory_base: Bytes of a code location without workflows.
        memory_each: What each workflow adds.
        history: Bytes that a run leaves in the history.
        update_each: CPU of updating a workflow to a new template version in one repository.
        repository: CPU of what a repository costs beside that in a campaign.
    """

    run_cpu: float
    run_wall: float
    dequeue: float
    look: float
    load_base: float
    load_each: float
    memory_base: float
    memory_each: float
    history: float
    update_each: float
    repository: float


@dataclass(frozen=True)
class Plant:
    """What there is to run them on.

    Args:
        slots: Runs at once: `max_concurrent_runs`.
        cores: Of all machines that execute runs.
        interval: Seconds between two looks of the daemon at its queue.
    """

    slots: int = 4
    cores: float = 2.0
    interval: float = 1.0


@dataclass
class Outcome:
    """What a simulated day was like.

    Args:
        ended: When the last run ended.
        waits: How long each run stood in the queue, in the order of starting.
        daemon: The part of the time until then that the daemon was starting runs.
        busy: The part of the cores' time that runs took.
    """

    runs: int
    ended: float = 0.0
    waits: list[float] = field(default_factory=list)
    daemon: float = 0.0
    busy: float = 0.0

    def wait(self, part: float) -> float:
        """The time that this part of the runs waited at most."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def simulate(arrivals: list[float], costs: Costs, plant: Plant, seed: int = 1) -> Outcome:
    """Let runs arrive, and follow each from the queue to its end.

    A run takes its slot for as long as it takes alone, or longer where more CPU is asked for than
    there is: all runs that are under way share the cores alike. Up to a tenth more or less,
    by lot: no two runs are equal.
    """
    lot = random.Random(seed)  # noqa: S311 (a simulation)
    outcome = Outcome(len(arrivals))
    waiting: deque[float] = deque()
    pending = deque(sorted(arrivals))
    ends: list[float] = []
    now, daemon_time, work = 0.0, 0.0, 0.0
    while pending or waiting or ends:
        # The next look of the daemon; where nothing waits, the next arrival.
        if not waiting and pending and not _due(pending, now):
            now = max(now, pending[0])
        while _due(pending, now):
            waiting.append(pending.popleft())
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        if not waiting and not pending:
            break
        began = now
        now += costs.look * len(waiting)
        while waiting and len(ends) < plant.slots:
            now += costs.dequeue
            arrived = waiting.popleft()
            outcome.waits.append(now - arrived)
            drawn = lot.uniform(0.9, 1.1)
            cpu = costs.run_cpu * drawn
            crowd = (len(ends) + 1) * costs.run_cpu / costs.run_wall / plant.cores
            end = now + costs.run_wall * drawn * max(1.0, crowd)
            heapq.heappush(ends, end)
            outcome.ended = max(outcome.ended, end)
            work += cpu
            while ends and ends[0] <= now:
                heapq.heappop(ends)
        daemon_time += now - began
        now = max(now, began + plant.interval)
        if waiting and len(ends) >= plant.slots:
            # Looks at which nothing can be started cost what they cost, and change nothing else.
            free_at = ends[0]
            if free_at > now:
                look = costs.look * len(waiting)
                looks = max(1, int((free_at - now) / max(plant.interval, look)))
                daemon_time += looks * look
                now += looks * max(plant.interval, look)
    span = outcome.ended - (min(arrivals) if arrivals else 0.0)
    if span > 0:
        outcome.daemon = daemon_time / span
        outcome.busy = work / (span * plant.cores)
    return outcome


def _due(pending: deque[float], now: float) -> bool:
    return bool(pending) and pending[0] <= now


def at_once(number: int) -> list[float]:
    """All at the same minute, as with `0 6 * * *` in each config.yaml."""
    return [0.0] * number


def spread(number: int, seed: int = 1) -> list[float]:
    """Over the whole day, by lot."""
    lot = random.Random(seed)  # noqa: S311 (a simulation)
    return sorted(lot.uniform(0.0, DAY) for _ in range(number))


def load_seconds(workflows: int, costs: Costs) -> float:
    """CPU of loading one code location."""
    return costs.load_base + costs.load_each * workflows


def load_memory(workflows: int, costs: Costs) -> float:
    """Bytes that one code location holds."""
    return costs.memory_base + costs.memory_each * workflows


def campaign_seconds(workflows: int, per_repository: int, costs: Costs) -> float:
    """CPU of one template version for all repositories, one after the other."""
    repositories = -(-workflows // per_repository)
    return workflows * costs.update_each + repositories * costs.repository
