"""A campaign as plain data and as lines to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow_tools.campaign.ledger import Entry, State
from dataflow_tools.fleet.template_instance import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow_tools.campaign.settings import Settings

COLOURS = {
    State.WAITING: "",
    State.READY: "",
    State.CURRENT: "green",
    State.SKIPPED: "",
    State.CONFLICT: "yellow",
    State.FAILED: "red",
    State.CHECKS_FAILED: "red",
    State.PUSHED: "green",
    State.PROPOSED: "green",
    State.FOREIGN: "yellow",
}
WORDS = {
    State.WAITING: "not looked at yet",
    State.READY: "to update",
    State.CURRENT: "up to date",
    State.SKIPPED: "nothing of the template",
    State.CONFLICT: "conflict",
    State.FAILED: "failed",
    State.CHECKS_FAILED: "checks failed",
    State.PUSHED: "branch pushed",
    State.PROPOSED: "pull request",
    State.FOREIGN: "branch of others",
}
# So many lines of a reason are shown in the table; the page and `--json` have all.
_MOST_LINES = 4


@dataclass(frozen=True)
class CampaignReport:
    """What became of each repository.

    Args:
        entries: What is known last about each repository, by name.
        stopped: Why a run ended before the last ring, if it did.
    """

    settings: Settings
    entries: dict[str, Entry]
    stopped: str = ""

    @property
    def exit_code(self) -> int:
        """0 if no repository failed and no ring was stopped, else 1."""
        failed = any(entry.state.is_failure for entry in self.entries.values())
        return 1 if failed or self.stopped else 0

    def ring_of(self, name: str) -> int | None:
        """The number of the ring that a repository is in, if it is in one."""
        for number, ring in enumerate(self.settings.rings, start=1):
            if name in ring:
                return number
        return None

    def count(self) -> Counter[State]:
        """How many repositories are in which state."""
        return Counter(entry.state for entry in self.entries.values())

    def left(self) -> list[str]:
        """The repositories of rings that something is still to be done about."""
        return [
            name
            for ring in self.settings.rings
            for name in ring
            if not self.entries[name].state.is_done
        ]

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "version": self.settings.version,
            "branch": self.settings.branch,
            "rings": self.settings.rings,
            "stopped": self.stopped,
            "summary": {state.value: number for state, number in sorted(self.count().items())},
            "repositories": [
                {
                    **self.entries[one.name].as_json(),
                    "address": one.shown,
                    "ring": self.ring_of(one.name),
                }
                for one in self.settings.repositories
            ],
        }


def entry_lines(
    entry: Entry, width: int, ring: str, paint: Callable[[str, str], str]
) -> Iterator[str]:
    """One repository: its state, and why.

    Args:
        ring: What the column of rings says; without it there is no such column.
    """
    word = paint(WORDS[entry.state], COLOURS[entry.state])
    parts = [f"{entry.repository:<{width}}", *([f"{ring:>4}"] if ring else []), word]
    if entry.updated:
        workflows = sum(not name.endswith(PROJECT) for name in entry.updated)
        parts.append(f"{workflows} workflow{'' if workflows == 1 else 's'}")
    parts += [entry.url] if entry.url else []
    yield "  ".join(parts)
    for name, why in entry.left_out.items():
        if entry.state is not State.CONFLICT:
            yield f"    {name} is left out: {why}"
    lines = entry.reason.splitlines()
    yield from (f"    {line}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"    and {len(lines) - _MOST_LINES} lines more: --json has them"
    if entry.instruction:
        yield f"    {entry.instruction}"


def report_lines(report: CampaignReport, paint: Callable[[str, str], str]) -> Iterator[str]:
    """The whole campaign as a table, and what to do next."""
    width = max(len(name) for name in ("repository", *report.entries))
    yield f"{'repository':<{width}}  ring  state"
    for name, entry in report.entries.items():
        yield from entry_lines(entry, width, str(report.ring_of(name) or "-"), paint)
    yield ""
    yield from summary_lines(report)


def summary_lines(report: CampaignReport) -> Iterator[str]:
    """How many are in which state, and what to do next."""
    if report.stopped:
        yield report.stopped
    counted = report.count()
    parts = [f"{counted[state]} {WORDS[state]}" for state in State if counted[state]]
    number = len(report.entries)
    noun = "repository" if number == 1 else "repositories"
    yield f"{number} {noun} to {report.settings.version}: {', '.join(parts)}."
    left_out = sum(
        len(entry.left_out) for entry in report.entries.values() if not entry.state.is_failure
    )
    if left_out:
        yield f"Left out, to be updated by hand: {left_out}. `dataflow campaign report` names them."
    rings = ", ".join(str(len(ring)) for ring in report.settings.rings)
    left = report.left()
    if report.stopped:
        yield "Next: see what failed, then `dataflow campaign run` tries it again and goes on."
    elif left and counted[State.PUSHED] + counted[State.PROPOSED] == 0:
        yield f"Rings: {rings}. Next: dataflow campaign run --ring 1"
    elif left:
        yield f"Rings: {rings}. Next: dataflow campaign run ({len(left)} left)"
    elif any(entry.state.is_failure for entry in report.entries.values()):
        yield "Next: merge what is proposed. See to what failed or conflicts, then plan again."
    else:
        yield "Nothing is left to do here. Merge what is proposed."
