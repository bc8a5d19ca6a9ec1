"""What a step from one version to another can change in what a workflow is made of.

Most releases change a few files of a template, and many change none of a workflow's at all. What
cannot differ between two versions need not be rendered twice for each of many workflows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.tree import Entry

# Settings that say nothing about the rendered files.
_SILENT_SETTINGS = ("_message_", "_min_copier_version", "_skip_if_exists", "_generated")
# What a person sees of a question, and nothing else does.
_SILENT_KEYS = {"help", "placeholder", "qmark", "multiline"}
_INCLUDES = re.compile(rb"\{%[-+]?\s*(?:include|import|from|extends)\b")
_CUSTOM_SYNTAX = ("block_start_string", "line_statement_prefix")


@dataclass(frozen=True)
class VersionDifference:
    """What may differ between two versions.

    Args:
        old_files: The template files of the old version that may render differently, by their
            path in its subdirectory; ``None`` if any may.
        new_files: Those of the new version.
        asks_differently: Whether the recorded answers may differ.
    """

    old_files: frozenset[str] | None
    new_files: frozenset[str] | None
    asks_differently: bool

    @property
    def is_version_only(self) -> bool:
        """Whether nothing but the recorded version differs."""
        return not (self.old_files is None or self.old_files or self.new_files) and not (
            self.asks_differently
        )


_EVERYTHING = VersionDifference(None, None, asks_differently=True)


def find_step(
    old: Export, new: Export, old_part: str, new_part: str, given: Iterable[str] = ()
) -> VersionDifference:
    """Find out what may differ between two versions for a kind of workflow.

    A template file may render differently if it was added, removed or changed, or if it mentions
    a question that was, or one that refers to such a question, and so on. When in doubt,
    everything may differ.

    Args:
        old_part: The subdirectory that it is rendered from.
        new_part: The one that it will be rendered from.
        given: The questions that are answered anew.
    """
    if old.config is None or new.config is None or old_part != new_part:
        return _EVERYTHING
    if old.needs_repository(old_part) or new.needs_repository(new_part):
        return _EVERYTHING
    before, after = old.part(old_part), new.part(new_part)
    names = _changed_names(old.config, new.config) | {*given}
    if any(name.startswith("_") or not name.isascii() for name in names):
        return _EVERYTHING
    # The version is a name that a template file can use like that of a question.
    names = _with_dependents({*names, "_commit"}, (old.config, new.config))
    if any(name in new.config for name in names if name.startswith("_")):
        return _EVERYTHING
    if _is_entangled(new.config, before, after):
        return _EVERYTHING
    suffix = str(new.config.get("_templates_suffix") or ".jinja")
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    changed |= {path for part in (before, after) for path in _mentioning(names, part)}
    # Of `x` and `x.jinja` only the latter counts, so that one decides about the other.
    stems = {path.removesuffix(suffix) for path in changed}
    return VersionDifference(
        frozenset(path for path in before if path.removesuffix(suffix) in stems),
        frozenset(path for path in after if path.removesuffix(suffix) in stems),
        asks_differently=any(not _is_hidden(name, (old.config, new.config)) for name in names),
    )


def _changed_names(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    return {
        name
        for name in {*old, *new}
        if not name.startswith(_SILENT_SETTINGS)
        and _definition(old.get(name)) != _definition(new.get(name))
    }


def _definition(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if key not in _SILENT_KEYS}


def _is_entangled(config: dict[str, Any], *parts: Mapping[str, Entry]) -> bool:
    """Whether a template file may take in another, which may lie anywhere in the template."""
    syntax = config.get("_envops") or {}
    return any(name in syntax for name in _CUSTOM_SYNTAX) or any(
        _INCLUDES.search(entry.data) for part in parts for entry in part.values()
    )


def _with_dependents(names: set[str], configs: Iterable[dict[str, Any]]) -> set[str]:
    """Add the questions and settings that refer to the names, directly or not."""
    texts = [
        (name, repr(_definition(value)))
        for config in configs
        for name, value in config.items()
        if not name.startswith(_SILENT_SETTINGS)
    ]
    found = set(names)
    fresh = found
    while fresh:
        word = _words(fresh)
        fresh = {name for name, text in texts if name not in found and word.search(text)}
        found |= fresh
    return found


def _mentioning(names: set[str], part: Mapping[str, Entry]) -> set[str]:
    if not names:
        return set()
    word = _words(names)
    data = re.compile(word.pattern.encode())
    return {path for path, entry in part.items() if word.search(path) or data.search(entry.data)}


def _words(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in sorted(names))})\b")


def _is_hidden(name: str, configs: Iterable[dict[str, Any]]) -> bool:
    """Whether a question is never asked, so that its answer is not recorded."""
    questions = [config[name] for config in configs if name in config]
    return all(
        isinstance(question, dict) and question.get("when") is False for question in questions
    )
