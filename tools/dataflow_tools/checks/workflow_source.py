"""A workflow's folder as the checks look at it: every file is read and parsed once."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dataflow.shared.config import CONFIG_FILE, read_config
from dataflow.shared.config_types import value_at
from dataflow.shared.environment import resolve
from dataflow.shared.finding import ConfigError, Finding
from dataflow.shared.upstream import upstream_of
from dataflow.shared.yaml_document import YamlDocument, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.shared.project import Project

_NOT_SOURCES = {"__pycache__", "node_modules", "target", "dbt_packages"}
# What the template leaves in a workflow that is made from it.
_ANSWERS = ".copier-answers.yml"
# How `dataflow.shared.environment` begins the reason of a variable that is not set.
_NOT_SET = "the environment variable "


@dataclass(frozen=True)
class Module:
    """One Python file: what it says, or why Python cannot read it, and in which line."""

    path: Path
    tree: ast.Module | None
    reason: str = ""
    line: int = 0


@dataclass(frozen=True)
class WorkflowSource:
    """One workflow that is being checked."""

    project: Project
    workflow_id: str

    @cached_property
    def folder(self) -> Path:
        """The workflow's folder."""
        return self.project.workflow_dir(self.workflow_id)

    def shown(self, *parts: str) -> str:
        """A path in the workflow's folder as a person in the project's folder would type it."""
        return self.project.relative(self.folder.joinpath(*parts))

    def finding(
        self, reason: str, instruction: str, file: Path | str = "", line: int = 0
    ) -> Finding:
        """A finding in a file, named by its path in the workflow's folder."""
        return Finding(reason, instruction, self.shown(str(file)), line)

    def at_key(self, reason: str, instruction: str, *path: str) -> Finding:
        """A finding in config.yaml, at a key or what is around it."""
        line = self.document.position(path, of_key=True).line
        return self.finding(reason, instruction, CONFIG_FILE, line)

    def has(self, *parts: str) -> bool:
        """Whether there is such a file or folder."""
        return self.folder.joinpath(*parts).exists()

    @cached_property
    def is_rendered(self) -> bool:
        """Whether it was made from the template, and not by hand and linked to it later."""
        if not self.has(_ANSWERS):
            return False
        said = parse_yaml((self.folder / _ANSWERS).read_bytes()).values
        return "dagster_job.py" not in (said.get("own_files") or ())

    @property
    def does_without_config(self) -> bool:
        """Whether it was written by hand, and without a config.yaml."""
        return not self.is_rendered and not self.has(CONFIG_FILE)

    @cached_property
    def files(self) -> list[Path]:
        """All files of the workflow but what tools have left there, in order."""
        found: list[Path] = []
        for folder, names, files in os.walk(self.folder):
            names[:] = sorted(n for n in names if n not in _NOT_SOURCES)
            found += [self.folder / folder / file for file in sorted(files)]
        return found

    @cached_property
    def document(self) -> YamlDocument:
        """The text of config.yaml, before variables are read."""
        try:
            return parse_yaml((self.folder / CONFIG_FILE).read_bytes())
        except OSError:
            return YamlDocument()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What config.yaml says, as far as it can be read; variables that are not set are empty."""
        values: dict[str, Any] = resolve(self.document.values, self.project.values)[0]
        return values

    def setting(self, *path: str) -> Any:
        """What stands at a key path of config.yaml, or ``None``."""
        return value_at(self.settings, path)

    @cached_property
    def upstreams(self) -> list[str]:
        """The workflows that it says it comes after, each once."""
        named = self.setting("workflow", "after")
        names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        return list(dict.fromkeys(upstream_of(each) for each in names if isinstance(each, str)))

    @cached_property
    def reads_others_alone(self) -> bool:
        """Whether it has no source: its models read the tables of other workflows."""
        return bool(self.setting("workflow", "after")) and "ingestion" not in self.settings

    @cached_property
    def sources(self) -> list[ConfiguredSource]:
        """The source, or each of several, with its load, the section's defaults filled in."""
        if self.reads_others_alone:
            return []
        load, several = _mapping(self.setting("load")), self.setting("ingestion", "sources")
        if not isinstance(several, dict) or not several:
            source = _mapping(self.setting("ingestion", "source"))
            table = str(load.get("table") or self.workflow_id)
            return [ConfiguredSource("", ("ingestion",), source, table, load)]
        found = []
        for name, given in several.items():
            part = _mapping(given)
            own = {k: v for k, v in _mapping(part.get("load")).items() if v is not None}
            table, path = str(own.get("table") or name), ("ingestion", "sources", str(name))
            source = _mapping(part.get("source"))
            found.append(ConfiguredSource(str(name), path, source, table, {**load, **own}))
        return found

    @cached_property
    def config_findings(self) -> list[Finding]:
        """Everything wrong with config.yaml, variables that are not set left out."""
        try:
            read_config(self.folder / CONFIG_FILE, project=self.project)
        except ConfigError as error:
            return [f for f in error.findings if not f.reason.startswith(_NOT_SET)]
        return []

    @cached_property
    def readme(self) -> str | None:
        """The text of README.md, or ``None`` if there is none."""
        return read_text(self.folder / "README.md")

    @cached_property
    def code(self) -> list[Module]:
        """The Python files outside ``tests``."""
        tests = self.folder / "tests"
        return [m for m in self._modules if not m.path.is_relative_to(tests)]

    @cached_property
    def tests(self) -> list[Module]:
        """The Python files in ``tests`` that pytest collects tests from."""
        tests = self.folder / "tests"
        return [
            m
            for m in self._modules
            if m.path.is_relative_to(tests)
            and (m.path.name.startswith("test_") or m.path.name.endswith("_test.py"))
        ]

    def module(self, name: str) -> Module | None:
        """The Python file of that name in the workflow's folder."""
        return next((m for m in self.code if m.path == self.folder / name), None)

    @cached_property
    def _modules(self) -> list[Module]:
        return list(self._parse())

    def _parse(self) -> Iterator[Module]:
        for path in self.files:
            if path.suffix != ".py":
                continue
            try:
                yield Module(path, ast.parse(path.read_bytes(), filename=str(path)))
            except SyntaxError as error:
                yield Module(path, None, f"SyntaxError: {error.msg}", error.lineno or 0)
            except (OSError, ValueError) as error:
                yield Module(path, None, str(error))


@dataclass(frozen=True)
class ConfiguredSource:
    """A source as config.yaml has it, as far as that can be read.

    Args:
        name: Empty for a workflow's only source.
        path: Where it stands: what has its key ``source``.
        values: What stands below ``source``.
        table: The table that its rows go to.
        load: How they are loaded.
    """

    name: str
    path: tuple[str, ...]
    values: dict[str, Any]
    table: str
    load: dict[str, Any]

    @property
    def key(self) -> str:
        """Its key in config.yaml, as people write it."""
        return ".".join((*self.path, "source"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def read_text(path: Path) -> str | None:
    """The text of a file, or ``None`` if it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
