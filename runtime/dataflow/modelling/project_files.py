"""The tables and tests of a dbt project as its files tell, read without dbt and within a blink.

Names, `ref`, `source` and what YAML files say are read; Jinja is not evaluated. So a model whose
name or schema a macro makes may be called otherwise here, until dbt has run once: see
`known_graph`. What cannot be read is left out, for dbt to complain of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dataflow.modelling.model_graph import (
    Model,
    ModelColumn,
    ModelGraph,
    ModelTest,
    Relation,
    UpstreamRelation,
    merged_tests,
    name_of_test,
)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KINDS = {"models": "model", "seeds": "seed", "snapshots": "snapshot"}
_REF = re.compile(r"""\bref\(\s*['"]([^'"]+)['"]\s*(?:,\s*['"]([^'"]+)['"])?""")
_SOURCE = re.compile(r"""\bsource\(\s*['"]([^'"]+)['"]\s*,\s*['"]([^'"]+)['"]""")
_CONFIG = re.compile(r"\bconfig\s*\((.*?)\)\s*(?:\}\}|$)", re.DOTALL | re.MULTILINE)
_TEXT_SETTING = re.compile(r"""\b(alias|schema|materialized)\s*=\s*['"]([^'"]*)['"]""")
_DISABLED = re.compile(r"\benabled\s*=\s*[Ff]alse\b")
_TAGS = re.compile(r"""\btags\s*=\s*(\[[^\]]*\]|['"][^'"]*['"])""")
_IN_QUOTES = re.compile(r"""['"]([^'"]+)['"]""")
_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_SNAPSHOT = re.compile(r"\{%-?\s*snapshot\s+(\w+)\s*-?%\}")
_OWN_SCHEMA_NAMES = "generate_schema_name"


@dataclass
class _Node:
    """A model, seed or snapshot, before its names are known for good."""

    name: str
    kind: str
    text: str
    language: str
    settings: dict[str, Any] = field(default_factory=dict)
    described: Mapping[str, Any] = field(default_factory=dict)


def graph_of_files(folder: Path) -> ModelGraph:
    """Read the project in a folder; what is not there or no dbt project has no tables."""
    return _Reader(folder).graph()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._project = _mapping(_yaml(folder / "dbt_project.yml"))
        self._names = _texts(self._project.get("name"))
        self._schema = self._target_schema()
        macros = _files(self._folders("macro-paths", "macros"), (".sql",))
        # The file is called so as a rule.
        macros.sort(key=lambda path: path.stem != _OWN_SCHEMA_NAMES)
        self._takes_schema_as_it_is = any(_OWN_SCHEMA_NAMES in _text(path) for path in macros)
        self._properties: dict[str, list[Mapping[str, Any]]] = {}
        self._nodes: dict[str, _Node] = {}
        self._sources: dict[tuple[str, str], Relation] = {}
        self._upstream: dict[tuple[str, str], UpstreamRelation] = {}

    def graph(self) -> ModelGraph:
        for key, section in (
            ("model-paths", "models"),
            ("seed-paths", "seeds"),
            ("snapshot-paths", "snapshots"),
        ):
            for base in self._folders(key, section):
                self._read_properties(base)
                self._read_nodes(base, section)
        for test_folder in self._folders("test-paths", "tests"):
            self._read_properties(test_folder)
        self._describe_nodes()
        self._find_sources()
        models = [self._model(node) for node in self._nodes.values() if self._is_table(node)]
        tests = [*self._tests_of_nodes(), *self._tests_of_sources(), *self._other_tests()]
        return ModelGraph(tuple(models), merged_tests(tests))

    def _folders(self, key: str, default: str) -> list[Path]:
        named = _texts(self._project.get(key)) or [default]
        return [self._folder / name for name in named if "{{" not in name]

    def _target_schema(self) -> str:
        profiles = _mapping(_yaml(self._folder / "profiles.yml"))
        for name in _texts(self._project.get("profile")):
            profile = _mapping(profiles.get(name))
            output = _mapping(profile.get("outputs")).get(str(profile.get("target")))
            schema = _mapping(output).get("schema")
            if isinstance(schema, str) and "{{" not in schema:
                return schema
        return "main"

    def _read_properties(self, base: Path) -> None:
        for path in _files([base], (".yml", ".yaml")):
            for section, values in _mapping(_yaml(path)).items():
                known = self._properties.setdefault(str(section), [])
                known += [each for each in _list(values) if isinstance(each, Mapping)]

    def _read_nodes(self, base: Path, section: str) -> None:
        endings = {"models": (".sql", ".py"), "seeds": (".csv",)}.get(section, (".sql",))
        for path in _files([base], endings):
            text = "" if section == "seeds" else _text(path)
            name, clean = path.stem, _JINJA_COMMENT.sub("", text)
            if section == "snapshots" and (said := _SNAPSHOT.search(clean)):
                name = said[1]
            language = "python" if path.suffix == ".py" else "sql"
            settings = self._settings_of_folder(section, path.relative_to(base).with_suffix(""))
            settings = _with(settings, _settings_in(clean))
            self._nodes[name] = _Node(name, _KINDS[section], text, language, settings)

    def _settings_of_folder(self, section: str, path: Path) -> dict[str, Any]:
        """What ``dbt_project.yml`` says of a file: the innermost folder that does wins."""
        level: Any = self._project.get(section)
        settings = _plain(level)
        for part in (*self._names, *path.parts):
            level = _mapping(level).get(part)
            settings = _with(settings, _plain(level))
        return settings

    def _describe_nodes(self) -> None:
        for section in _KINDS:
            for described in self._properties.get(section, []):
                node = self._nodes.get(str(described.get("name")))
                if node:
                    node.described = described
                    # What a model says of itself wins over what is said of it.
                    own = _settings_in(_JINJA_COMMENT.sub("", node.text))
                    said = _with(_plain(described.get("config")), own)
                    node.settings = _with(node.settings, said)

    def _find_sources(self) -> None:
        for source in self._properties.get("sources", []):
            name = str(source.get("name"))
            schema = str(source.get("schema") or name)
            for table in _mappings(source.get("tables")):
                known_as = str(table.get("name"))
                database = source.get("database")
                if isinstance(database, str) and "{{" not in database:
                    known = (database, schema, str(table.get("identifier") or known_as))
                    self._upstream[name, known_as] = known
                    continue
                self._sources[name, known_as] = (schema, str(table.get("identifier") or known_as))

    def _is_table(self, node: _Node) -> bool:
        return node.settings.get("materialized") != "ephemeral" and self._is_enabled(node)

    def _is_enabled(self, node: _Node) -> bool:
        return node.settings.get("enabled") is not False

    def _relation(self, node: _Node) -> Relation:
        wanted = node.settings.get("schema")
        schema = str(wanted or self._schema)
        if wanted and not self._takes_schema_as_it_is:
            schema = f"{self._schema}_{wanted}"
        return schema, str(node.settings.get("alias") or node.name)

    def _model(self, node: _Node) -> Model:
        own = self._relation(node)
        default = {"model": "view", "seed": "seed", "snapshot": "snapshot"}[node.kind]
        tags = [*_texts(node.settings.get("tags")), *_texts(node.described.get("tags"))]
        before = self._tables_before(node, set())
        return Model(
            relation=own,
            kind=node.kind,
            materialized=str(node.settings.get("materialized") or default),
            sources=tuple(dict.fromkeys(each for each in before if each != own)),
            description=_said(node.described),
            columns=tuple(
                ModelColumn(
                    str(column.get("name")), str(column.get("data_type") or ""), _said(column)
                )
                for column in _mappings(node.described.get("columns"))
            ),
            tags=tuple(dict.fromkeys(tags)),
            sql=node.text.strip(),
            language=node.language,
            upstream=tuple(dict.fromkeys(self._upstream_before(node, set()))),
            name=node.name,
        )

    def _upstream_before(self, node: _Node, seen: set[str]) -> Iterator[UpstreamRelation]:
        """The tables of other workflows; those that no file declares are told to dbt by the run."""
        text = _JINJA_COMMENT.sub("", node.text)
        for source, table in _SOURCE.findall(text):
            if (source, table) not in self._sources:
                yield self._upstream.get((source, table), (source, "", table))
        for first, second in _REF.findall(text):
            other = self._nodes.get(second or first)
            if other and other.name not in seen and not self._is_table(other):
                yield from self._upstream_before(other, {*seen, other.name})

    def _tables_before(self, node: _Node, seen: set[str]) -> Iterator[Relation]:
        text = _JINJA_COMMENT.sub("", node.text)
        for names in _SOURCE.findall(text):
            if names in self._sources:
                yield self._sources[names]
        for first, second in _REF.findall(text):
            other = self._nodes.get(second or first)
            if other is None or other.name in seen or not self._is_enabled(other):
                continue
            if self._is_table(other):
                yield self._relation(other)
            else:
                yield from self._tables_before(other, {*seen, other.name})

    def _tests_of_nodes(self) -> Iterator[ModelTest]:
        for node in self._nodes.values():
            if self._is_table(node):
                yield from _generic_tests(self._relation(node), node.described)

    def _tests_of_sources(self) -> Iterator[ModelTest]:
        for source in self._properties.get("sources", []):
            for table in _mappings(source.get("tables")):
                relation = self._sources.get((str(source.get("name")), str(table.get("name"))))
                if relation is None:
                    continue
                yield from _generic_tests(relation, table)

    def _other_tests(self) -> Iterator[ModelTest]:
        """Tests that are a query of their own."""
        described = {
            str(test.get("name")): test
            for key in ("data_tests", "tests")
            for test in self._properties.get(key, [])
        }
        for path in _files(self._folders("test-paths", "tests"), (".sql",)):
            if "generic" in path.relative_to(self._folder).parts[:-1]:
                continue
            text = _JINJA_COMMENT.sub("", _text(path))
            about = _Node(path.stem, "model", text, "sql")
            relation = next(self._in_order(about), None)
            if relation is None or _DISABLED.search(text):
                continue
            said = described.get(path.stem, {})
            is_warning = re.search(r"""severity\s*=\s*['"]warn['"]""", text) is not None
            is_error = not is_warning and _is_error(said)
            yield ModelTest(relation, name_of_test(path.stem), is_error, _said(said))

    def _in_order(self, node: _Node) -> Iterator[Relation]:
        """As dbt has them: models first, then sources."""
        yield from self._tables_before(
            _Node(node.name, node.kind, _SOURCE.sub("", node.text), node.language), set()
        )
        yield from self._tables_before(node, set())


def _generic_tests(relation: Relation, described: Mapping[str, Any]) -> Iterator[ModelTest]:
    for owner, column in (
        (described, None),
        *((each, str(each.get("name"))) for each in _mappings(described.get("columns"))),
    ):
        for test in (*_list(owner.get("data_tests")), *_list(owner.get("tests"))):
            yield from _generic_test(relation, test, column)


def _generic_test(relation: Relation, test: Any, column: str | None) -> Iterator[ModelTest]:
    settings: Any = {}
    if isinstance(test, Mapping):
        settings = test
        if "test_name" not in test:
            [(test, settings)] = list(test.items())[:1] or [("", {})]
        else:
            test = test["test_name"]
    if not isinstance(test, str) or not test:
        return
    settings = _mapping(settings)
    if _plain(settings.get("config")).get("enabled") is False:
        return
    column = column or settings.get("column_name")
    yield ModelTest(relation, name_of_test(test, column), _is_error(settings), _said(settings))


def _is_error(settings: Mapping[str, Any]) -> bool:
    severity = settings.get("severity") or _plain(settings.get("config")).get("severity")
    return str(severity or "error").lower() != "warn"


def _settings_in(text: str) -> dict[str, Any]:
    """What a model's own `config(...)` says."""
    said = "\n".join(_CONFIG.findall(text))
    if not said:
        return {}
    settings: dict[str, Any] = dict(_TEXT_SETTING.findall(said))
    if _DISABLED.search(said):
        settings["enabled"] = False
    if tags := _TAGS.search(said):
        settings["tags"] = _IN_QUOTES.findall(tags[1])
    return settings


def _plain(values: Any) -> dict[str, Any]:
    """The settings in a mapping, with or without the plus of dbt's; none that Jinja makes."""
    known = ("alias", "schema", "materialized", "enabled", "severity", "tags")
    settings = {str(key).removeprefix("+"): value for key, value in _mapping(values).items()}
    return {
        key: value
        for key, value in settings.items()
        if key in known and not isinstance(value, Mapping) and "{{" not in str(value)
    }


def _with(settings: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of which the later ones win; tags are those of both."""
    tags = [*_texts(settings.get("tags")), *_texts(more.get("tags"))]
    return {**settings, **more, "tags": tags}


def _said(values: Mapping[str, Any]) -> str:
    said = values.get("description")
    # A block of documentation that only dbt can look up.
    return said.strip() if isinstance(said, str) and "{{" not in said else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in _list(value) if isinstance(each, Mapping)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(each) for each in _list(value)]


def _files(folders: Iterable[Path], endings: tuple[str, ...]) -> list[Path]:
    found = [
        Path(parent, name)
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
        if name.endswith(endings)
    ]
    return sorted(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _yaml(path: Path) -> Any:
    try:
        return yaml.load(_text(path), Loader=_LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return None
