"""One version of a template as a plain folder, and what its settings say."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.tree import Entry, read_tree
from dataflow_tools.fleet.versions import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dataflow_tools.fleet.versions import Template, Version

CONFIG_FILES = ("copier.yml", "copier.yaml")
# What a plain folder cannot tell Copier: where it came from and which version it is.
_NEEDS_REPOSITORY = re.compile(
    rb"_copier_answers|_copier_conf(?![.\w])|_copier_conf\.(?:src_path|vcs_ref)"
)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Export:
    """One version of a template as a plain folder."""

    template: Template
    version: Version
    folder: Path

    @cached_property
    def files(self) -> dict[str, Entry]:
        """Every file of the version."""
        return read_tree(self.folder)

    @cached_property
    def config_file(self) -> str | None:
        """The name of the file with the questions and settings."""
        return next((name for name in CONFIG_FILES if name in self.files), None)

    @cached_property
    def config(self) -> dict[str, Any] | None:
        """Questions and settings; ``None`` if they are spread over several documents.

        Raises:
            TemplateError: The file is not valid YAML.
        """
        if self.config_file is None:
            return {}
        text = self.files[self.config_file].data
        if b"!include" in text or re.search(rb"^---", text.lstrip(), re.MULTILINE):
            return None
        try:
            found = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
        except yaml.YAMLError as error:
            raise TemplateError(
                f"{self.config_file} of template version {self.version.name} is not valid YAML: "
                f"{error}",
                "Fix the template and release it again.",
            ) from error
        return found if isinstance(found, dict) else {}

    def subdirectory(self, answers: Mapping[str, Any]) -> str:
        """The folder that is rendered for someone with these answers; ``.`` for all of it."""
        used = {name: answers[name] for name in self.deciding if name in answers}
        key = (self.version.commit, repr(used))
        if key not in _SUBDIRECTORIES:
            prefix = PurePosixPath(_rendered(self._raw_subdirectory, used)).as_posix()
            known = any(name.startswith(f"{prefix}/") for name in self.files)
            _SUBDIRECTORIES[key] = prefix if known else "."
        return _SUBDIRECTORIES[key]

    @cached_property
    def deciding(self) -> list[str]:
        """The names of the answers that decide which folder is rendered."""
        return sorted(set(re.findall(r"[^\W\d]\w*", self._raw_subdirectory)))

    @property
    def _raw_subdirectory(self) -> str:
        return str((self.config or {}).get("_subdirectory") or "")

    def part(self, subdirectory: str) -> dict[str, Entry]:
        """The files in one of its folders, without the file of the questions."""
        if subdirectory == ".":
            return {name: file for name, file in self.files.items() if name != self.config_file}
        prefix = f"{subdirectory}/"
        return {
            name.removeprefix(prefix): entry
            for name, entry in self.files.items()
            if name.startswith(prefix)
        }

    def copy_some(self, folder: Path, subdirectory: str, files: Iterable[str]) -> None:
        """Copy the questions, the answers file's template and some other files elsewhere.

        Args:
            subdirectory: The folder that is rendered.
            files: Template files, by their path in the subdirectory.
        """
        wanted = {*files, *(name for name in self.part(subdirectory) if is_answers_file(name))}
        names = [name if subdirectory == "." else f"{subdirectory}/{name}" for name in wanted]
        (folder / subdirectory).mkdir(parents=True)
        for name in (*names, self.config_file or ""):
            if name:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.folder / name, folder / name, follow_symlinks=False)

    def needs_repository(self, subdirectory: str) -> bool:
        """Whether a rendered file, other than the answers file, names the template or version.

        Then Copier has to render from the repository itself, which is slower.
        """
        texts = [
            entry.data
            for name, entry in self.part(subdirectory).items()
            if not is_answers_file(name)
        ]
        if self.config_file is not None:
            texts.append(self.files[self.config_file].data)
        return any(_NEEDS_REPOSITORY.search(text) for text in texts)


def is_answers_file(name: str) -> bool:
    """Whether a template file makes the answers file."""
    last = PurePosixPath(name).name
    return "answers_file" in last or last.startswith(ANSWERS_FILE)


# Found once for each version and kind, however many workflows there are.
_SUBDIRECTORIES: dict[tuple[str, str], str] = {}


def _rendered(text: str, answers: Mapping[str, Any]) -> str:
    if "{" not in text:
        return text
    from jinja2 import TemplateError as JinjaError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        return SandboxedEnvironment().from_string(text).render(**answers)
    except JinjaError:
        return ""
