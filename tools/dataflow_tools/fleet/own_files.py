"""Files that belong to people, of which the template thinks otherwise by now.

An update never touches them. So where the template drops or renames one, or changes what its other
files call in it, a person's code would be left behind without a word.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dataflow_tools.fleet.export import CONFIG_FILES, is_answers_file
from dataflow_tools.fleet.versions import Version
from dataflow_tools.scaffold.git import run_git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from pathspec import GitIgnoreSpec

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.versions import Template

_STATEMENT = re.compile(r"\{%.*?%\}")
_EXPRESSION = re.compile(r"\{\{.*?\}\}")
_FUNCTION = re.compile(
    r"^(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(((?:[^()]|\([^()]*\))*)\)", re.MULTILINE
)
_SKIPPED = re.compile(r"^_skip_if_exists:.*(?:\n(?:[ \t#-].*)?)*", re.MULTILINE)
# Older ones are not looked at: each costs a call of git.
_MOST_RELEASES = 50
# Names of the parameters of each function at the top level.
Interface = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class OwnFileHistory:
    """What became, over a template's releases, of the files that it leaves to people.

    Args:
        dropped: The files that are gone, each with the release that had it no more and the files of
            people that came with that release.
        changed: The Python files whose functions have changed, each with the interfaces that it had
            and the one that it has.
    """

    dropped: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    changed: Mapping[str, tuple[tuple[Interface, ...], Interface]] = field(default_factory=dict)


def read_history(template: Template, export: Export, part: str) -> OwnFileHistory:
    """Go through the releases up to a version.

    Only files with plain names count, as those with an answer in their names differ between
    workflows.

    Args:
        export: The version.
        part: The subdirectory that is rendered.
    """
    releases = list(_releases(template, export.version, part, export.config or {}))
    if len(releases) < 2:
        return OwnFileHistory()
    latest = releases[-1]
    dropped: dict[str, tuple[str, tuple[str, ...]]] = {}
    for before, after in itertools.pairwise(releases):
        for path in before.own - after.files.keys() - latest.files.keys():
            if latest.may_have(path):
                continue
            came = sorted(
                new
                for new in after.own - before.files.keys()
                if new.rpartition(".")[2] == path.rpartition(".")[2]
            )
            dropped[path] = (after.name, tuple(came))
    changed = {}
    for path in sorted(latest.own):
        sha = latest.files[path]
        earlier = dict.fromkeys(one.files[path] for one in releases if path in one.files)
        if path.endswith(".py") and len(earlier) > 1:
            current = _functions(_content(template, sha))
            others = [_functions(_content(template, one)) for one in earlier if one != sha]
            if any(other != current for other in others):
                changed[path] = (tuple(others), current)
    return OwnFileHistory(dropped, changed)


def own_file_notes(
    history: OwnFileHistory, folder: Path, planned: Mapping[str, bytes | None]
) -> list[str]:
    """Say which files of a workflow's people the template has left behind, and what to do.

    Args:
        planned: What an update is about to write, by path; ``None`` deletes.
    """
    notes = []
    for path, (version, came) in sorted(history.dropped.items()):
        if not (folder / path).is_file():
            continue
        instead = (
            f"It has {' and '.join(came)} instead: move your code there"
            if came
            else "Move what you need from it"
        )
        notes.append(
            f"{path} is yours, and the template has none since {version}, so that nothing of the "
            f"template uses it any more. {instead}, then delete {path}."
        )
    for path, (earlier, current) in sorted(history.changed.items()):
        notes += _interface_notes(folder, path, earlier, current, planned)
    return notes


def _interface_notes(
    folder: Path,
    path: str,
    earlier: tuple[Interface, ...],
    current: Interface,
    planned: Mapping[str, bytes | None],
) -> list[str]:
    try:
        mine = _interface(ast.parse((folder / path).read_bytes()))
    except (OSError, SyntaxError, ValueError):
        return []
    notes = []
    for name, parameters in current.items():
        known = mine.get(name)
        # Whoever has it in a way that no release had, has thought about it.
        if known == parameters or all(one.get(name) != known for one in earlier):
            continue
        callers = _callers(folder, path, name, planned)
        if not callers:
            continue
        wanted = f"{name}({', '.join(parameters)})"
        has = f"has {name}({', '.join(known)})" if known is not None else "does not have it"
        notes.append(
            f"{path} is yours, and {' and '.join(callers)} calls {wanted}, while "
            f"yours {has}. Change {path} to what is called."
        )
    return notes


def _callers(folder: Path, path: str, name: str, planned: Mapping[str, bytes | None]) -> list[str]:
    """The workflow's other files that use a function, as they will be after the update."""
    word = re.compile(rb"\b" + re.escape(name.encode()) + rb"\b")
    found = []
    there = {entry.name for entry in folder.glob("*.py")} | {
        one for one in planned if one.endswith(".py") and "/" not in one
    }
    for other in sorted(there - {path}):
        data = planned[other] if other in planned else (folder / other).read_bytes()
        if data is not None and word.search(data):
            found.append(other)
    return found


def _interface(tree: ast.Module) -> Interface:
    return {
        node.name: tuple(
            argument.arg
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        )
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _functions(text: str) -> Interface:
    """The functions of a file of the template, which need not be Python before it is rendered."""
    found = {}
    for name, inside in _FUNCTION.findall(text):
        if name.startswith("_"):
            continue
        # What stands in brackets has commas of its own.
        while (flat := re.sub(r"\[[^\[\]]*\]|\([^()]*\)", "", inside)) != inside:
            inside = flat
        names = [re.split(r"[:=]", part)[0].strip() for part in inside.split(",")]
        found[name] = tuple(one for one in names if one and not one.startswith(("*", "/")))
    return found


@dataclass(frozen=True)
class _Release:
    """What a release renders, and what of it is people's.

    Args:
        files: The hash of each file, by the name that it is rendered to.
    """

    name: str
    files: Mapping[str, str]
    own: Set[str]
    # What the names of files look like that have an answer in them.
    shapes: Sequence[re.Pattern[str]] = ()

    def may_have(self, path: str) -> bool:
        """Whether some answers make a file of that name."""
        return any(shape.fullmatch(path) for shape in self.shapes)


def _releases(
    template: Template, version: Version, part: str, config: Mapping[str, Any]
) -> Iterator[_Release]:
    """The releases up to a version, the oldest first."""
    suffix = str(config.get("_templates_suffix") or ".jinja")
    listed = run_git(
        "for-each-ref",
        "--format=%(refname:strip=2) %(objectname) %(*objectname)",
        "refs/tags",
        cwd=template.repository,
    )
    commits = {
        words[0]: words[-1] for line in listed.decode().splitlines() if (words := line.split())
    }
    earlier = [
        (name, commits[name])
        for name in template.releases
        if commits[name] != version.commit
        and template.is_older(Version(name, commits[name]), version)
    ]
    owners: dict[str, GitIgnoreSpec] = {}
    for name, commit in [*earlier[-_MOST_RELEASES:], (version.name, version.commit)]:
        paths = [] if part == "." else [*CONFIG_FILES, part]
        listing = run_git("ls-tree", "-r", "-z", commit, *paths, cwd=template.repository)
        files, shapes, declared = {}, [], ""
        for line in os.fsdecode(listing).split("\0")[:-1]:
            meta, path = line.split("\t", 1)
            if path in CONFIG_FILES:
                declared = meta.split()[2]
                continue
            inside = path if part == "." else path.removeprefix(f"{part}/")
            plain = _STATEMENT.sub("", inside).removesuffix(suffix)
            if "{" not in plain:
                files[plain] = meta.split()[2]
            elif not is_answers_file(path):
                named = _EXPRESSION.split(plain)
                shapes.append(re.compile("[^/]+".join(re.escape(text) for text in named)))
        if declared not in owners:
            owners[declared] = _people_s(_content(template, declared) if declared else "")
        own = {path for path in files if owners[declared].match_file(path)}
        yield _Release(name, files, own, shapes)


def _people_s(config: str) -> GitIgnoreSpec:
    """What a release's copier.yml leaves to people; the rest of it need not be readable."""
    from pathspec import GitIgnoreSpec

    found = _SKIPPED.search(config)
    try:
        patterns = yaml.safe_load(found[0])["_skip_if_exists"] if found else []
    except yaml.YAMLError:
        patterns = []
    lines = patterns if isinstance(patterns, list) else [patterns or ""]
    return GitIgnoreSpec.from_lines([str(line) for line in lines if "{" not in str(line)])


def _content(template: Template, sha: str) -> str:
    return run_git("cat-file", "blob", sha, cwd=template.repository).decode(errors="replace")
