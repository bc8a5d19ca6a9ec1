"""Update workflows to a newer template version: plan all, then apply one after the other."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.applying import apply_all, journal_folder
from dataflow_tools.fleet.journal import pending, recover
from dataflow_tools.fleet.lost_answers import way_back
from dataflow_tools.fleet.own_files import own_file_notes
from dataflow_tools.fleet.render_cache import RenderCache
from dataflow_tools.fleet.results import UpdateJob, UpdateOutcome, UpdateReport, UpdateStatus
from dataflow_tools.fleet.safety import recall_conflicts, refuse_lost, refuse_unsafe
from dataflow_tools.fleet.template_instance import Instance, find_instances, project_instance
from dataflow_tools.fleet.update_lock import only_one_update
from dataflow_tools.fleet.update_planning import check_questions, plan_instance
from dataflow_tools.fleet.versions import TemplateError
from dataflow_tools.fleet.worktree import WorkTree, read_work_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.fleet.versions import Template, Version


@dataclass(frozen=True)
class Request:
    """What to update, and how.

    Args:
        names: The workflows; none for all of them.
        workflows: Whether to update workflows at all.
        project: Whether to update the project's own files.
        reference: The template version to go to; ``None`` for the latest release.
        prereleases: Whether the latest release may be a pre-release.
        given: Answers that override the recorded ones.
        settled: Answers that the files on disk have by now, in the place of recorded ones: what a
            person changed in config.yaml. What is merged is the way from these to ``given``.
        plan_only: Write nothing.
        check: Check each workflow after its update.
        first: Update and check this many first, and go on only if they are well.
    """

    names: Sequence[str] = ()
    workflows: bool = True
    project: bool = False
    reference: str | None = None
    prereleases: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    settled: Mapping[str, Any] = field(default_factory=dict)
    plan_only: bool = False
    check: bool = False
    first: int | None = None


def update_workflows(
    project: Project,
    request: Request,
    progress: Callable[[str], None] = lambda _: None,
    shared: RenderCache | None = None,
) -> UpdateReport:
    """Update workflows, or plan to.

    Nothing is written before everything is planned. Each workflow is then changed completely or
    not at all; one that cannot be updated does not stop the others.

    Args:
        progress: Told in a few words what is being done.
        shared: An open cache to use, where several projects of the same template are updated.

    Raises:
        BadInputError: The request makes no sense, or a folder has uncommitted changes.
        UpdateBusyError: Another update is running.
    """
    # Git must not wait for a password that nobody can type, ours no more than Copier's.
    os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")
    state = journal_folder(project)
    with nullcontext() if request.plan_only else only_one_update(state):
        report = UpdateReport([], planned_only=request.plan_only)
        _finish_earlier(state, request, report)
        instances = [project_instance(project)] if request.project else []
        if request.workflows:
            instances += find_instances(project, request.names)
        jobs = [UpdateJob(one, _outcome(project, one)) for one in instances]
        report.outcomes = [job.outcome for job in jobs]
        with nullcontext(shared) if shared else RenderCache(project.root) as render_cache:
            waiting = [job for job in jobs if _needs_update(project, render_cache, job, request)]
            managed = [job for job in jobs if job.instance.is_managed]
            if managed:
                folders = [job.instance.folder for job in managed]
                work_tree = read_work_tree(project.root, folders)
                recall_conflicts(managed, work_tree)
                _note_own_files(render_cache, managed)
                how = {"named": bool(request.names), "plan_only": request.plan_only}
                ready = refuse_unsafe(waiting, work_tree, **how)
                _refuse_wrong_answers(render_cache, ready, request)
                planned = list(_plan(render_cache, ready, work_tree, request, progress))
                planned = refuse_lost(planned, work_tree, **how)
                if not request.plan_only:
                    apply_all(
                        *(project, planned, work_tree, report, progress),
                        check=request.check,
                        first=request.first or 0,
                    )
            report.notes += render_cache.notes
            if not request.project:
                report.notes += _note_project(render_cache, project_instance(project), jobs)
    return report


def _note_project(
    render_cache: RenderCache, instance: Instance, jobs: list[UpdateJob]
) -> list[str]:
    """Say so if workflows get ahead of the project, which pins the library they run on."""
    try:
        answers = instance.answers()
        template = render_cache.template(answers.source)
        version = template.version(answers.commit)
    except DataflowError:
        return []
    for job in jobs:
        moved = job.outcome.status in {UpdateStatus.UPDATED, UpdateStatus.CONFLICT}
        same = job.answers is not None and job.answers.source == answers.source
        if moved and same and job.target is not None and template.is_older(version, job.target):
            where = f"The project's own files and the library it pins are at {version.name}."
            return [f"{where} Update them too: {instance.command}"]
    return []


def _outcome(project: Project, instance: Instance) -> UpdateOutcome:
    folder = project.root if instance.is_project else project.workflow_dir(instance.name)
    return UpdateOutcome(instance.name, project.relative(folder), UpdateStatus.SKIPPED)


def _how_to_link(project: Project, instance: Instance) -> str:
    """What to do to have a workflow updated that no answers file links to a template."""
    if back := way_back(project, instance.folder):
        return f"its {ANSWERS_FILE} is gone, which git has; bring it back: {back}"
    return f"to have it updated, link it to the template: dataflow workflow adopt {instance.name}"


def _needs_update(
    project: Project, render_cache: RenderCache, job: UpdateJob, request: Request
) -> bool:
    """Find out where a workflow is and where it goes; only those that move are looked at more."""
    outcome = job.outcome
    if not job.instance.is_managed:
        outcome.status = UpdateStatus.UNMANAGED
        if request.names:
            outcome.notes.append(_how_to_link(project, job.instance))
        return False
    try:
        answers = job.answers = job.instance.answers()
        outcome.current = answers.commit
        template = render_cache.template(answers.source)
        target = job.target = _target(template, request)
        outcome.target = target.name
        current = template.version(answers.commit)
    except DataflowError as error:
        outcome.fail(error)
        return False
    if other := _elsewhere(job.instance):
        outcome.fail(other, UpdateStatus.SKIPPED)
        return False
    if current.commit == target.commit and not request.given:
        outcome.status = UpdateStatus.CURRENT
        return False
    if template.is_older(target, current):
        outcome.fail(
            BadInputError(
                f"It is at {current.name}, which is newer than {target.name}.",
                "Name the version to go to with `--to`; going back is not possible, except "
                "through git.",
            )
        )
        return False
    return True


def _refuse_wrong_answers(
    render_cache: RenderCache, jobs: list[UpdateJob], request: Request
) -> None:
    """Refuse the whole run for an answer that no workflow could take."""
    for job in jobs if request.given else ():
        if job.answers is not None and job.target is not None:
            template = render_cache.template(job.answers.source)
            check_questions(render_cache.export(template, job.target), request.given)


def _target(template: Template, request: Request) -> Version:
    if request.reference is None:
        return template.latest(prereleases=request.prereleases)
    try:
        return template.version(request.reference)
    except TemplateError as error:
        releases = ", ".join(reversed(template.releases[-5:])) or "none"
        raise BadInputError(
            error.reason, f"Name a version with --to. Releases: {releases}."
        ) from error


def _elsewhere(instance: Instance) -> DataflowError | None:
    """Why a folder's files are not the project's to change, if they are not."""
    if instance.folder.is_symlink():
        return DataflowError(
            f"It is a link to {instance.folder.readlink()}, and nothing outside its folder is "
            "touched.",
            "Put the folder itself where the link is, or update it where it lies.",
        )
    if not instance.is_project and (instance.folder / ".git").exists():
        return DataflowError(
            "It is a git repository of its own (a submodule), which has its own history.",
            "Update it there with `copier update`, then commit the new state here.",
        )
    return None


def _plan(
    render_cache: RenderCache,
    jobs: list[UpdateJob],
    work_tree: WorkTree,
    request: Request,
    progress: Callable[[str], None],
) -> Iterator[UpdateJob]:
    for number, job in enumerate(jobs, start=1):
        progress(f"planning {number} of {len(jobs)}: {job.instance.name}")
        assert job.answers is not None  # noqa: S101 (set by `_needs_update`)
        assert job.target is not None  # noqa: S101
        outcome = job.outcome
        try:
            outcome.changes, notes = plan_instance(
                *(render_cache, job.instance, job.answers, job.target, work_tree, request.given),
                settled=request.settled,
            )
        except DataflowError as error:
            outcome.fail(error)
            continue
        except OSError as error:
            unreadable = f"{error.filename}: {error.strerror}."
            remedy = "See that the file can be read and that the disk has room; then run it again."
            outcome.fail(DataflowError(unreadable, remedy))
            continue
        outcome.notes += notes
        _note_own(render_cache, job, job.target)
        outcome.status = UpdateStatus.CONFLICT if outcome.conflicts else UpdateStatus.UPDATED
        yield job


def _note_own_files(render_cache: RenderCache, jobs: list[UpdateJob]) -> None:
    """Say of workflows that are up to date as well which files of people the template left."""
    for job in jobs:
        if job.outcome.status is UpdateStatus.CURRENT and job.target is not None:
            _note_own(render_cache, job, job.target)


def _note_own(render_cache: RenderCache, job: UpdateJob, version: Version) -> None:
    assert job.answers is not None  # noqa: S101 (set by `_needs_update`)
    template = render_cache.template(job.answers.source)
    history = render_cache.history(template, version, job.answers)
    planned = {
        change.path: change.after.data if change.after else None for change in job.outcome.changes
    }
    job.outcome.notes += own_file_notes(history, job.instance.folder, planned)


def _finish_earlier(state: Path, request: Request, report: UpdateReport) -> None:
    if request.plan_only:
        if waiting := pending(state):
            raise BadInputError(
                f"An earlier update of {', '.join(waiting)} was cut short.",
                "Run `dataflow workflow update --all` to finish it; then plan again.",
            )
        return
    for name, untouched in recover(state):
        note = f"An earlier update of {name} had been cut short; it is complete now."
        if untouched:
            note += f" Left alone, since changed in the meantime: {', '.join(untouched)}."
        report.notes.append(note)
