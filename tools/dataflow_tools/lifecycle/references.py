"""Where a workflow's id stands in the files of a project, and those files with another id.

Only what names the workflow is changed: a table, a column or a sentence may have the same name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dataflow.publish.folders import project_pages_folder, source_queries
from dataflow.shared.recorded_id import recorded_id
from dataflow.shared.upstream import is_workflow_folder, named_in, upstream_of
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.tree import Entry, read_entry
from dataflow_tools.lifecycle.python_names import literals, with_new_literals, with_new_own_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Set

    from dataflow.shared.project import Project

_SKIPPED = frozenset(
    {
        *(".git", ".dagster", ".dataflow", ".venv", "venv", "node_modules", "__pycache__"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", "target", "logs", "dbt_packages"),
    }
)
_CACHES = frozenset({"__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_DBT_MAKES = frozenset({"target", "logs", "dbt_packages"})
_LARGEST = 1_000_000
_SCHEMAS = "raw|staging|marts|rejected|main|dataflow"
_PAGES = (".md", ".svelte", ".html")
# What every workflow publishes beside its own tables.
_PUBLISHED = ("published", "descriptions")
_FENCE = re.compile(r"^( {0,3}(?:```|~~~)[^\n]*\n)(.*?)(^ {0,3}(?:```|~~~))", re.M | re.S)


@dataclass(frozen=True)
class Rewriting:
    """One file, as it is and as it would be.

    Args:
        path: The file, as it lies now.
    """

    path: Path
    before: Entry
    after: bytes

    @property
    def lines(self) -> list[tuple[int, str]]:
        """The lines that change, with their numbers, as they are now."""
        old, new = self.before.data.splitlines(), self.after.splitlines()
        if len(old) != len(new):
            return [
                (number, line.decode(errors="replace").strip())
                for number, line in enumerate(old, start=1)
                if line not in new
            ]
        return [
            (number, line.decode(errors="replace").strip())
            for number, (line, other) in enumerate(zip(old, new, strict=True), start=1)
            if line != other
        ]


@dataclass(frozen=True)
class Names:
    """What is called how.

    Args:
        old: The id that files have.
        new: The id that they shall have.
        data: The folder of the warehouse files, as people write it.
        tables: The tables that the workflow publishes, which pages read.
    """

    old: str
    new: str
    data: str = "data"
    tables: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, project: Project, old: str, new: str, lies_at: str) -> Names:
        """The names for a workflow whose folder is that of ``lies_at`` now."""
        tables = (*source_queries(project, lies_at), *_PUBLISHED)
        return cls(old, new, project.settings.data_dir.as_posix(), tables)


def own_files(folder: Path, names: Names) -> list[Rewriting]:
    """The files of a workflow's folder that name it."""
    return list(_rewritten(folder, walk(folder), lambda path, text: _own(path, text, names)))


def files_of_others(project: Project, names: Names, folder: Path) -> list[Rewriting]:
    """The files of other workflows and of the project that name a workflow.

    Args:
        folder: The workflow's own.
    """
    found: list[Rewriting] = []
    for other in sorted(project.workflows_dir.iterdir()) if project.workflows_dir.is_dir() else ():
        if other == folder or other.is_symlink() or not is_workflow_folder(other):
            continue
        reads = names.old in map(upstream_of, named_in(other / "config.yaml"))
        found += _rewritten(
            other,
            walk(other),
            lambda path, text, reads=reads: _other(path, text, names, is_downstream=reads),  # type: ignore[misc]
        )
    skipped = {project.workflows_dir, project.data_dir}
    pages = project_pages_folder(project)
    for path in walk(project.root, skipped):
        found += _rewritten(
            project.root,
            [path],
            lambda inside, text, path=path: _projects(  # type: ignore[misc]
                inside, text, names, is_page=path.is_relative_to(pages)
            ),
        )
    return found


def declared_id(folder: Path) -> str:
    """The id that a folder's files say they are: its answers, or what its job registers."""
    recorded = recorded_id(folder)
    if recorded is not None:
        return recorded.workflow_id
    try:
        code = (folder / "dagster_job.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return folder.name
    registered = [literal.value for literal in literals(code) if literal.is_own]
    return registered[-1] if registered else folder.name


def with_table(text: str, table: str) -> str:
    """A config.yaml that names its table, which went by the workflow's id until now."""
    line = f"table: {table}"
    if (flow := re.search(r"^load:[ \t]*\{[ \t]*", text, re.MULTILINE)) is not None:
        rest = text[flow.end() :]
        return text[: flow.end()] + line + ("" if rest.startswith("}") else ", ") + rest
    if (block := re.search(r"^load:[ \t]*(#.*)?\r?\n", text, re.MULTILINE)) is not None:
        indent = re.match(r"(?:[ \t]*(?:#.*)?\n)*([ \t]+)", text[block.end() :])
        return (
            text[: block.end()] + f"{indent[1] if indent else '  '}{line}\n" + text[block.end() :]
        )
    return f"{text.rstrip()}\n\nload:\n  {line}\n"


def _own(path: str, text: str, names: Names) -> str:
    old, new = names.old, names.new
    name, folder = path.rpartition("/")[2], path.partition("/")[0]
    if path == ANSWERS_FILE:
        text = re.sub(rf"^(workflow_id:[ \t]+[\"']?){old}\b", rf"\g<1>{new}", text, flags=re.M)
    text = _anywhere(text, names)
    if name.endswith(".py"):
        return with_new_own_names(with_new_literals(text, old, new), old, new)
    if folder == "dbt":
        if name == "dbt_project.yml":
            text = re.sub(
                rf"^((?:name|profile):[ \t]*[\"']?){old}\b", rf"\g<1>{new}", text, flags=re.M
            )
            return re.sub(
                rf"^([ \t]+[\"']?){old}([\"']?:[ \t]*(?:#.*)?\r?)$",
                rf"\g<1>{new}\2",
                text,
                flags=re.M,
            )
        if name in ("profiles.yml", "profiles.yaml"):
            return re.sub(rf"^([\"']?){old}([\"']?:)", rf"\g<1>{new}\2", text, flags=re.M)
        text = re.sub(rf"(\bref\(\s*[\"']){old}([\"']\s*,)", rf"\g<1>{new}\2", text)
        text = re.sub(
            rf"^([ \t]+-?[ \t]*database:[ \t]*[\"']?){old}\b", rf"\g<1>{new}", text, flags=re.M
        )
        return _catalogs(text, names)
    if folder == "evidence":
        text = _catalogs(text, names)
        return _page(text, names) if name.endswith(_PAGES) else text
    return _links(text, names) if name.endswith(".md") else text


def _other(path: str, text: str, names: Names, *, is_downstream: bool) -> str:
    old, new = names.old, names.new
    name, folder = path.rpartition("/")[2], path.partition("/")[0]
    text = _anywhere(text, names)
    if path == "config.yaml":
        return _after(text, names)
    if name.endswith(".py"):
        return with_new_literals(text, old, new)
    if folder in ("dbt", "evidence") and is_downstream:
        text = re.sub(rf"(\bsource\(\s*[\"']){old}([\"']\s*,)", rf"\g<1>{new}\2", text)
        text = _catalogs(text, names)
    return _page(text, names) if folder == "evidence" and name.endswith(_PAGES) else text


def _projects(path: str, text: str, names: Names, *, is_page: bool) -> str:
    text = _anywhere(text, names)
    if path.endswith(".py"):
        return with_new_literals(text, names.old, names.new)
    return _page(text, names) if is_page and path.endswith(_PAGES) else text


def _anywhere(text: str, names: Names) -> str:
    """What means the workflow wherever it stands: paths, modules, commands, addresses."""
    old, end = names.old, r"(?![A-Za-z0-9_])"
    data = re.escape(names.data)
    return re.sub(
        rf"(dataflow/workflows/|dataflow\.workflows\.|/api/v1/workflows/|//localhost:\d+/"
        rf"|(?<![\w.-]){data}/(?={old}\.duckdb)|/{data}/(?={old}\.duckdb)"
        rf"|\bdataflow workflow [a-z]+ (?:-[\w-]+ )*){old}{end}(?!-)",
        rf"\g<1>{names.new}",
        text,
    )


def _catalogs(text: str, names: Names) -> str:
    """Tables by their full names, as in ``orders.marts.daily``."""
    return re.sub(
        rf"(?<![\w.\"`])([\"`]?){names.old}\1(?=\.[\"`]?(?:{_SCHEMAS})[\"`]?\.)",
        rf"\g<1>{names.new}\1",
        text,
    )


def _page(text: str, names: Names) -> str:
    """Queries of a page, in which a workflow's tables go by its id, and links to its pages."""
    tables = "|".join(map(re.escape, sorted(names.tables, key=len, reverse=True)))
    named = rf"([\"`]?){names.old}\2(?=\.[\"`]?(?:{tables})\b"
    alias = re.compile(rf"[\w\"`)]\s+(?:as\s+)?{names.old}\b(?!\s*[.(])", re.IGNORECASE)

    def query(match: re.Match[str]) -> str:
        # Where a table is called so in the query, only what is read from is the workflow's.
        before = r"\b(from\s+|join\s+)" if alias.search(match[2]) else r"(?<![\w.\"`'])()"
        sql = re.sub(rf"{before}{named})", rf"\1\g<2>{names.new}\2", match[2], flags=re.IGNORECASE)
        return match[1] + sql + match[3]

    return _links(_FENCE.sub(query, text), names)


def _links(text: str, names: Names) -> str:
    return re.sub(rf"(?<=[(\"'`=])/{names.old}(?=[/)\"'`#?])", f"/{names.new}", text)


def _after(text: str, names: Names) -> str:
    """What another workflow runs after, in its config.yaml."""
    try:
        root = yaml.compose(text)
    except yaml.YAMLError:
        return text
    for node in _values(root, ("workflow", "after")):
        if isinstance(node.value, str) and upstream_of(node.value) == names.old:
            start, end = node.start_mark.index, node.end_mark.index
            swapped = text[start:end].replace(names.old, names.new, 1)
            text = text[:start] + swapped + text[end:]
    return text


def _values(node: yaml.Node | None, path: tuple[str, ...]) -> list[yaml.ScalarNode]:
    """The scalars at a key path, or in the list that is there, the last one first."""
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for name, value in pairs if name.value == key), None)
    if isinstance(node, yaml.SequenceNode):
        return [each for each in reversed(node.value) if isinstance(each, yaml.ScalarNode)]
    return [node] if isinstance(node, yaml.ScalarNode) else []


def _rewritten(
    root: Path, paths: Iterator[Path] | list[Path], change: Callable[[str, str], str]
) -> Iterator[Rewriting]:
    for path in paths:
        try:
            entry = read_entry(path)
        except OSError:
            continue
        if entry is None or entry.link or entry.is_binary or len(entry.data) > _LARGEST:
            continue
        try:
            text = entry.data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        after = change(path.relative_to(root).as_posix(), text).encode()
        if after != entry.data:
            yield Rewriting(path, entry, after)


def walk(root: Path, skipped: Set[Path] = frozenset()) -> Iterator[Path]:
    """The files below a folder, without what tools leave there and other repositories."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED
            and here / name not in skipped
            # A repository of its own has a history of its own.
            and not (here / name / ".git").exists()
        )
        yield from (here / name for name in sorted(files))


def everything(root: Path) -> Iterator[Path]:
    """The files and links below a folder, and the repositories in it, each as one.

    What tools leave there and make again is left out; a folder of a person's may be called so.
    """
    for folder, folders, files in os.walk(root):
        here, inner = Path(folder), []
        for path in (here / name for name in sorted(folders)):
            if path.is_symlink() or (path / ".git").exists():
                yield path
            elif not _is_made_by_tools(path, root):
                inner.append(path.name)
        folders[:] = inner
        yield from (here / name for name in sorted(files))


def _is_made_by_tools(folder: Path, root: Path) -> bool:
    of_dbt = folder.parent == root / "dbt" and folder.name in _DBT_MAKES
    return of_dbt or folder.name in _CACHES or (folder / "pyvenv.cfg").exists()
