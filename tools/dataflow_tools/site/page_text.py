"""A page's text as Evidence gets it: partials put in, and queries of files found.

Evidence itself looks for both in one folder for all pages.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.finding import Finding
from dataflow_tools.site.page_files import PROJECT_WIDE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.site.page_files import PageFiles, SitePage

# Unlike `splitlines`, as JavaScript counts them.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PARTIAL = re.compile(r"\{@partial\s+\"([^\"]*)\"\s*\}")
_HEAD = re.compile(r"\A---[ \t]*\r?\n.*?^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Origin:
    """Where a line of a page's text was written.

    Args:
        line: The line of the page; that of the tag, if a partial stands there.
        place: Of a line in a partial, its file and line in words; else empty.
    """

    line: int
    place: str = ""


@dataclass
class PageText:
    """A page as Evidence gets it.

    Args:
        origins: One for each of its lines.
        faults: Partials and queries that are not there.
    """

    text: str
    origins: list[Origin] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)

    def origin(self, line: int) -> Origin:
        """Where a line, counted from 1, was written."""
        return self.origins[line - 1] if 0 < line <= len(self.origins) else Origin(line)


def page_text(project: Project, page: SitePage, files: PageFiles) -> PageText:
    """Read a page, put its partials in and name its query files as Evidence finds them."""
    text = _read(page.source)
    reader = _Reader(project, page, files)
    head = _HEAD.match(text)
    if head is not None:
        text = reader.with_queries(head[0]) + text[head.end() :]
    return reader.with_partials(text)


class _Reader:
    def __init__(self, project: Project, page: SitePage, files: PageFiles) -> None:
        self._project, self._page, self._files = project, page, files
        self._faults: list[Finding] = []

    def with_partials(self, text: str) -> PageText:
        done = PageText("", faults=self._faults)
        parts = []
        for number, line in enumerate(_LINE.findall(text), 1):
            whole, places = self._expand(line, number, ())
            parts.append(whole)
            done.origins += [Origin(number, place) for place in places]
        done.text = "".join(parts)
        return done

    def _expand(self, line: str, number: int, inside: tuple[Path, ...]) -> tuple[str, list[str]]:
        """A line with its partials, and for each line of that the place in a partial."""
        found = list(_PARTIAL.finditer(line))
        if not found:
            return line, [""]
        text, places, at = "", [""], 0
        for match in found:
            inner, inner_places = self._partial(match[1], number, inside)
            text += line[at : match.start()] + inner
            places[-1:] = [inner_places[0] if inner_places else places[-1], *inner_places[1:]]
            at = match.end()
        text += line[at:]
        count = len(_LINE.findall(text))
        return text, (places + [places[-1]] * count)[:count]

    def _partial(self, name: str, number: int, inside: tuple[Path, ...]) -> tuple[str, list[str]]:
        path = self._look_up(self._files.partials, name)
        if path is None or path in inside:
            reason = self._missing("partial", "partials", name)
            self._say(number, reason if path is None else f"The partial {name} includes itself.")
            return "", []
        shown = self._project.relative(path)
        text, places = "", []
        for inner_number, line in enumerate(_LINE.findall(_read(path)), 1):
            whole, deeper = self._expand(line, number, (*inside, path))
            text += whole
            places += [place or f"{shown}, line {inner_number}" for place in deeper]
        return text, places

    def with_queries(self, head: str) -> str:
        """The head with its list ``queries`` in one line, as names and files below ``queries``."""
        lines = _LINE.findall(head)
        first = next((n for n, line in enumerate(lines) if re.match(r"queries\s*:", line)), None)
        if first is None:
            return head
        last = first + 1
        while last < len(lines) - 1 and re.match(r"[ \t-]|\s*$", lines[last]):
            last += 1
        try:
            listed = yaml.safe_load("".join(lines[first:last]))["queries"]
        except yaml.YAMLError:
            # The check says what is wrong with it.
            return head
        found = (
            [self._query(item, first + 1) for item in listed] if isinstance(listed, list) else []
        )
        if not found:
            self._say(first + 1, "queries is not a list of .sql files.")
        known = {name: target for item in found if item for name, target, _ in [item]}
        # It changes with the queries, so that a page that is open is drawn anew.
        content = b"\0".join(path.read_bytes() for item in found if item for path in [item[2]])
        items = json.dumps([{name: target} for name, target in known.items()])
        mark = hashlib.sha256(content).hexdigest()[:8]
        rest = "\n" * (last - first - 1)
        return "".join([*lines[:first], f"queries: {items} # {mark}\n{rest}", *lines[last:]])

    def _query(self, item: Any, number: int) -> tuple[str, str, Path] | None:
        name, file = "", item
        if isinstance(item, dict) and len(item) == 1:
            name, file = next(iter(item.items()))
        if not isinstance(file, str) or not file.endswith(".sql"):
            self._say(number, f"queries: {file} is no .sql file.")
            return None
        path = self._look_up(self._files.queries, file)
        if path is None:
            self._say(number, self._missing("query", "queries", file))
            return None
        # So does Evidence name it.
        name = str(name or file.removesuffix(".sql").replace("/", "_"))
        return name, f"{self._owner_of(self._files.queries, file)}/{file}", path

    def _look_up(self, kept: Mapping[str, Mapping[str, Path]], name: str) -> Path | None:
        return kept.get(self._owner_of(kept, name), {}).get(name)

    def _owner_of(self, kept: Mapping[str, Mapping[str, Path]], name: str) -> str:
        own = self._page.workflow_id
        return own if own and name in kept.get(own, {}) else PROJECT_WIDE

    def _missing(self, what: str, folder: str, name: str) -> str:
        tops = (
            [self._project.workflow_dir(self._page.workflow_id)] if self._page.workflow_id else []
        )
        places = [f"{self._project.relative(top / 'evidence' / folder)}" for top in tops]
        return f"There is no {what} {name} in {' or '.join([*places, f'evidence/{folder}'])}."

    def _say(self, line: int, reason: str) -> None:
        file = self._project.relative(self._page.source)
        self._faults.append(Finding(reason, file=file, line=line))


def _read(path: Path) -> str:
    # What is no UTF-8 goes through as it is.
    return path.read_bytes().decode("utf-8", "surrogateescape")
