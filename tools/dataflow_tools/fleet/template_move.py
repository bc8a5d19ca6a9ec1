"""Have a project and its workflows follow their template to another address, all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, with_origin
from dataflow_tools.fleet.applying import ApplyError, journal_folder
from dataflow_tools.fleet.journal import Move, recover, replace_files
from dataflow_tools.fleet.library_pins import FILE as PINS
from dataflow_tools.fleet.safety import UncommittedError
from dataflow_tools.fleet.template_instance import find_instances, project_instance
from dataflow_tools.fleet.tree import read_entry, way_out
from dataflow_tools.fleet.update_lock import only_one_update
from dataflow_tools.fleet.versions import TemplateError, expand_address, open_template
from dataflow_tools.fleet.worktree import read_work_tree
from dataflow_tools.scaffold.git import hide_credentials, run_git
from dataflow_tools.scaffold.template_address import lasting_address

if TYPE_CHECKING:
    from dataflow.shared.project import Project
    from dataflow_tools.fleet.answers_file import Answers
    from dataflow_tools.fleet.template_instance import Instance
    from dataflow_tools.fleet.versions import Template, Version

# What it is called in the journal, among the workflows.
_NAME = "template move"
# As Copier looks for them.
_QUESTIONS = ("copier.yml", "copier.yaml")
_LOCK_FILE = "uv.lock"
_MOST_NAMED = 5


@dataclass(frozen=True)
class TemplateMove:
    """What a move changes, or has changed.

    Args:
        source: The new address.
        former: The address that was left.
        files: The files that change, from the project's root.
        versions: The versions in use, which the new address has.
        notes: What a person should know or do.
    """

    source: str
    former: str
    files: list[str]
    versions: list[str]
    notes: list[str] = field(default_factory=list)


def move_template(
    project: Project, source: str, *, former: str | None = None, plan_only: bool = False
) -> TemplateMove:
    """Write another address into all answers files and into the project's pins.

    Either all files change or none; what is cut short is finished by the next update or move. Files
    stay as they are in all else, so that no later update has a conflict of it.

    Args:
        source: The new address, as Copier takes it, or a folder.
        former: The address to leave; the project's own if not given.
        plan_only: Check everything and write nothing.

    Raises:
        BadInputError: Nothing is from that template, or the new address lacks a version in use.
        UncommittedError: A file to change has changes that git does not have.
        TemplateError: The new address cannot be reached, or is not the root of a repository.
    """
    if plan_only:
        return _move(project, source, former, plan_only=True)
    with only_one_update(journal_folder(project)):
        for _ in recover(journal_folder(project)):
            pass
        return _move(project, source, former, plan_only=False)


def _move(project: Project, source: str, former: str | None, *, plan_only: bool) -> TemplateMove:
    root = project.root.resolve()
    source = lasting_address(source)
    known, foreign = {}, []
    for one in [project_instance(project), *find_instances(project, [])]:
        if one.is_managed and _leads_out(root, one):
            foreign.append(one.name)
        elif one.is_managed:
            known[one.name] = (one, one.answers())
    old = former if former is not None else _former(known)
    moving = {name: pair for name, pair in known.items() if pair[1].source == old}
    if not moving:
        told = ", ".join(sorted({answers.source for _, answers in known.values()})) or "none"
        raise BadInputError(
            f"Nothing here is from the template {hide_credentials(old)}.",
            f"Name with --from the one to leave. In use: {hide_credentials(told)}.",
        )
    others = sorted(known.keys() - moving.keys())
    notes = [f"Left alone, from another template: {', '.join(others)}."] if others else []
    if foreign:
        notes.append(f"Left alone, as links or repositories of their own: {', '.join(foreign)}.")
    template = open_template(source, root)
    notes += template.notes
    versions = sorted({answers.commit for _, answers in moving.values()})
    notes += _check_versions(template, _reachable(old, root), versions)
    moves = [_answers_move(root, one, answers, source) for one, answers in moving.values()]
    moves += _pin_moves(root, old, source)
    moves = [move for move in moves if move.before != move.after]
    _refuse_uncommitted(root, moves)
    if not plan_only and moves:
        try:
            replace_files(journal_folder(project) / _NAME, root, moves)
        except OSError as error:
            raise ApplyError(
                f"{error.filename or root}: {error.strerror}. Nothing was changed.",
                "See that the files can be written and that the disk has room; then run it again.",
            ) from error
    files = sorted(move.path for move in moves)
    if moves:
        notes += _mentions(root, old, files)
    return TemplateMove(source, old, files, versions, notes)


def _leads_out(root: Path, instance: Instance) -> bool:
    """Whether a folder's files are not the project's to change."""
    try:
        path = (instance.folder / ANSWERS_FILE).relative_to(root).as_posix()
    except ValueError:
        return True
    return not instance.is_project and way_out(root, path) is not None


def _former(known: dict[str, tuple[Instance, Answers]]) -> str:
    """The project's template, or the only one that there is."""
    sources = {answers.source for _, answers in known.values()}
    for instance, answers in known.values():
        if instance.is_project:
            return answers.source
    if len(sources) != 1:
        raise BadInputError(
            "The project is from no template, and its workflows are from "
            f"{len(sources)}: {', '.join(sorted(map(hide_credentials, sources))) or 'none'}.",
            "Name with --from the one to leave.",
        )
    return sources.pop()


def _reachable(source: str, root: Path) -> Template | None:
    try:
        return open_template(source, root)
    except DataflowError:
        # The most common reason to move.
        return None


def _check_versions(new: Template, old: Template | None, versions: list[str]) -> list[str]:
    """Refuse an address that lacks a version in use, or has another one of that name."""
    lacking, different = [], []
    for name in versions:
        try:
            there = new.version(name)
        except TemplateError:
            lacking.append(name)
            continue
        if old is not None:
            try:
                here = old.version(name)
            except TemplateError:
                continue
            if here.commit != there.commit and _rendered(old, here) != _rendered(new, there):
                different.append(name)
    shown = hide_credentials(new.source)
    if lacking:
        raise BadInputError(
            f"{shown} has no version {', '.join(lacking)}, which is in use here. Nothing was "
            "changed.",
            "Push the tags there (git push --tags), or update to a version that it has first.",
        )
    if different:
        raise BadInputError(
            f"{', '.join(different)} of {shown} is not what it is at the address in use. Nothing "
            "was changed.",
            "Push the template's own history and tags there: an update compares with the version "
            "that a workflow was rendered from.",
        )
    if old is None:
        return ["The address in use cannot be reached, so that versions were compared by name."]
    return []


def _rendered(template: Template, version: Version) -> frozenset[str]:
    """What of a version Copier renders from: the git objects of its questions and its files.

    The template of a wheel is a commit of these alone, and the repository that the wheel was built
    from has the library and its documentation as well.
    """
    listed = run_git("ls-tree", "-z", version.commit, cwd=template.repository).decode()
    entries = {
        name: found
        for found, _, name in (entry.partition("\t") for entry in listed.split("\0") if entry)
    }
    questions = next((name for name in _QUESTIONS if name in entries), None)
    if questions is None:
        return frozenset({listed})
    text = run_git("show", f"{version.commit}:{questions}", cwd=template.repository).decode()
    # `_subdirectory` may be computed, and files that `!include` names may be anywhere.
    folder = re.search(r"^_subdirectory:\s*[\"']?([^/\s\"'{}]+)", text, re.MULTILINE)
    if folder is None or folder[1] not in entries or re.search(r"^!include\b", text, re.MULTILINE):
        return frozenset({listed})
    return frozenset({entries[questions], entries[folder[1]]})


def _answers_move(root: Path, instance: Instance, answers: Answers, source: str) -> Move:
    path = instance.folder / ANSWERS_FILE
    before = read_entry(path)
    text = with_origin(answers.text.replace("\r\n", "\n"), source, answers.commit)
    if "\r\n" in answers.text:
        text = text.replace("\n", "\r\n")
    after = replace(before, data=text.encode()) if before is not None else None
    return Move(path.relative_to(root).as_posix(), before, after)


def _pin_moves(root: Path, old: str, new: str) -> list[Move]:
    """The lines of pyproject.toml, and of uv's lock, that name the repository."""
    moves = []
    before, after = uv_address(old), uv_address(new)
    for name in (PINS, _LOCK_FILE):
        entry = read_entry(root / name)
        if entry is None or entry.link:
            continue
        # In the lock file the version follows behind a question mark.
        pattern = rb'(\bgit = ")' + re.escape(before.encode()) + rb"(?=[\"?])"
        data = re.sub(pattern, lambda match: match[1] + after.encode(), entry.data)
        moves.append(Move(name, entry, replace(entry, data=data)))
    return moves


def uv_address(source: str) -> str:
    """A template's address as the project's pyproject.toml has it, where uv reads it."""
    address = expand_address(source)
    return f"file://{address}" if address.startswith("/") else address


def _refuse_uncommitted(root: Path, moves: list[Move]) -> None:
    tree = read_work_tree(root, [root])
    there = {tree.path(root, move.path): move.before for move in moves if move.before}
    unknown = {*tree.changed, *tree.untracked, *tree.unmerged} & there.keys()
    unknown |= {*tree.lacking({path: entry for path, entry in there.items() if entry})}
    if unknown:
        names = sorted(unknown)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        raise UncommittedError(
            f"Uncommitted changes in {', '.join(names[:_MOST_NAMED])}{more}. Nothing was changed.",
            "Commit or stash them, and run it again.",
        )


def _mentions(root: Path, old: str, files: list[str]) -> list[str]:
    """Other files with the old address in them, which are nobody's but their people's to change."""
    found = set()
    for address in {old, uv_address(old)}:
        answer = run_git(
            *("grep", "--files-with-matches", "-z", "--fixed-strings", "-I", "-e", address),
            cwd=root,
            accept=range(2),
        )
        found |= {name.decode(errors="replace") for name in answer.split(b"\0") if name}
    left = sorted(found - {*files})
    return [f"The old address also stands in {', '.join(left)}."] if left else []
