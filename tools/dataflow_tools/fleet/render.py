"""Render one workflow from one version of a template, by Copier, into a folder of our own."""

from __future__ import annotations

import os
import shutil
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.answers import ANSWERS_FILE, Answers, read_answers, with_origin
from dataflow_tools.fleet.tree import Entry, read_tree
from dataflow_tools.scaffold.git import REPOSITORY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from copier._main import Worker

    from dataflow_tools.fleet.export import Export


class RenderingError(DataflowError):
    """Copier refused to render a version of the template with the answers given."""


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
        with _quiet(export, with_git=from_repository):
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
        raise RenderingError(
            f"Template version {export.version.name} cannot be rendered: {_words(error)}",
            "Give a valid answer with `--data KEY=VALUE`, or mend the template.",
        ) from error
    finally:
        shutil.rmtree(destination, ignore_errors=True)
    return Rendering(files, text, answers, worker)


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith(".") else f"{text}."


@contextmanager
def _quiet(export: Export, *, with_git: bool) -> Iterator[None]:
    """Run Copier without its warnings and, where it needs none, without its calls of git.

    Copier asks git about the destination after each file that it writes and about a plain
    folder before it reads it; a run would start some forty processes. It looks git up on the
    path of its process library, which is emptied for the time being.

    Where it does need git, it clones a remote template again. It gets our mirror instead, and
    a cache of its own, as the one that all Copier processes share breaks now and then.
    """
    from plumbum import local

    template = export.template
    environment = {"COPIER_CACHE_DIR": str(export.folder.with_name("copier-cache"))}
    if not with_git:
        environment["PATH"] = os.devnull
    elif template.address is not None:
        # https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
        environment["GIT_CONFIG_COUNT"] = "1"
        environment["GIT_CONFIG_KEY_0"] = f"url.{template.repository}.insteadOf"
        environment["GIT_CONFIG_VALUE_0"] = template.address
    with warnings.catch_warnings(), local.env(**environment), _variable(environment):
        warnings.simplefilter("ignore")
        for name in REPOSITORY_VARIABLES:
            if name in local.env:
                del local.env[name]
        yield


@contextmanager
def _variable(environment: Mapping[str, str]) -> Iterator[None]:
    """Set the one variable that Copier reads from this process's environment."""
    name = "COPIER_CACHE_DIR"
    previous = os.environ.get(name)
    os.environ[name] = environment[name]
    try:
        yield
    finally:
        if previous is None:
            del os.environ[name]
        else:
            os.environ[name] = previous
