"""A place to work in while planning: templates, their versions as folders, and room to render."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dataflow_tools.fleet.changes import VersionDifference, find_step
from dataflow_tools.fleet.copier_patches import compiled_once, fast_yaml
from dataflow_tools.fleet.export import Export
from dataflow_tools.fleet.generated_files import GeneratedFiles, generated_files
from dataflow_tools.fleet.own_files import OwnFileHistory, read_history
from dataflow_tools.fleet.render import Owner, render
from dataflow_tools.fleet.versions import Template, Version, open_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dataflow_tools.fleet.answers_file import Answers
    from dataflow_tools.fleet.tree import Entry

_PREFIX = "dataflow-update-"
# Bytes. Versions of a template are a few megabytes each; containers often have 64 megabytes.
_ROOM = 256 * 1024 * 1024
# Seconds after which a folder that nobody holds is taken for forgotten.
_FORGOTTEN = 60.0


class RenderCache:
    """Everything that many workflows have in common is opened, exported and compiled once.

    Used as a context manager; leaving it removes what it wrote, all of it in a folder for temporary
    files.

    Args:
        root: The folder that a template's relative path starts from.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stack = ExitStack()
        self._templates: dict[str, Template] = {}
        self._exports: dict[tuple[str, str], Export] = {}
        self._steps: dict[tuple[str, ...], VersionDifference] = {}
        self._excerpts: dict[tuple[str, str, str, frozenset[str]], Export] = {}
        self._histories: dict[tuple[str, str, str], OwnFileHistory] = {}
        self._generated: dict[tuple[str, str, str], GeneratedFiles] = {}
        self._renders = False

    def __enter__(self) -> Self:
        """Make the temporary folder."""
        self._folder = self._stack.enter_context(scratch_folder())
        return self

    def __exit__(self, *_: object) -> None:
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

    def step(
        self, old: Export, new: Export, answers: Answers, given: Iterable[str]
    ) -> VersionDifference:
        """Find out what a step between versions can change in a workflow with these answers."""
        few = answers.some({*old.deciding, *new.deciding})
        parts = (old.subdirectory(few), new.subdirectory(few))
        key = (old.template.source, old.version.commit, new.version.commit, *parts)
        if key not in self._steps:
            self._steps[key] = find_step(old, new, *parts, given)
        return self._steps[key]

    def excerpt(self, export: Export, answers: Answers, files: frozenset[str] | None) -> Export:
        """A version with only some of the template files, for the rendering of just those.

        A version that has to be rendered from its repository is returned as it is.
        """
        part = export.subdirectory(answers.some(export.deciding))
        if files is None or export.needs_repository(part):
            return export
        key = (export.template.source, export.version.commit, part, files)
        if key not in self._excerpts:
            folder = self._folder / f"excerpt-{len(self._excerpts)}"
            export.copy_some(folder, part, files)
            self._excerpts[key] = Export(export.template, export.version, folder)
        return self._excerpts[key]

    def history(self, template: Template, version: Version, answers: Answers) -> OwnFileHistory:
        """What became of the files that a template leaves to people, up to a version."""
        export = self.export(template, version)
        part = export.subdirectory(answers.some(export.deciding))
        key = (template.source, version.commit, part)
        if key not in self._histories:
            self._histories[key] = read_history(template, export, part)
        return self._histories[key]

    def generated(self, export: Export, name: str, answers: Answers) -> dict[str, Entry]:
        """The generated files of a workflow, as its version renders them.

        Args:
            name: The name of its folder.
        """
        part = export.subdirectory(answers.some(export.deciding))
        key = (export.template.source, export.version.commit, part)
        if key not in self._generated:
            # What it makes is of no interest, but the settings and the environment are.
            empty = self.excerpt(export, answers, frozenset())
            first = render(empty, name, answers, self.scratch(), settled=True)
            self._generated[key] = generated_files(export, part, first)
        known = self._generated[key].of(answers)
        if known is not None:
            return known
        whole = render(export, name, answers, self.scratch(), settled=True)
        generated = Owner.GENERATED
        return {path: file for path, file in whole.files.items() if whole.owner(path) is generated}

    def scratch(self) -> Path:
        """An empty folder to render below."""
        if not self._renders:
            self._stack.enter_context(compiled_once())
            self._stack.enter_context(fast_yaml())
            self._renders = True
        folder = self._folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder that is removed at the end.

    It is in memory if the system has such a place, since to create a file on a disk can take
    longer than to render it. What killed processes left there is removed first: it would fill
    the memory.
    """
    parent = _parent()
    if parent is not None:
        _sweep(parent)
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True
    ) as name:
        holder = os.open(name, os.O_RDONLY)
        try:
            # The system gives the lock back when the process dies, however it dies.
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(name).resolve()
        finally:
            os.close(holder)


def _parent() -> Path | None:
    shared = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    try:
        if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM:
            return shared
    except OSError:
        return None
    return None


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            status = folder.stat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < _FORGOTTEN:
                continue
            holder = os.open(folder, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(holder)
