"""What an update will do to one workflow, file by file, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet import library_pins
from dataflow_tools.fleet.merge import merge_entries
from dataflow_tools.fleet.render import Owner
from dataflow_tools.fleet.tree import Entry, obstacle, read_entry, way_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Set
    from pathlib import Path

# Files at least this much alike are one file under two names. Git says 50 % and asks a person.
_ALIKE = 0.6


class PathBlockedError(DataflowError):
    """A file of the template cannot be put where it belongs."""


class Action(StrEnum):
    """What becomes of a file. The values are part of the ``--json`` output."""

    ADDED = "added"
    CLEAN = "clean"
    DELETED = "deleted"
    MERGED = "merged"
    REPLACED = "replaced"
    CONFLICT = "conflict"
    BINARY_CONFLICT = "binary-conflict"
    KEPT_EDITED = "kept-edited"
    KEPT_DELETED = "kept-deleted"
    KEPT_YOURS = "kept-yours"
    KEPT_IGNORED = "kept-ignored"
    VERSION = "version"

    @property
    def is_conflict(self) -> bool:
        """Whether a person has to decide before the workflow is whole again."""
        return self in {Action.CONFLICT, Action.BINARY_CONFLICT}


@dataclass(frozen=True)
class Change:
    """What an update does to one path of a workflow's folder.

    Args:
        before: The person's file, as it was read.
        after: What will be there.
        detail: Why, where that is not plain.
        stages: For a conflict: base, the person's and the template's file, as git's index has
            them.
        origin: Where the person's file comes from, if that is another path.
    """

    path: str
    action: Action
    before: Entry | None
    after: Entry | None
    detail: str = ""
    stages: tuple[Entry | None, Entry | None, Entry | None] | None = field(default=None, repr=False)
    origin: str | None = None

    def as_json(self) -> dict[str, str]:
        """The change as plain data, without what is empty."""
        found = {"path": self.path, "action": self.action.value}
        found |= {"detail": self.detail} if self.detail else {}
        return found | ({"origin": self.origin} if self.origin else {})


@dataclass(frozen=True)
class MergeInputs:
    """All that a plan for one workflow depends on.

    Args:
        base: What its template version rendered.
        theirs: What the new version renders.
        owner: Who owns a path, by the new version.
        base_owner: Who owned it, by the old one.
        tracked: The paths in the folder that git has; only they can be restored from it.
        rendered: Gives every path that the template renders. ``base`` and ``theirs`` may lack
            those that are the same in both.
        labels: What conflict markers call the person's file, the base and the template's file.
        left_out: Paths that git has and was told not to check out.
        executables: The paths that are executable; ``None`` if the file system knows.
    """

    folder: Path
    base: Mapping[str, Entry]
    theirs: Mapping[str, Entry]
    owner: Callable[[str], Owner]
    base_owner: Callable[[str], Owner]
    tracked: frozenset[str]
    rendered: Callable[[], Set[str]]
    labels: tuple[str, str, str]
    left_out: frozenset[str] = frozenset()
    executables: frozenset[str] | None = None

    def read(self, path: str) -> Entry | None:
        """Read a person's file; what lies behind a link or in another repository is not one."""
        if way_out(self.folder, path) is not None:
            return None
        found = read_entry(self.folder / path)
        if found is None or self.executables is None or path not in self.tracked:
            return found
        return replace(found, executable=path in self.executables)


def plan_changes(inputs: MergeInputs) -> list[Change]:
    """Plan what an update does to the files of one workflow.

    Paths that the template did not change, or that already are as it wants them, are left out.

    Raises:
        PathBlockedError: A file that nothing may touch lies where another has to go.
    """
    planner = _Planner(inputs)
    paths = sorted({*inputs.base, *inputs.theirs})
    changes = [
        change
        for path in paths
        if inputs.base.get(path) != inputs.theirs.get(path)
        for change in planner.plan(path)
    ]
    changes = planner.without_superseded(changes)
    if inputs.executables is not None:
        # Whoever applies the plan compares with what the disk says.
        changes = [
            replace(one, before=read_entry(inputs.folder / one.path)) if one.before else one
            for one in changes
        ]
    leaving = {change.path for change in changes if change.after is None and change.before}
    for change in changes:
        if change.after is None or change.after == change.before:
            continue
        blocker = obstacle(inputs.folder, change.path, leaving)
        if blocker is not None:
            raise PathBlockedError(
                f"The template has a file {change.path}, but {blocker} is in its way.",
                f"Move or remove {blocker}, commit that, and update again.",
            )
    return sorted(changes, key=lambda change: change.path)


class _Planner:
    """Decides path by path. It remembers which new paths took over a person's edits."""

    def __init__(self, inputs: MergeInputs) -> None:
        self._inputs = inputs
        self._taken_over: set[str] = set()

    def plan(self, path: str) -> list[Change]:
        inputs = self._inputs
        base, theirs = inputs.base.get(path), inputs.theirs.get(path)
        if base is not None and (gate := way_out(inputs.folder, path)) is not None:
            note = f"it lies behind {gate}, a link or a repository of its own; not touched"
            return [Change(path, Action.KEPT_EDITED, None, None, note)]
        ours = inputs.read(path)
        if ours is None and path in inputs.left_out:
            raise PathBlockedError(
                f"The template changes {path}, which your sparse checkout leaves out.",
                "Check it out and update again: `git sparse-checkout disable`, or "
                "`git update-index --no-skip-worktree` and `git restore` for that file alone.",
            )
        if ours == theirs:
            return []
        if inputs.owner(path) is Owner.YOURS or (
            theirs is None and inputs.base_owner(path) is Owner.YOURS
        ):
            return self._plan_yours(path, base, ours, theirs)
        if theirs is None:
            return self._plan_removal(path, base, ours)
        if ours is None:
            return self._plan_absent(path, base, theirs)
        if ours == base:
            return [Change(path, Action.CLEAN, ours, theirs)]
        if ours.equals(base):
            # Git checked it out with other line ends, which it keeps.
            merged = self._merge(path, base, ours, theirs, source=path)
            return [replace(merged, action=Action.CLEAN) if not merged.stages else merged]
        if (
            inputs.owner(path) is Owner.GENERATED is inputs.base_owner(path)
            and path in inputs.tracked
        ):
            note = "your edit of a generated file gives way; git has it"
            return [Change(path, Action.REPLACED, ours, theirs, note)]
        return [self._merge(path, base, ours, theirs, source=path)]

    def without_superseded(self, changes: Iterable[Change]) -> list[Change]:
        """Drop the plain additions of paths that took over a person's edits."""
        return [
            change
            for change in changes
            if change.action is not Action.ADDED or change.path not in self._taken_over
        ]

    def _plan_yours(
        self, path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None
    ) -> list[Change]:
        if ours is None and base is None:
            return [Change(path, Action.ADDED, None, theirs)]
        if ours is None:
            return [Change(path, Action.KEPT_DELETED, None, None, "you deleted it")]
        note = "yours: the template never touches it again"
        return [Change(path, Action.KEPT_YOURS, ours, ours, note)]

    def _plan_removal(self, path: str, base: Entry | None, ours: Entry | None) -> list[Change]:
        if ours is None or base is None:
            return []
        if ours.equals(base):
            return [Change(path, Action.DELETED, ours, None)]
        inputs = self._inputs
        fresh = {
            name: entry
            for name, entry in inputs.theirs.items()
            if name not in inputs.base
            and name not in self._taken_over
            and inputs.owner(name) is Owner.MERGED
            and inputs.read(name) is None
        }
        target = _most_alike(base, fresh)
        if target is None or path not in inputs.tracked:
            note = "the template deleted it, but you edited it"
            return [Change(path, Action.KEPT_EDITED, ours, ours, note)]
        self._taken_over.add(target)
        moved = self._merge(target, base, ours, fresh[target], source=path)
        return [Change(path, Action.DELETED, ours, None, f"the template calls it {target}"), moved]

    def _plan_absent(self, path: str, base: Entry | None, theirs: Entry) -> list[Change]:
        if base is None:
            return [Change(path, Action.ADDED, None, theirs)]
        inputs = self._inputs
        mine: dict[str, Entry] = {}
        if inputs.owner(path) is Owner.MERGED:
            for name in inputs.tracked - inputs.rendered() - self._taken_over:
                entry = inputs.read(name)
                if entry is not None:
                    mine[name] = entry
        target = _most_alike(base, mine)
        if target is None:
            return [Change(path, Action.KEPT_DELETED, None, None, "you deleted it")]
        self._taken_over.add(target)
        return [self._merge(target, base, mine[target], theirs, source=target, renamed=path)]

    def _merge(
        self,
        path: str,
        base: Entry | None,
        ours: Entry,
        theirs: Entry,
        *,
        source: str,
        renamed: str | None = None,
    ) -> Change:
        inputs = self._inputs
        pinned = (base, ours)
        if base is not None and path == source == library_pins.FILE:
            pinned = library_pins.move_pins(base, ours, theirs)
        merge = merge_entries(*pinned, theirs, inputs.labels, inputs.folder)
        before = ours if source == path else None
        origin = source if source != path else None
        detail = f"the template called it {source}" if origin else ""
        if renamed is not None:
            detail = f"you renamed {renamed}"
        if not merge.conflicts:
            return Change(path, Action.MERGED, before, merge.entry, detail, origin=origin)
        if source not in inputs.tracked:
            note = "git ignores it, so markers could not be undone; compare it yourself"
            return Change(path, Action.KEPT_IGNORED, ours, ours, note)
        stages = (base, ours, theirs)
        if not merge.mergeable:
            note = "changed on both sides and cannot be merged line by line; yours is kept"
            return Change(path, Action.BINARY_CONFLICT, before, ours, note, stages, origin)
        places = "1 place" if merge.conflicts == 1 else f"{merge.conflicts} places"
        note = f"{detail}; " * bool(detail) + f"you and the template differ in {places}"
        return Change(path, Action.CONFLICT, before, merge.entry, note, stages, origin)


def _most_alike(wanted: Entry, candidates: Mapping[str, Entry]) -> str | None:
    """The path of the candidate that is the same file under another name, if there is one."""
    if wanted.link or wanted.is_binary or not wanted.data.strip():
        return None
    lines = wanted.data.splitlines()
    best, best_ratio = None, _ALIKE
    for name, entry in sorted(candidates.items()):
        if entry.link or entry.is_binary:
            continue
        matcher = SequenceMatcher(None, lines, entry.data.splitlines(), autojunk=False)
        if matcher.real_quick_ratio() < best_ratio or matcher.quick_ratio() < best_ratio:
            continue
        ratio = matcher.ratio()
        if ratio >= best_ratio:
            best, best_ratio = name, ratio
    return best
