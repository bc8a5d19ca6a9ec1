"""The answers file: which template a folder came from, at which version, with which answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.conflict_markers import CONFLICT
from dataflow.shared.errors import DataflowError
from dataflow.shared.yaml_explanation import explain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ANSWERS_FILE = ".copier-answers.yml"

# Written in C and some ten times faster; wheels for every common platform have it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A key at the beginning of a line, its value behind it, and no indented line after that.
_ONE_LINE = re.compile(r"^(\w+):[ \t]+(\S.*)\n(?![ \t])", re.MULTILINE)


class AnswersError(DataflowError):
    """An answers file does not say what is needed to update its folder."""


@dataclass(frozen=True)
class Answers:
    """What an answers file says.

    Args:
        source: The template, as given to Copier.
        commit: Its version, as recorded by Copier: a tag, or what ``git describe`` made of it.
    """

    path: Path
    text: str = field(repr=False)
    source: str
    commit: str
    _on_one_line: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def values(self) -> dict[str, Any]:
        """The answers to the template's questions.

        Raises:
            AnswersError: The file is not valid YAML.
        """
        found = _load(self.path, self.text)
        return {str(key): value for key, value in found.items() if not str(key).startswith("_")}

    def some(self, names: Iterable[str]) -> dict[str, Any]:
        """A few of the answers, without reading all of the file where they stand on one line."""
        known = _one_line_values(self.text) if self._on_one_line is None else self._on_one_line
        wanted = [
            name
            for name in names
            if name in known or re.search(rf"^{name}:", self.text, re.MULTILINE)
        ]
        if all(name in known for name in wanted):
            return {name: known[name] for name in wanted}
        return {name: self.values[name] for name in wanted if name in self.values}


def read_answers(path: Path) -> Answers:
    """Read an answers file.

    Raises:
        AnswersError: It is missing, broken, or records no version of a template.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise AnswersError(
            f"{path} does not exist, so nothing says which template this folder came from.",
            "Restore the file from git, or render the folder anew with `dataflow workflow new`.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise AnswersError(f"{path} cannot be read: {error}.", "Restore it from git.") from error
    found = known = _one_line_values(text)
    if not {"_src_path", "_commit"} <= found.keys():
        found = _load(path, text)
    if not isinstance(found.get("_src_path"), str):
        raise AnswersError(
            f"{path} does not name a template (_src_path).", "Restore the file from git."
        )
    if found.get("_commit") is None:
        raise AnswersError(
            f"{path} records no version (_commit). Copier records none when a template is a "
            "plain folder or lies in a subfolder of a repository.",
            "Restore the file from git if it had one; otherwise make the template the root of a "
            "git repository with tags, and render from there.",
        )
    return Answers(path, text, found["_src_path"], str(found["_commit"]), known)


def _load(path: Path, text: str) -> dict[str, Any]:
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.MarkedYAMLError as error:
        line, _, reason = explain(error, text)
        raise AnswersError(
            f"{path} is not valid YAML: line {line}: {reason}.",
            "Correct it, `git add` it and commit."
            if reason == CONFLICT
            else "Restore it from git.",
        ) from error
    except yaml.YAMLError as error:
        raise AnswersError(f"{path} is not valid YAML: {error}", "Restore it from git.") from error
    return found if isinstance(found, dict) else {}


def _one_line_values(text: str) -> dict[str, Any]:
    """The values of top-level keys that stand on one line, each key once.

    Most of the time of a large update would go into reading the other answers, which nobody needs
    when only the version moves.
    """
    lines = _ONE_LINE.findall(text)
    names = [name for name, _ in lines]
    if len(set(names)) != len(names) or "\n---" in text:
        return {}
    try:
        return {name: _value(value) for name, value in lines}
    except yaml.YAMLError:
        return {}


@lru_cache(maxsize=10_000)
def _value(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)


def with_origin(text: str, source: str, commit: str) -> str:
    """Record another template version in the text of an answers file.

    The rest of the text stays as it is, byte for byte. The two lines look as Copier writes them.

    Args:
        text: The file's text; it has ``_src_path`` and may have ``_commit``.

    Raises:
        AnswersError: There is no ``_src_path`` at the top level of the text.
    """
    lines = [f"{line}\n" for line in text.split("\n")[:-1] if line.startswith("_commit:")]
    if len(lines) == 1 and f"\n{_line('_src_path', source)}\n" in text:
        # As Copier writes it, and by far the most common; a thousand are done in no time.
        return text.replace(lines[0], f"{_line('_commit', commit)}\n")
    node = yaml.compose(text, Loader=_Loader)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    spans = {
        key.value: (key.start_mark.index, value.end_mark.index)
        for key, value in pairs
        if key.value in {"_src_path", "_commit"}
    }
    if "_src_path" not in spans:
        raise AnswersError(
            "The template's answers file has no `_src_path`.",
            "It must contain `{{ _copier_answers|to_nice_yaml }}`.",
        )
    fresh = {"_commit": _line("_commit", commit), "_src_path": _line("_src_path", source)}
    if "_commit" not in spans:
        fresh["_src_path"] = fresh.pop("_commit") + "\n" + fresh["_src_path"]
    for name in sorted(fresh, key=lambda name: spans[name], reverse=True):
        start, end = spans[name]
        # A value in a block ends behind its last line.
        line_end = "\n" if text[start:end].endswith("\n") else ""
        text = text[:start] + fresh[name] + line_end + text[end:]
    return text


@cache
def _line(name: str, value: str) -> str:
    # The same call that Copier's `to_nice_yaml` filter ends in, so that the lines are the same.
    return yaml.dump({name: value}, indent=4, allow_unicode=True, default_flow_style=False).strip()
