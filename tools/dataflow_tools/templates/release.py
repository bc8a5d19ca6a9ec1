"""Release a template: version, changelog and tag move together, or nothing does."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion
from packaging.version import Version as Release

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.fleet.render_cache import RenderCache
from dataflow_tools.fleet.versions import Template
from dataflow_tools.scaffold.git import GitError, run_git, succeeds
from dataflow_tools.templates import changelog
from dataflow_tools.templates.answer_sets import answer_sets, read_samples
from dataflow_tools.templates.compatibility import Breakage, find_breakages
from dataflow_tools.templates.snapshot import find_template
from dataflow_tools.templates.version_files import with_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class BreakingReleaseError(DataflowError):
    """A release would break instances of the last one."""


@dataclass(frozen=True)
class ReleasePlan:
    """What a release does.

    Args:
        last: The release before it; ``None`` for the first.
        texts: The changed files, by path.
        notes: What the changelog says of it.
        meant: What breaks older instances, and is meant.
    """

    root: Path
    branch: str
    version: str
    tag: str
    last: str | None
    texts: Mapping[str, str]
    notes: str
    meant: list[Breakage] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "version": self.version,
            "tag": self.tag,
            "last_release": self.last,
            "branch": self.branch,
            "files": sorted(self.texts),
            "changelog": self.notes,
            "meant": [one.key for one in self.meant],
        }


def plan_release(
    folder: Path,
    version: str,
    meant: Iterable[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> ReleasePlan:
    """Find out what a release would do, and whether it may; nothing is written.

    Args:
        version: The version, or which part of the last one moves: major, minor, patch.
        meant: The keys of breakages that are meant.

    Raises:
        BadInputError: The repository is not in a state to be released, and why.
        BreakingReleaseError: It would break instances of the last release.
    """
    root = find_template(folder)
    branch = _branch(root)
    _refuse_dirty(root)
    template = Template(str(root), root)
    last = template.releases[-1] if template.releases else None
    if last is not None and not succeeds("merge-base", "--is-ancestor", last, "HEAD", cwd=root):
        raise BadInputError(
            f"The last release, {last}, is not in the history of {branch}.",
            "Change to the branch that releases are made from, or pull it first.",
        )
    number = _next(version, last)
    tag = f"v{number}" if last is None or last.startswith("v") else number
    if succeeds("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}", cwd=root):
        raise BadInputError(f"The tag {tag} exists already.", "Choose another version.")
    path = root / changelog.FILE
    if not path.is_file():
        raise BadInputError(
            f"{root} has no {changelog.FILE}, by which people learn what a release changes.",
            "Make one with a part `## [Unreleased]`, commit it, and release then.",
        )
    text = path.read_text(encoding="utf-8")
    notes = changelog.unreleased(text)
    texts = {changelog.FILE: changelog.with_release(text, number, f"{datetime.now(UTC):%Y-%m-%d}")}
    texts |= with_version(root, number)
    found = _breakages(root, template, last, progress) if last is not None else []
    _refuse_breakages(found, set(meant), notes, last)
    changed = {
        name: new
        for name, text in texts.items()
        if (new := _with_ends_of(root / name, text)).encode() != (root / name).read_bytes()
    }
    return ReleasePlan(root, branch, number, tag, last, changed, notes, found)


def make_release(plan: ReleasePlan) -> str:
    """Commit the files and set the tag, in one step; the commit's hash.

    Nothing is pushed. The commit and the tag are made beside the branch, which then moves together
    with the tag; only then the files in the working tree follow. If that is cut short,
    `finish_release` brings them up.

    Raises:
        GitError: Git refused, and nothing has changed.
    """
    root = plan.root
    parent = _word(run_git("rev-parse", "HEAD", cwd=root))
    with tempfile.TemporaryDirectory(prefix="dataflow-release-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        run_git("read-tree", parent, cwd=root, environment=index)
        for name, text in plan.texts.items():
            blob = _word(run_git("hash-object", "-w", "--stdin", cwd=root, stdin=text.encode()))
            mode = "100755" if os.access(root / name, os.X_OK) else "100644"
            entry = f"{mode},{blob},{name}"
            run_git("update-index", "--cacheinfo", entry, cwd=root, environment=index)
        tree = _word(run_git("write-tree", cwd=root, environment=index))
    message = f"Release {plan.version}\n\n{plan.notes}\n".encode()
    commit = _word(run_git("commit-tree", tree, "-p", parent, cwd=root, stdin=message))
    tagger = _word(run_git("var", "GIT_COMMITTER_IDENT", cwd=root))
    head = f"object {commit}\ntype commit\ntag {plan.tag}\ntagger {tagger}\n\n"
    # Headings of a changelog, which git would take for comments, stay as they are here.
    tag = _word(run_git("mktag", cwd=root, stdin=head.encode() + message))
    moves = (
        f"start\nupdate refs/heads/{plan.branch} {commit} {parent}\n"
        f"create refs/tags/{plan.tag} {tag}\nprepare\ncommit\n"
    )
    run_git("update-ref", "--stdin", cwd=root, stdin=moves.encode())
    run_git("read-tree", "-m", "-u", parent, commit, cwd=root)
    return commit


def finish_release(folder: Path) -> str | None:
    """Bring the files up to a release that was cut short after it had been made; its tag."""
    root = find_template(folder)
    described = _ask(root, "describe", "--exact-match", "--tags", "HEAD")
    subject = _ask(root, "log", "-1", "--format=%s", "HEAD")
    if described is None or subject != f"Release {described.removeprefix('v')}":
        return None
    before = _ask(root, "rev-parse", "--verify", "--quiet", "HEAD^^{tree}")
    untouched = succeeds("diff-files", "--quiet", cwd=root)
    if before is None or not untouched or _ask(root, "write-tree") != before:
        return None
    if before == _ask(root, "rev-parse", "HEAD^{tree}"):
        return None
    run_git("read-tree", "-m", "-u", "HEAD^", "HEAD", cwd=root)
    return described


def _breakages(
    root: Path, template: Template, last: str | None, progress: Callable[[str], None]
) -> list[Breakage]:
    progress(f"comparing with {last}")
    with RenderCache(root) as cache:
        old = cache.export(template, template.version(f"refs/tags/{last}"))
        new = cache.export(template, template.version("HEAD"))
        sets = answer_sets(new.config or {}, read_samples(root))
        return find_breakages(cache, old, new, sets)


def _refuse_breakages(found: list[Breakage], meant: set[str], notes: str, last: str | None) -> None:
    unknown = meant - {one.key for one in found}
    if unknown:
        keys = ", ".join(one.key for one in found) or "nothing"
        raise BadInputError(
            f"Nothing of this name would break: {', '.join(sorted(unknown))}.",
            f"What would: {keys}.",
        )
    left = []
    for one in found:
        if one.key not in meant or not one.can_be_meant:
            left.append(f"  {one.key}\n    {one.reason}\n    {one.remedy}")
        elif one.word.partition("=")[0] not in notes:
            left.append(
                f"  {one.key}\n    It is meant, but {changelog.FILE} does not say so to those whom "
                f"it concerns.\n    Name {one.word.partition('=')[0]} under Unreleased, with what "
                "they have to do."
            )
    if left:
        listed = "\n".join(left)
        raise BreakingReleaseError(
            f"This release would break instances of {last}:\n{listed}",
            "Nothing was changed. What is meant is let through by --meant KEY once the changelog "
            "tells what to do.",
        )


def _branch(root: Path) -> str:
    found = _ask(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    if found is None:
        raise BadInputError(
            f"{root} is at a commit, not on a branch.", "Change to the branch: git switch main"
        )
    return found


def _refuse_dirty(root: Path) -> None:
    changed = os.fsdecode(run_git("status", "--porcelain", cwd=root)).splitlines()
    if changed:
        names = ", ".join(line[3:] for line in changed[:5])
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise BadInputError(
            f"{root} has changes that are not committed: {names}{more}.",
            "Commit them, or put them away with `git stash --include-untracked`.",
        )


def _next(wanted: str, last: str | None) -> str:
    if wanted in {"major", "minor", "patch"}:
        if last is None:
            raise BadInputError(
                "There is no release yet, so nothing says what the next version is.",
                "Name it: dataflow template release 0.1.0. If there is one, fetch its tag: "
                "git fetch --tags",
            )
        major, minor, patch = (*Release(last).release, 0, 0)[:3]
        if Release(last).is_prerelease and wanted == "patch":
            patch -= 1
        return {
            "major": f"{major + 1}.0.0",
            "minor": f"{major}.{minor + 1}.0",
            "patch": f"{major}.{minor}.{patch + 1}",
        }[wanted]
    number = wanted.removeprefix("v")
    try:
        version = Release(number)
    except InvalidVersion:
        version = Release("0")
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", number):
        raise BadInputError(
            f"{wanted!r} is not a version.", "Write three numbers, such as 1.4.0 or 1.4.0rc1."
        )
    if last is not None and version <= Release(last):
        raise BadInputError(
            f"{number} does not come after the last release, {last}.",
            "Choose a higher version, or say --patch, --minor or --major.",
        )
    return number


def _with_ends_of(path: Path, text: str) -> str:
    """A text with the line ends that a file has."""
    return text.replace("\n", "\r\n") if b"\r\n" in path.read_bytes() else text


def _word(output: bytes) -> str:
    return output.decode().strip()


def _ask(root: Path, *arguments: str) -> str | None:
    try:
        return _word(run_git(*arguments, cwd=root))
    except GitError:
        return None
