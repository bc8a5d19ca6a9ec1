"""How far a workflow is from its template: versions behind, and generated files that differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.applying import journal_folder
from dataflow_tools.fleet.journal import pending
from dataflow_tools.fleet.own_files import own_file_notes
from dataflow_tools.fleet.render_cache import RenderCache
from dataflow_tools.fleet.template_instance import Instance, find_instances, project_instance
from dataflow_tools.fleet.tree import read_entry
from dataflow_tools.fleet.worktree import NoRepositoryError, read_work_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.fleet.answers_file import Answers
    from dataflow_tools.fleet.versions import Version


class State(StrEnum):
    """Where a workflow stands. The values are part of the ``--json`` output."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"
    UNKNOWN = "unknown"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True)
class Drift:
    """A generated file that is not as its version renders it: ``edited`` or ``missing``."""

    path: str
    kind: str


@dataclass
class Survey:
    """What is known about one workflow.

    Args:
        path: Its folder, from the project's root.
        behind: The releases in between, oldest first, the latest with them.
        drift: Generated files that differ; ``None`` if that was not looked at.
        conflicts: Files with conflicts that nobody has resolved yet, or that were committed so.
        notes: What else a person should do about it.
        reason: Why something is not known.
    """

    workflow_id: str
    path: str
    state: State = State.UNKNOWN
    version: str | None = None
    latest: str | None = None
    behind: list[str] = field(default_factory=list)
    drift: list[Drift] | None = None
    conflicts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reason: str | None = None
    instruction: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The survey as plain data, without a reason or instruction that is not there."""
        found = asdict(self)
        return {k: v for k, v in found.items() if v or k not in {"reason", "instruction"}}


def survey_workflows(
    project: Project,
    names: Sequence[str] = (),
    *,
    with_drift: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[list[Survey], list[str]]:
    """Find out where workflows stand. Nothing in the project is written.

    Args:
        names: The workflows; none for all of them.
        with_drift: Whether to render each workflow's version and compare its generated files.
        progress: Told in a few words what is being done.

    Returns:
        One survey for each workflow, that of the project itself first if none was named, and what
        else a person should know.
    """
    own = project_instance(project)
    instances = [own] if own.is_managed and not names else []
    instances += find_instances(project, names)
    notes = [
        f"An update of {name} was cut short; `dataflow workflow update --all` will finish it."
        for name in pending(journal_folder(project))
    ]
    unmerged = _unmerged(project, instances)
    surveys = []
    with RenderCache(project.root) as render_cache:
        for number, instance in enumerate(instances, start=1):
            progress(f"looking at {number} of {len(instances)}: {instance.name}")
            folder = project.root if instance.is_project else project.workflow_dir(instance.name)
            survey = Survey(instance.name, project.relative(folder))
            survey.conflicts = unmerged.get(instance.name, [])
            surveys.append(survey)
            try:
                _fill(survey, instance, render_cache, with_drift=with_drift)
            except DataflowError as error:
                survey.reason, survey.instruction = error.reason, error.instruction
        notes += render_cache.notes
    return surveys, notes


def _fill(
    survey: Survey, instance: Instance, render_cache: RenderCache, *, with_drift: bool
) -> None:
    if not instance.is_managed:
        survey.state = State.UNMANAGED
        return
    answers = instance.answers()
    survey.version = answers.commit
    template = render_cache.template(answers.source)
    latest = template.latest()
    survey.latest = latest.name
    version = template.version(answers.commit)
    if version.commit == latest.commit:
        survey.state = State.CURRENT
    elif template.is_older(latest, version):
        survey.state = State.AHEAD
    else:
        survey.state = State.BEHIND
        survey.behind = template.between(version, latest)
    history = render_cache.history(template, version, answers)
    survey.notes = own_file_notes(history, instance.folder, {})
    if with_drift:
        survey.drift = _find_drift(instance, answers, version, render_cache)


def _find_drift(
    instance: Instance, answers: Answers, version: Version, render_cache: RenderCache
) -> list[Drift]:
    export = render_cache.export(render_cache.template(answers.source), version)
    if export.config is not None and not export.config.get("_generated"):
        return []
    found = []
    for path, expected in sorted(render_cache.generated(export, instance.name, answers).items()):
        there = read_entry(instance.folder / path)
        if not expected.equals(there):
            found.append(Drift(path, "missing" if there is None else "edited"))
    return found


def _unmerged(project: Project, instances: Sequence[Instance]) -> dict[str, list[str]]:
    managed = [one for one in instances if one.is_managed]
    if not managed:
        return {}
    try:
        tree = read_work_tree(project.root, [one.folder for one in managed])
    except NoRepositoryError:
        return {}
    workflows = f"{tree.name(project.workflows_dir.resolve())}/"
    found = {}
    for one in managed:
        paths = {*tree.unmerged_in(one.folder), *tree.marked_in(one.folder)}
        if one.is_project:
            # The workflows lie in its folder and speak for themselves.
            paths = {
                path for path in paths if not tree.path(one.folder, path).startswith(workflows)
            }
        found[one.name] = sorted(paths)
    return found
