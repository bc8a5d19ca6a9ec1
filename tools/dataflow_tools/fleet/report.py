"""A report of an update for people to read."""

from __future__ import annotations

import difflib
import shlex
from collections import Counter
from typing import TYPE_CHECKING

from dataflow_tools.fleet.plan import Action
from dataflow_tools.fleet.results import STOPPED, UpdateOutcome, UpdateReport, UpdateStatus
from dataflow_tools.fleet.template_instance import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow_tools.fleet.tree import Entry

_COLOURS = {
    UpdateStatus.UPDATED: "green",
    UpdateStatus.CURRENT: "",
    UpdateStatus.CONFLICT: "yellow",
    UpdateStatus.SKIPPED: "yellow",
    UpdateStatus.FAILED: "red",
    UpdateStatus.UNMANAGED: "",
}
_NAMES = {
    Action.ADDED: "added",
    Action.CLEAN: "clean",
    Action.DELETED: "deleted",
    Action.MERGED: "merged",
    Action.REPLACED: "replaced",
    Action.CONFLICT: "CONFLICT",
    Action.BINARY_CONFLICT: "CONFLICT",
    Action.KEPT_EDITED: "kept",
    Action.KEPT_DELETED: "kept deleted",
    Action.KEPT_YOURS: "kept yours",
    Action.KEPT_IGNORED: "kept",
}
_DONE = {UpdateStatus.CURRENT: "up to date", UpdateStatus.UNMANAGED: "not from a template"}
_PLANNED = {**_DONE, UpdateStatus.UPDATED: "would update", UpdateStatus.CONFLICT: "would conflict"}
_DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
# Above this many workflows, those about which there is nothing to say are only counted.
_MANY = 12
# So many of a kind are named in one step of what to do next.
_MOST_NAMED = 5


def report_lines(report: UpdateReport, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Say what became, or would become, of each workflow and file, and what to do next.

    Args:
        paint: Gives a text a colour, or leaves it as it is.
    """
    many = len(report.outcomes) > _MANY
    shown = [one for one in report.outcomes if not (many and _says_nothing(one))]
    width = max((len(outcome.workflow_id) for outcome in shown), default=0)
    fold = len(shown) > _MANY
    for outcome in shown:
        yield _headline(outcome, width, paint, planned=report.planned_only)
        quiet = fold and outcome.status is UpdateStatus.UPDATED and not report.planned_only
        if quiet:
            yield from (f"    {note}" for note in outcome.notes)
        else:
            yield from _details(outcome, paint, planned=report.planned_only)
    if shown:
        yield ""
    yield from report.notes
    yield _summary(report)
    if steps := list(_steps(report)):
        yield from ("Next:", *(f"  {step}" for step in steps))


def _says_nothing(outcome: UpdateOutcome) -> bool:
    untouched = outcome.status in {UpdateStatus.CURRENT, UpdateStatus.UNMANAGED}
    return (untouched and not outcome.notes) or outcome.reason == STOPPED


def diff_lines(outcome: UpdateOutcome, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Show what an update does to one workflow's files, as a unified diff."""
    for change in outcome.changes:
        if change.before == change.after:
            continue
        path = f"{outcome.path}/{change.path}"
        if any(entry and entry.is_binary for entry in (change.before, change.after)):
            yield f"Binary file {path} {'is deleted' if change.after is None else 'changes'}"
            continue
        lines = difflib.unified_diff(
            _text_lines(change.before),
            _text_lines(change.after),
            "/dev/null" if change.before is None else f"a/{path}",
            "/dev/null" if change.after is None else f"b/{path}",
        )
        for line in lines:
            yield paint(line.removesuffix("\n"), _DIFF_COLOURS.get(line[:1], ""))
            if not line.endswith("\n"):
                yield "\\ No newline at end of file"


def _text_lines(entry: Entry | None) -> list[str]:
    if entry is None:
        return []
    lines = entry.data.decode("utf-8", errors="replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _headline(
    outcome: UpdateOutcome, width: int, paint: Callable[[str, str], str], *, planned: bool
) -> str:
    step = outcome.current or ""
    if outcome.target and outcome.target != outcome.current:
        step = f"{step} -> {outcome.target}"
    word = (_PLANNED if planned else _DONE).get(outcome.status, outcome.status.value)
    if outcome.checked is not None:
        word += ", checks passed" if outcome.checked else ", CHECKS FAILED"
    elif outcome.is_unchecked:
        word += ", NOT CHECKED"
    parts = [f"{outcome.workflow_id:<{width}}", step, paint(word, _COLOURS[outcome.status])]
    if tally := _tally(outcome):
        parts.append(", ".join(f"{number} {name}" for name, number in tally.items()))
    elif outcome.changes:
        parts.append("version only")
    return "  ".join(part for part in parts if part)


def _tally(outcome: UpdateOutcome) -> Counter[str]:
    counted = outcome.count()
    # In the order of the actions; two of them may share a name.
    return Counter(_NAMES[action].lower() for action in Action for _ in range(counted[action]))


def _details(
    outcome: UpdateOutcome, paint: Callable[[str, str], str], *, planned: bool
) -> Iterator[str]:
    if outcome.reason:
        yield f"    {outcome.reason}"
    for note in outcome.notes:
        yield f"    {note}"
    # What is never touched is worth a line only to those who ask what would happen.
    silent = {Action.VERSION} if planned else {Action.VERSION, Action.KEPT_YOURS}
    files = [change for change in outcome.changes if change.action not in silent]
    width = max((len(change.path) for change in files), default=0)
    for change in files:
        colour = "yellow" if change.action.is_conflict or change.action is Action.REPLACED else ""
        name = paint(f"{_NAMES[change.action]:<12}", colour)
        yield f"    {name}  {change.path:<{width}}  {change.detail}".rstrip()


def _summary(report: UpdateReport) -> str:
    counted = report.count()
    names = {
        UpdateStatus.UPDATED: "to update" if report.planned_only else "updated",
        UpdateStatus.CONFLICT: "would conflict" if report.planned_only else "with conflicts",
        UpdateStatus.CURRENT: "up to date",
        UpdateStatus.SKIPPED: "skipped",
        UpdateStatus.FAILED: "failed",
        UpdateStatus.UNMANAGED: "not from a template",
    }
    parts = [f"{counted[status]} {name}" for status, name in names.items() if counted[status]]
    number = len(report.outcomes)
    head = f"{number} workflow{'' if number == 1 else 's'}"
    return f"{head}: {', '.join(parts)}." if parts else "There is no workflow to update."


def _steps(report: UpdateReport) -> Iterator[str]:
    by_status: dict[UpdateStatus, list[UpdateOutcome]] = {status: [] for status in UpdateStatus}
    for outcome in report.outcomes:
        by_status[outcome.status].append(outcome)
    if report.planned_only:
        if by_status[UpdateStatus.UPDATED] or by_status[UpdateStatus.CONFLICT]:
            yield "Run it without --plan to do this; --diff shows every line."
    else:
        yield from _after_conflicts(by_status[UpdateStatus.CONFLICT])
        sound = [one for one in by_status[UpdateStatus.UPDATED] if one.checked is not False]
        if sound:
            yield f"Look at it and commit: git diff; {_commit(sound)}"
        replaced = [
            shlex.quote(f"./{outcome.path}/{change.path}")
            for outcome in report.outcomes
            for change in outcome.changes
            if change.action is Action.REPLACED
        ]
        for place in replaced[:_MOST_NAMED]:
            yield f"Your edit of a generated file, if you need it: git show HEAD:{place}"
        if len(replaced) > _MOST_NAMED:
            yield f"  and {len(replaced) - _MOST_NAMED} more: --json lists them as replaced"
    stuck: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        if outcome.instruction and not outcome.status.is_fine:
            stuck.setdefault(outcome.instruction, []).append(outcome.workflow_id)
    for instruction, names in stuck.items():
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield f"{', '.join(names[:_MOST_NAMED])}{more}: {instruction}"
    for outcome in report.outcomes:
        if outcome.checked is False:
            yield f"{outcome.workflow_id}: fix it, or undo with: {_undo(outcome)}"


def _undo(outcome: UpdateOutcome) -> str:
    """How to go back, without what a person has there that is not committed."""
    added = [
        shlex.quote(f"{outcome.path}/{change.path}")
        for change in outcome.changes
        if change.before is None and change.after is not None
    ]
    undo = f"git restore {shlex.quote(outcome.path)}"
    return f"{undo} && rm {' '.join(added)}" if added else undo


def _after_conflicts(outcomes: list[UpdateOutcome]) -> Iterator[str]:
    paths = [f"{outcome.path}/{name}" for outcome in outcomes for name in outcome.conflicts]
    if paths:
        named = " ".join(shlex.quote(path) for path in paths[:_MOST_NAMED])
        more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
        yield f"Resolve the conflicts (`git mergetool` works): {named}{more}"
        yield f"Then commit: {_commit(outcomes)}"


def _commit(outcomes: list[UpdateOutcome]) -> str:
    places = [shlex.quote(place) for outcome in outcomes for place in _places(outcome)]
    where = " ".join(places) if len(places) <= _MANY else "..."
    versions = {outcome.target for outcome in outcomes}
    version = f" to {versions.pop()}" if len(versions) == 1 else ""
    what = f"Update workflows{version}"
    if all(outcome.target == outcome.current for outcome in outcomes):
        # Answers are others, and the version is the one that was there.
        named = [outcome.workflow_id for outcome in outcomes]
        what = f"Change {', '.join(named) if len(named) <= _MOST_NAMED else 'workflows'}"
    return f'git add {where} && git commit -m "{what}" -- {where}'


def _places(outcome: UpdateOutcome) -> list[str]:
    """What to commit: a workflow's folder, but of the project only the files that changed."""
    if outcome.workflow_id != PROJECT:
        return [outcome.path]
    return [change.path for change in outcome.changes if change.before != change.after]
