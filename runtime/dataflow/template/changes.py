"""Whether a step from one version to another can change what a workflow is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dataflow.template.export import Export
    from dataflow.template.tree import Entry

__all__ = ["affects"]

# Settings that say nothing about the rendered files.
_SILENT_SETTINGS = ("_message_", "_min_copier_version", "_skip_if_exists", "_generated")
# What a person sees of a question, and nothing else does.
_SILENT_KEYS = {"help", "placeholder", "qmark", "multiline"}
_INCLUDES = re.compile(rb"\b(?:include|import|from|extends)\b[^\n]*")


def affects(old: Export, new: Export, old_part: str, new_part: str) -> bool:
    """Tell whether ``new`` may render a workflow differently from ``old``.

    It may, unless the files it is rendered from are the same and so are the questions, where a
    hidden value (``when: false``) that nothing rendered refers to does not count. The template's
    own version number is such a value. When in doubt, the answer is yes.

    Args:
        old: The version a workflow is at.
        new: The version it goes to.
        old_part: The subdirectory that it is rendered from.
        new_part: The one that it will be rendered from.
    """
    if old.config is None or new.config is None:
        return True
    part = new.part(new_part)
    if old.part(old_part) != part or _reaches_outside(part):
        return True
    names = {name for name in {*old.config, *new.config} if not name.startswith(_SILENT_SETTINGS)}
    differing = {
        name
        for name in names
        if _definition(old.config.get(name)) != _definition(new.config.get(name))
    }
    return any(not _is_unused(name, (old.config, new.config), part) for name in differing)


def _definition(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if key not in _SILENT_KEYS}


def _is_unused(name: str, configs: Iterable[dict[str, Any]], part: Mapping[str, Entry]) -> bool:
    if name.startswith("_"):
        return False
    word = re.compile(rf"\b{re.escape(name)}\b")
    for config in configs:
        question = config.get(name, {"when": False})
        if not isinstance(question, dict) or question.get("when", True) is not False:
            return False
        others = {
            key: _definition(value)
            for key, value in config.items()
            if key != name and not key.startswith("_message_")
        }
        if word.search(repr(others)):
            return False
    binary = re.compile(word.pattern.encode())
    return not any(word.search(path) or binary.search(entry.data) for path, entry in part.items())


def _reaches_outside(part: Mapping[str, Entry]) -> bool:
    """Whether a template file takes in another, which may lie anywhere in the template."""
    return any(
        re.search(rb"\{%[-+]?\s*" + _INCLUDES.pattern, entry.data) for entry in part.values()
    )
