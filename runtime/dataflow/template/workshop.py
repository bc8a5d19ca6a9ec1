"""A place to work in while planning: templates, their versions as folders, and room to render."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dataflow.template.changes import affects
from dataflow.template.compilation import compiled_once
from dataflow.template.export import Export
from dataflow.template.versions import Template, Version, open_template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Workshop"]


class Workshop:
    """Everything that many workflows have in common is opened, exported and compiled once.

    Used as a context manager; leaving it removes what it wrote, all of it in the system's folder
    for temporary files.

    Args:
        root: The folder that a template's relative path starts from.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stack = ExitStack()
        self._templates: dict[str, Template] = {}
        self._exports: dict[tuple[str, str], Export] = {}
        self._steps: dict[tuple[str, str, str, str, str], bool] = {}
        self._renders = False

    def __enter__(self) -> Self:
        """Make the temporary folder."""
        folder = tempfile.TemporaryDirectory(prefix="dataflow-update-", ignore_cleanup_errors=True)
        self._folder = Path(self._stack.enter_context(folder)).resolve()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the temporary folder."""
        self._stack.close()

    def template(self, source: str) -> Template:
        """Open a template; raises what `open_template` raises."""
        if source not in self._templates:
            self._templates[source] = open_template(source, self._root)
        return self._templates[source]

    @property
    def notes(self) -> list[str]:
        """What the templates opened so far have to say."""
        return [note for template in self._templates.values() for note in template.notes]

    def export(self, template: Template, version: Version) -> Export:
        """A version of a template as a plain folder."""
        key = (template.source, version.commit)
        if key not in self._exports:
            folder = self._folder / f"version-{len(self._exports)}"
            template.export(version, folder)
            self._exports[key] = Export(template, version, folder)
        return self._exports[key]

    def affects(self, old: Export, new: Export, answers: Mapping[str, Any]) -> bool:
        """Tell whether a step between versions can change a workflow with these answers."""
        parts = (old.subdirectory(answers), new.subdirectory(answers))
        key = (old.template.source, old.version.commit, new.version.commit, *parts)
        if key not in self._steps:
            self._steps[key] = affects(old, new, *parts)
        return self._steps[key]

    def scratch(self) -> Path:
        """An empty folder to render below."""
        if not self._renders:
            self._stack.enter_context(compiled_once())
            self._renders = True
        folder = self._folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder
