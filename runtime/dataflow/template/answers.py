"""The answers file: which template a folder came from, at which version, with which answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.errors import DataflowError
from dataflow.template.git import hide_credentials

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ANSWERS_FILE", "Answers", "AnswersError", "read_answers", "with_origin"]

ANSWERS_FILE = ".copier-answers.yml"

# Written in C and some ten times faster; wheels for every common platform have it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class AnswersError(DataflowError):
    """An answers file does not say what is needed to update its folder."""


@dataclass(frozen=True)
class Answers:
    """What an answers file says.

    Args:
        source: The template, as given to Copier.
        commit: Its version, as recorded by Copier: a tag, or what ``git describe`` made of it.
        values: The answers to the template's questions.
        text: The whole file.
    """

    source: str
    commit: str
    values: dict[str, Any] = field(hash=False)
    text: str = field(repr=False)

    @property
    def shown_source(self) -> str:
        """The template without credentials, for people to read."""
        return hide_credentials(self.source)


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
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise AnswersError(f"{path} is not valid YAML: {error}", "Restore it from git.") from error
    if not isinstance(found, dict) or not isinstance(found.get("_src_path"), str):
        raise AnswersError(
            f"{path} does not name a template (_src_path).", "Restore the file from git."
        )
    if found.get("_commit") is None:
        raise AnswersError(
            f"{path} records no version (_commit). Copier records none when a template is a "
            "plain folder or lies in a subfolder of a repository.",
            "Make the template the root of a git repository with tags, and render from there.",
        )
    values = {str(name): value for name, value in found.items() if not str(name).startswith("_")}
    return Answers(found["_src_path"], str(found["_commit"]), values, text)


def with_origin(text: str, source: str, commit: str) -> str:
    """Record another template version in the text of an answers file.

    The rest of the text stays as it is, byte for byte. The two lines look as Copier writes them.

    Args:
        text: The file's text; it has ``_src_path`` and may have ``_commit``.
        source: The template to record.
        commit: The version to record.

    Raises:
        AnswersError: There is no ``_src_path`` at the top level of the text.
    """
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
    lines = {"_commit": _line("_commit", commit), "_src_path": _line("_src_path", source)}
    if "_commit" not in spans:
        lines["_src_path"] = lines.pop("_commit") + "\n" + lines["_src_path"]
    for name in sorted(lines, key=lambda name: spans[name], reverse=True):
        start, end = spans[name]
        text = text[:start] + lines[name] + text[end:]
    return text


def _line(name: str, value: str) -> str:
    # The same call that Copier's `to_nice_yaml` filter ends in, so that the lines are the same.
    return yaml.dump({name: value}, indent=4, allow_unicode=True, default_flow_style=False).strip()
