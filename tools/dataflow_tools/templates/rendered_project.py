"""A project made by one version of a template, with a workflow for each set of answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import Project
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, Answers
from dataflow_tools.fleet.render import Rendering, render
from dataflow_tools.fleet.tree import Entry, write_entry
from dataflow_tools.templates.answer_sets import KIND, PROJECT, WORKFLOW
from dataflow_tools.templates.questions import choices_of, questions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.render_cache import RenderCache

# What a project has to be where the template does not render any.
_PLAIN = {"pyproject.toml": "[tool.dataflow]\n", ".gitignore": ".dataflow/\n"}


@dataclass
class RenderedProject:
    """A project on the disk, and what the template rendered into it.

    Args:
        renderings: What was rendered, by the name of the set of answers; the project's own files
            are under ``(project)``.
        given: The answers that each was rendered with.
        refused: The sets that could not be rendered, and why.
    """

    project: Project
    renderings: dict[str, Rendering] = field(default_factory=dict)
    given: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, DataflowError] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        """Where a set of answers was rendered."""
        return self.project.root if name == PROJECT_SET else self.project.workflow_dir(name)


PROJECT_SET = "(project)"


def render_project(
    cache: RenderCache,
    export: Export,
    sets: Mapping[str, Mapping[str, Any]],
    root: Path,
    progress: Callable[[str], None],
) -> RenderedProject:
    """Render a project, and in it a workflow for each set of answers.

    A set that is refused leaves no folder, and the others are rendered all the same.

    Args:
        root: The project's folder, which does not exist yet.
    """
    made = RenderedProject(Project(root))
    root.mkdir(parents=True)
    jobs: dict[str, dict[str, Any]] = {}
    if PROJECT in (choices_of(questions_of(export.config or {}).get(KIND, {})) or []):
        jobs[PROJECT_SET] = {KIND: PROJECT}
    else:
        for path, text in _PLAIN.items():
            (root / path).write_text(text, encoding="utf-8")
    for name, answers in sets.items():
        jobs[name] = {KIND: WORKFLOW, "workflow_id": name, **known_answers(export, answers)}
    for number, (name, answers) in enumerate(jobs.items(), start=1):
        progress(f"rendering {number} of {len(jobs)} at {export.version.name}: {name}")
        folder = made.folder(name)
        try:
            rendering = render_fresh(cache, export, folder.name, answers)
        except DataflowError as error:
            made.refused[name] = error
            continue
        made.renderings[name], made.given[name] = rendering, answers
        write_rendering(rendering, folder)
    return made


def known_answers(export: Export, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some answers that a version of the template can be given."""
    questions = questions_of(export.config or {})
    return {
        name: value
        for name, value in answers.items()
        if name in questions and _is_offered(questions[name], value)
    }


def _is_offered(question: Mapping[str, Any], value: Any) -> bool:
    choices = choices_of(question)
    return choices is None or value in choices


def render_fresh(
    cache: RenderCache, export: Export, name: str, answers: Mapping[str, Any]
) -> Rendering:
    """Render what somebody gets who makes an instance now; raises what `render` raises."""
    source, commit = export.template.source, export.version.name
    text = f"_commit: {commit}\n_src_path: {source}\n"
    known = Answers(cache.scratch() / ANSWERS_FILE, text, source, commit)
    return render(export, name, known, cache.scratch(), settled=False, given=answers)


def write_rendering(rendering: Rendering, folder: Path) -> None:
    """Write what was rendered into a folder."""
    everything = {**rendering.files, ANSWERS_FILE: Entry(rendering.answers_text.encode())}
    for path, entry in everything.items():
        write_entry(folder / path, entry)
