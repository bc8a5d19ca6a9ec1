"""Making a project or a workflow from the template, with Copier."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse
from uuid import uuid4

import yaml

from dataflow.shared.errors import BadInputError
from dataflow.workflows.identifiers import check_workflow_id
from dataflow_tools.scaffold.git import find_top, succeeds
from dataflow_tools.scaffold.given_answers import check_given, choice_error, refuse_hidden
from dataflow_tools.scaffold.packed_template import packed_template
from dataflow_tools.scaffold.relocation import relocate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dataflow.shared.project import Project


# So many seconds nobody sits before the questions of a template.
_LONGEST = 24 * 3600
# What the command decides, which every template has.
_SETTLED = {"kind", "workflow_id"}


@dataclass(frozen=True)
class TemplateSource:
    """Where a template is, as ``copier copy`` takes it, and its version; None is the newest."""

    url: str
    ref: str | None = None


def installed_template() -> TemplateSource:
    """The template that belongs to the installed library: both come from one repository.

    Where that is stands in the file that pip writes beside a package that was not installed
    from an index (https://packaging.python.org/en/latest/specifications/direct-url/).

    Where it was installed from an index, it has the template inside.

    Raises:
        BadInputError: It has none.
    """
    text = distribution("dataflow-tools").read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    url = str(origin.get("url", ""))
    folder = Path(unquote(urlparse(url).path)) if url.startswith("file:") else None
    if "vcs_info" in origin:
        # Copier takes an address for a repository's only if it says so, and a folder without file:.
        source = str(folder) if folder is not None else f"git+{url}"
        return TemplateSource(source, origin["vcs_info"]["commit_id"])
    if folder is not None and (folder.parent / "copier.yml").is_file():
        return TemplateSource(str(folder.parent), "HEAD")
    packed = packed_template()
    if packed is not None:
        return TemplateSource(packed.source, packed.tag)
    raise BadInputError(
        "The installed library does not say where its template is.",
        "Name it: dataflow init PATH --template URL_OF_THE_REPOSITORY",
    )


def create_project(
    path: Path, template: TemplateSource, answers: Mapping[str, Any], *, ask: bool
) -> None:
    """Render a new project.

    Args:
        path: The folder to make. It may exist if it is empty or holds nothing but ``.git``.
        answers: Answers to the template's questions.
        ask: Ask for the others on the terminal; otherwise take their defaults.

    Raises:
        BadInputError: The folder has files, or an answer is not valid.
    """
    refuse_subfolder(template.url)
    if path.exists() and any(entry.name != ".git" for entry in path.iterdir()):
        raise BadInputError(
            f"The folder {path} is not empty; a project needs a folder of its own.",
            "Name a folder that does not exist yet.",
        )
    _copy(template, path, {"kind": "project", **answers}, ask=ask, told=answers)


def create_workflow(
    project: Project,
    workflow_id: str,
    answers: Mapping[str, Any],
    *,
    ask: bool,
    told: Collection[str] = (),
) -> Path:
    """Render a new workflow into a project, from the template version the project has.

    Args:
        answers: Answers to the template's questions.
        ask: Ask for the others on the terminal; otherwise take their defaults.
        told: Those of the answers that a person gave, which must not be left out without a word.

    Returns:
        The workflow's folder.

    Raises:
        BadInputError: The id is not allowed or taken, or an answer is not valid.
    """
    check_workflow_id(workflow_id)
    folder = project.workflow_dir(workflow_id)
    taken = BadInputError(
        f"There is a workflow {workflow_id!r} already: {project.relative(folder)}.",
        "Choose another name, or remove that folder first.",
    )
    if folder.exists():
        raise taken
    everything = {**answers, "kind": "workflow", "workflow_id": workflow_id}
    # Made aside and moved to its place when it is whole, whenever the process is stopped; as many
    # folders deep, for templates that read what lies above.
    rooms = project.files_dir / "new"
    _clear_left(rooms)
    room = rooms / uuid4().hex
    try:
        _copy(_template_of(project), room / workflow_id, everything, ask=ask, told=told)
        relocate(room / workflow_id, folder)
    except OSError as error:
        if folder.exists():
            # Somebody else has made it in the meantime.
            raise taken from error
        raise BadInputError(
            f"{project.relative(folder)} could not be made: {error.strerror or error}.",
            "See that the folder can be written and that the disk has room; then run it again.",
        ) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)
        with contextlib.suppress(OSError):
            # Unless another one is at work.
            rooms.rmdir()
    return folder


def _clear_left(rooms: Path) -> None:
    """Take away what killed processes have left; others may be at work beside this one."""
    with contextlib.suppress(OSError):
        for room in rooms.iterdir():
            if time.time() - room.stat().st_mtime > _LONGEST:
                shutil.rmtree(room, ignore_errors=True)


def is_on_this_machine(url: str) -> bool:
    """Whether a template is a folder, which nobody can reach from another machine."""
    return url.startswith("file://") or Path(url).expanduser().is_dir()


def refuse_subfolder(url: str) -> None:
    """Refuse a template of which Copier would record no version, so that it could never update.

    Raises:
        BadInputError: It lies in a subfolder of a repository.
    """
    folder = Path(url.removeprefix("file://")).expanduser()
    if not folder.is_dir() or (folder / "HEAD").is_file():
        return
    top = find_top(folder)
    if top is not None and top != folder.resolve():
        raise BadInputError(
            f"The template {folder} lies in a subfolder of the repository {top}. Copier records no "
            "version of such a template, so that nothing made from it could ever be updated.",
            "Give it a repository of its own, with its history: "
            f"git -C {top} subtree split --prefix {folder.resolve().relative_to(top)} -b template",
        )


def _template_of(project: Project) -> TemplateSource:
    path = project.root / ".copier-answers.yml"
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        url, ref = str(answers["_src_path"]), answers.get("_commit")
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{project.relative(path)} does not say where the project's template is.",
            "Restore it from git: `dataflow init` wrote it, with _src_path and _commit.",
        ) from error
    if Path(url).is_dir() and not _has_commit(Path(url), ref):
        # A local template with uncommitted changes is recorded under a commit that never was.
        return TemplateSource(url, "HEAD")
    return TemplateSource(url, ref)


def _has_commit(repository: Path, ref: str | None) -> bool:
    return ref is not None and succeeds(
        "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=repository
    )


def _copy(
    template: TemplateSource,
    path: Path,
    data: dict[str, Any],
    *,
    ask: bool,
    told: Collection[str],
) -> None:
    from copier import run_copy
    from copier.errors import CopierError, DirtyLocalWarning
    from jinja2 import TemplateError

    existed = path.exists()
    packed = packed_template()
    if packed is not None and not packed.has(template.url, template.ref):
        packed = None
    try:
        # A template with uncommitted changes is its author's own, who knows.
        warnings.simplefilter("ignore", DirtyLocalWarning)
        with packed.in_place() if packed is not None else contextlib.nullcontext():
            worker = run_copy(
                template.url,
                path,
                data=data,
                vcs_ref=template.ref if _is_repository(template.url) else None,
                defaults=not ask,
                quiet=True,
            )
    except KeyboardInterrupt:
        if path.exists():
            _clear(path, existed=existed)
        raise
    except (CopierError, TemplateError, ValueError, OSError) as error:
        if not existed:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(path)
        if isinstance(error, OSError) and error.errno is not None:
            # The machine has said no; a command of git's that did so has no such number.
            raise
        raise choice_error(str(error)) or BadInputError(
            f"The template could not be rendered: {error}",
            f"Correct the answer, or see that the template can be reached: {template.url}",
        ) from error
    try:
        check_given(
            {name: data[name] for name in data if name in told or name not in _SETTLED},
            worker.template.questions_data,
            where="The project's version of the template",
        )
        refuse_hidden(told, worker.answers.hidden, worker.answers.combined)
    except BadInputError:
        _clear(path, existed=existed)
        raise


def _clear(path: Path, *, existed: bool) -> None:
    """Leave a folder as it was before the template was rendered into it."""
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if entry.name != ".git":
                shutil.rmtree(entry)
        else:
            entry.unlink()
    if not existed:
        path.rmdir()


def _is_repository(url: str) -> bool:
    folder = Path(url)
    return not folder.is_dir() or (folder / ".git").exists()
