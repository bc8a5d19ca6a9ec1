"""Checks values against the configuration's model, and says in plain words what does not fit."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.config_types import Section, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dataflow.shared.yaml_document import KeyPath

# Where the model is one of several, which pydantic then names in an error's location.
_ONE_OF_SEVERAL = re.compile(r"ingestion\.source|transformation\.stages\.\d+")
_PLAIN = {
    "bool_type": "is neither true nor false",
    "dict_type": "is not a mapping of keys to values",
    "list_type": "is not a list",
    "model_attributes_type": "is not a mapping of keys to values",
    "model_type": "is not a mapping of keys to values",
    "string_type": "is not text",
}


@dataclass(frozen=True)
class Misfit:
    """One thing that does not fit, at a key path.

    Attributes:
        path: Where, or where it would stand if it were there.
        reason: What is wrong, as the rest of a sentence that begins with the value.
        allowed: What is allowed there.
        hint: What was probably meant.
        of_key: Whether the key itself is wrong, whatever its value.
    """

    path: KeyPath
    reason: str
    allowed: str = ""
    hint: str = ""
    of_key: bool = False


def check_values(values: dict[str, Any]) -> tuple[WorkflowConfig | None, list[Misfit]]:
    """Make the typed configuration of plain values.

    Returns:
        The configuration, or ``None`` and everything that does not fit.
    """
    try:
        return WorkflowConfig.model_validate(values), []
    except ValidationError as error:
        findings = [_translate(details, values) for details in error.errors(include_url=False)]
    return None, list(_without_consequences(findings))


def _translate(error: Any, values: dict[str, Any]) -> Misfit:
    path = _path(error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind == "dataflow":
        reason = str(context["reason"])
        if value_at(values, path) is None and not reason.startswith(("is missing", "`")):
            reason = "has no value"
        return Misfit(path, reason, context["allowed"], context["hint"])
    if kind == "missing":
        return Misfit(path, "is missing", _choices_at(path, values))
    if kind == "extra_forbidden":
        return _unknown_key(path, values)
    if kind == "literal_error":
        return _not_a_choice(path, re.findall(r"'([^']*)'", context["expected"]), values)
    if kind == "union_tag_invalid":
        path = (*path, context["discriminator"].strip("'"))
        return _not_a_choice(path, re.findall(r"'([^']*)'", context["expected_tags"]), values)
    if kind == "union_tag_not_found":
        return _missing_tag(path, context["discriminator"].strip("'"), values)
    if value_at(values, path) is None:
        return Misfit(path, "has no value")
    return Misfit(path, _PLAIN.get(kind, f"is not allowed here: {error['msg']}"))


def _missing_tag(path: KeyPath, tag: str, values: dict[str, Any]) -> Misfit:
    mapping = value_at(values, path)
    for key in mapping if isinstance(mapping, dict) else ():
        hint = _did_you_mean(key, [tag])
        if hint:
            return Misfit((*path, key), "is not a known key", hint=hint, of_key=True)
    return Misfit((*path, tag), "is missing", _choices_at((*path, tag), values))


def _path(location: Iterable[str | int]) -> KeyPath:
    path: list[str | int] = []
    skip = False
    for part in location:
        if skip:
            skip = False
            continue
        path.append(part)
        skip = bool(_ONE_OF_SEVERAL.fullmatch(".".join(map(str, path))))
    return tuple(path)


def _unknown_key(path: KeyPath, values: dict[str, Any]) -> Misfit:
    known = [key for section in _sections_at(path[:-1], values) for key in _keys(section)]
    hint = _did_you_mean(str(path[-1]), known)
    allowed = "" if hint else ", ".join(dict.fromkeys(known))
    return Misfit(path, "is not a known key", allowed, hint, of_key=True)


def _not_a_choice(path: KeyPath, choices: list[str], values: dict[str, Any]) -> Misfit:
    value = value_at(values, path)
    hint = _did_you_mean(value, choices) if isinstance(value, str) else ""
    reason = "has no value" if value is None else "is not one of the choices"
    return Misfit(path, reason, ", ".join(choices), hint)


def _did_you_mean(word: str, words: Iterable[str]) -> str:
    by_lower = {known.lower(): known for known in words}
    typed = word.lower()[:100]
    near = difflib.get_close_matches(typed, by_lower, 1, 0.6)
    # `oauth2` is far from `oauth2_client_credentials` by its letters, but not by its sense.
    near = near or [known for known in by_lower if len(typed) > 3 and known.startswith(typed)]
    return f"did you mean `{by_lower[near[0]]}`?" if near else ""


def _without_consequences(findings: list[Misfit]) -> Iterator[Misfit]:
    """Leave out that a key is missing when it is there, but misspelt."""
    meant = {
        (*finding.path[:-1], finding.hint.split("`")[1])
        for finding in findings
        if finding.of_key and finding.hint
    }
    for finding in findings:
        if not (finding.path in meant and finding.reason.startswith("is missing")):
            yield finding


def _choices_at(path: KeyPath, values: dict[str, Any]) -> str:
    """What an enumeration at ``path`` allows, or nothing if there is none."""
    choices: list[str] = []
    for section in _sections_at(path[:-1], values):
        for name, field in section.model_fields.items():
            if path[-1] == (field.alias or name):
                choices += [c for c in get_args(field.annotation) if isinstance(c, str)]
    return ", ".join(dict.fromkeys(choices))


def _sections_at(path: KeyPath, values: dict[str, Any]) -> list[type[Section]]:
    """The models that the mapping at ``path`` may be of, going by the keys that tell them apart."""
    sections: list[type[Section]] = [WorkflowConfig]
    for depth, part in enumerate(path):
        if isinstance(part, int):
            continue
        fields = [
            field
            for section in sections
            for name, field in section.model_fields.items()
            if part == (field.alias or name)
        ]
        found = [section for field in fields for section in _sections_in(field.annotation)]
        after = path[depth + 1] if depth + 1 < len(path) else None
        here = path[: depth + 2] if isinstance(after, int) else path[: depth + 1]
        sections = _narrowed(found, value_at(values, here))
    return sections


def _sections_in(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections_in(part)]


def _narrowed(sections: list[type[Section]], value: Any) -> list[type[Section]]:
    if len(sections) < 2 or not isinstance(value, dict):
        return sections
    exact = [
        section
        for section in sections
        if any(value.get(tag) in _tags(section, tag) for tag in ("type", "name"))
    ]
    return exact or sections


def _tags(section: type[Section], key: str) -> tuple[Any, ...]:
    field = section.model_fields.get(key)
    return get_args(field.annotation) if field else ()


def _keys(section: type[Section]) -> list[str]:
    return [field.alias or name for name, field in section.model_fields.items()]
