"""The datasets that a page hands to the site's components, held against the tables there are.

A dataset is an object in a page's ``<script>``. One that is plain, names and numbers and lists of
them, is YAML once its comments are gone, whose reader knows on which line each value stands. What
is computed is left to the browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import yaml

from dataflow.shared.suggestion import did_you_mean, known_names
from dataflow_tools.site.derived_tables import Asked, Measure, derived_faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_OBJECT = re.compile(r"\b(?:const|let)\s+(\w+)\s*=\s*(?=\{)")
_TEXT = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
_NOT_TEXT = re.compile(rf"({_TEXT})|//[^\n]*|/\*.*?\*/|(\t)|(:)(?=\S)", re.DOTALL)
_TOKEN = re.compile(rf"{_TEXT}|//[^\n]*|/\*.*?\*/|[{{}}]", re.DOTALL)
# A fence shows or asks something; components in it are not on the page.
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[ \t]*$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"<([A-Z]\w*)\s(?:[^<>{]|\{[^<>]*?\})*?\bof=\{(\w+)\}[^<>]*>", re.DOTALL)
_INLINE = re.compile(r"<([A-Z]\w*)\s[^<>]*?\bof=\{(?=\s*\{)")
# By which a category is ranked, drawn or shaded.
_OF_CATEGORY = re.compile(r"\b(?:by|country)=[\"']?(\w+)")
_COLUMN = re.compile(r"\b(?:by|column|latitude|longitude|country)=[\"']?(\w+)")
# What a page's components ask beside the table itself.
_DERIVED = ("_daily", "_groups")
_MOST_NAMES = 8


@dataclass(frozen=True)
class Named:
    """A name that a page gives, and the line on which it does."""

    name: str
    line: int


@dataclass(frozen=True)
class Dataset:
    """What a page says of a dataset.

    Args:
        columns: In the order of the page.
        names: What the source calls columns that are called otherwise on the page.
        asked: What its components ask of the tables that are derived from it.
    """

    table: Named
    columns: list[Named]
    names: dict[str, str]
    asked: Asked = field(default=Asked())


@dataclass(frozen=True)
class DatasetFault:
    """A name of a page that nothing has."""

    line: int
    reason: str


def find_datasets(page: str) -> list[Dataset]:
    """The plain datasets that components of a page are given, in the page's order."""
    page = _FENCE.sub(_blank, page)
    body = _SCRIPT.sub(_blank, page)
    used: dict[str, list[Named]] = {}
    components: dict[str, list[tuple[str, str]]] = {}
    for tag in _TAG.finditer(body):
        columns = used.setdefault(tag[2], [])
        of = _OF_CATEGORY.search(tag[0])
        components.setdefault(tag[2], []).append((tag[1], of[1] if of else ""))
        for column in _COLUMN.finditer(tag[0]):
            columns.append(Named(column[1], _line(page, tag.start() + column.start())))
    found = []
    for script in _SCRIPT.finditer(page):
        for start in _OBJECT.finditer(page, script.start(1), script.end(1)):
            if start[1] in used:
                first = _line(page, start.end())
                dataset = _read(_literal(page, start.end(), script.end(1)), first)
                if dataset:
                    columns = [*dataset.columns, *used[start[1]]]
                    asked = replace(dataset.asked, components=components[start[1]])
                    found.append(replace(dataset, columns=columns, asked=asked))
    for tag in _INLINE.finditer(body):
        dataset = _read(_literal(body, tag.end(), len(body)), _line(page, tag.end()))
        found += [dataset] if dataset else []
    return found


def dataset_faults(
    datasets: Sequence[Dataset],
    tables: Mapping[str, Sequence[str]],
    awaited: Collection[str] = (),
) -> Iterator[DatasetFault]:
    """The tables and columns that datasets name and that nobody publishes.

    Args:
        tables: The columns of each table that the workflow publishes.
        awaited: Tables that the next run publishes, or whose query is told of already.
    """
    for dataset in datasets:
        table = dataset.table.name
        if table not in tables:
            hint = did_you_mean(table, tables) or f"there are {known_names(sorted(tables), 8)}"
            yield DatasetFault(
                dataset.table.line,
                f"the dataset's table is {table!r}, which no query in sources publishes; {hint}",
            )
            continue
        for reason in derived_faults(table, dataset.asked, tables, awaited):
            yield DatasetFault(dataset.table.line, reason)
        known = {name.lower() for name in tables[table]}
        # Queries of the page's own may have columns that the table has not.
        for ending in _DERIVED:
            derived = tables.get(f"{table}{ending}", ())
            known |= {name.lower().removesuffix("_sum") for name in derived}
        for column in dataset.columns:
            called = dataset.names.get(column.name, column.name)
            if not {called.lower(), column.name.lower()} & known:
                names = list(tables[table])
                hint = did_you_mean(column.name, names)
                hint = hint or f"its columns are {known_names(names, _MOST_NAMES)}"
                yield DatasetFault(
                    column.line, f"the dataset names {column.name!r}, which {table} has not; {hint}"
                )


def _literal(text: str, start: int, end: int) -> str:
    """The object whose brace comes next, to the brace that closes it; empty if none does."""
    depth = 0
    for token in _TOKEN.finditer(text, start, end):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0 and token[0] == "}":
            return text[start : token.end()]
    return ""


def _read(literal: str, first_line: int) -> Dataset | None:
    if not literal or "`" in literal or "..." in literal:
        return None
    try:
        node = yaml.compose(_NOT_TEXT.sub(_as_yaml, literal), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    said = _entries(node)
    table = _names_in(said.get("table"), first_line)
    if len(table) != 1:
        return None
    columns = [
        *_names_in(said.get("date"), first_line),
        *_names_in(said.get("entity"), first_line),
        *_names_in(said.get("categories"), first_line),
        *_names_in(said.get("kinds"), first_line),
    ]
    measures = said.get("measures")
    means: list[Measure] = []
    for measure in measures.value if isinstance(measures, yaml.SequenceNode) else ():
        told = _entries(measure)
        for named in _names_in(told.get("name", measure), first_line):
            aggregate = getattr(told.get("aggregate"), "value", "sum")
            means.append(Measure(named.name, aggregate != "sum"))
        if "sql" in told:
            # Its name is no column's.
            continue
        columns += _names_in(told.get("name", measure), first_line)
        columns += _names_in(told.get("weight"), first_line)
    renamed = _entries(said.get("names"))
    names = {
        name: value.value for name, value in renamed.items() if isinstance(value, yaml.ScalarNode)
    }
    asked = Asked(
        has_date=bool(_names_in(said.get("date"), first_line)),
        is_series=getattr(said.get("series"), "value", "") == "true",
        categories=[each.name for each in _names_in(said.get("categories"), first_line)],
        measures=means,
    )
    return Dataset(table[0], columns, names, asked)


def _as_yaml(found: re.Match[str]) -> str:
    if found[1]:
        # In YAML a backslash in single quotes is one.
        return found[1]
    if found[2]:
        return " "
    return ": " if found[3] else _blank(found)


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _names_in(node: yaml.Node | None, first_line: int) -> list[Named]:
    """The quoted names of a value or a list of them: one without quotes is a variable."""
    if isinstance(node, yaml.SequenceNode):
        return [name for each in node.value for name in _names_in(each, first_line)]
    if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"'):
        return [Named(node.value, first_line + node.start_mark.line)]
    return []


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
