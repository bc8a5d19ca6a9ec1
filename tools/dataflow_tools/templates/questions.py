"""A template's questions, as ``copier.yml`` declares them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNSET = re.compile(r"^\{\{\s*UNSET\s*\}\}$")


def questions_of(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The questions, each in its long form; settings begin with ``_``."""
    found = {}
    for name, value in config.items():
        if not name.startswith("_"):
            found[name] = value if isinstance(value, dict) else {"default": value}
    return found


def is_hidden(question: Mapping[str, Any]) -> bool:
    """Whether nobody is ever asked it: a value that the template computes."""
    return question.get("when") is False


def has_default(question: Mapping[str, Any]) -> bool:
    """Whether a question has an answer for those whom nobody asks."""
    if "default" not in question:
        # Copier's own rule: yes or no is no, a choice is the first, a text needs an answer.
        return False
    return not _UNSET.match(str(question["default"]).strip())


def choices_of(question: Mapping[str, Any]) -> list[Any] | None:
    """What may be answered; ``None`` if that is free, or decided only while it is asked."""
    declared = question.get("choices")
    if isinstance(declared, dict):
        declared = list(declared.values())
    if not isinstance(declared, list):
        return [True, False] if question.get("type") == "bool" else None
    values = [choice[1] if isinstance(choice, list) else choice for choice in declared]
    return [value.get("value") if isinstance(value, dict) else value for value in values]


def is_asked(question: Mapping[str, Any], answers: Mapping[str, Any]) -> bool:
    """Whether a question may be asked of somebody with these answers; yes, when in doubt."""
    if is_hidden(question):
        return False
    when = question.get("when", True)
    if not isinstance(when, str):
        return bool(when)
    from jinja2 import TemplateError, Undefined
    from jinja2.sandbox import SandboxedEnvironment

    class Unknown(Undefined):
        """An answer that is not known yet: what depends on it may well be asked."""

        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return True

        def __bool__(self) -> bool:
            return True

        __hash__ = Undefined.__hash__

    try:
        text = SandboxedEnvironment(undefined=Unknown).from_string(when).render(**answers)
    except (TemplateError, TypeError):
        return True
    return text.strip().lower() not in {"", "false", "no", "0", "none"}
