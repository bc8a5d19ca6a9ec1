"""Render one workflow from one version of a template, by Copier, into a folder of our own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, Answers, read_answers, with_origin
from dataflow_tools.fleet.copier_patches import without_git
from dataflow_tools.fleet.tree import Entry, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from copier._main import Worker
    from pathspec import GitIgnoreSpec

    from dataflow_tools.fleet.export import Export


class RenderingError(DataflowError):
    """Copier refused to render a version of the template with the answers given.

    Why: A version of the template is rendered with the answers that the workflow keeps in
    `.copier-answers.yml`, and one of them is not valid there any more.

    What to do: Give another answer: `dataflow workflow update NAME -d KEY=VALUE`.
    """


class Owner(StrEnum):
    """Who decides about the content of a rendered file.

    A template declares it in its ``copier.yml``, in patterns as in a ``.gitignore``:
    ``_skip_if_exists`` lists what is *yours*. It is Copier's own setting, so a plain ``copier
    update`` keeps those files as well. ``_generated`` lists what is *generated*; Copier ignores
    settings that it does not know. Everything else is *merged*.
    """

    GENERATED = "generated"
    MERGED = "merged"
    YOURS = "yours"


@dataclass(frozen=True)
class Rendering:
    """What a version of the template makes of a workflow's answers.

    Args:
        files: The rendered files, without the answers file.
        answers_text: The rendered answers file.
        answers: The answers used, as the answers file records them.
        worker: The Copier run, which knows the template's settings.
    """

    files: dict[str, Entry]
    answers_text: str
    answers: dict[str, Any]
    worker: Worker

    def owner(self, path: str) -> Owner:
        """Who owns a path in the workflow's folder, by this version."""
        if self.worker.match_skip(Path(path)):
            return Owner.YOURS
        return Owner.GENERATED if self._generated.match_file(path) else Owner.MERGED

    @cached_property
    def _generated(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        lines = self.worker.template.config_data.get("generated", ())
        context = dict(self.worker.answers.combined)
        return GitIgnoreSpec.from_lines(
            self.worker.jinja_env.from_string(str(line)).render(context) for line in lines
        )


def render(
    export: Export,
    name: str,
    known: Answers,
    scratch: Path,
    *,
    settled: bool,
    given: Mapping[str, Any] | None = None,
    exclude: Sequence[str] = (),
) -> Rendering:
    """Render a workflow as a given version of the template would.

    Args:
        export: The version.
        name: The name of the workflow's folder, which a template may use.
        known: The workflow's answers.
        scratch: An existing folder to render below; it is left empty.
        settled: Take the known answers as they are, as befits the version that asked for them.
            Otherwise they are checked anew, and one that is not valid any more is replaced by
            the default.
        given: Answers that override the known ones.
        exclude: Patterns of files to leave out, beside the template's own.

    Raises:
        RenderingError: Copier refused; the error has its words.
    """
    import copier

    destination = scratch / name
    destination.mkdir()
    origin = {"_commit": export.version.name, "_src_path": known.source}
    data: dict[str, Any] = {**origin, **(known.values if settled else {}), **(given or {})}
    if not settled:
        (destination / ANSWERS_FILE).write_bytes(known.text.encode())
    part = export.subdirectory({**known.values, **(given or {})})
    from_repository = export.needs_repository(part)
    try:
        with without_git(export, except_for_template=from_repository):
            worker = copier.run_copy(
                known.source if from_repository else str(export.folder),
                destination,
                data,
                answers_file=ANSWERS_FILE,
                vcs_ref=export.version.commit if from_repository else None,
                # A person's own defaults would make an update depend on who runs it.
                settings=copier.Settings(),
                exclude=exclude,
                defaults=True,
                overwrite=True,
                quiet=True,
            )
        files = read_tree(destination)
        text = with_origin(
            files.pop(ANSWERS_FILE, Entry(b"")).data.decode(), known.source, export.version.name
        )
        (destination / ANSWERS_FILE).write_bytes(text.encode())
        answers = read_answers(destination / ANSWERS_FILE).values
    except DataflowError:
        raise
    except Exception as error:
        # A template is a program of somebody else's; it can fail in any way.
        words = " ".join(str(error).split()) or type(error).__name__
        raise RenderingError(
            f"Template version {export.version.name} cannot be rendered: {words.rstrip('.')}.",
            "Give a valid answer with `--data KEY=VALUE`, or fix the template.",
        ) from error
    finally:
        shutil.rmtree(destination, ignore_errors=True)
    return Rendering(files, text, answers, worker)
