"""Plan the update of one workflow: render both versions and compare."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, Answers, with_origin
from dataflow_tools.fleet.plan import Action, Change, MergeInputs, plan_changes
from dataflow_tools.fleet.render import render
from dataflow_tools.fleet.tree import Entry
from dataflow_tools.scaffold.given_answers import check_given, choices_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dataflow_tools.fleet.export import Export
    from dataflow_tools.fleet.render import Rendering
    from dataflow_tools.fleet.render_cache import RenderCache
    from dataflow_tools.fleet.template_instance import Instance
    from dataflow_tools.fleet.versions import Version
    from dataflow_tools.fleet.worktree import WorkTree

# What a workflow gets that is older than one of this template's questions, where that is not the
# question's default, which is for what is made now.
_FOR_OLDER: dict[str, Any] = {"use_unit_tests": False}


class UnsupportedTemplateError(DataflowError):
    """A template uses something of Copier's that this engine does not do."""


class InvalidAnswerError(DataflowError):
    """A recorded answer is not valid any more, and only a person can give another.

    Why: The newer template takes other answers to one of its questions than the workflow has
    recorded.

    What to do: Give one: `dataflow workflow update NAME -d KEY=VALUE`.
    """


def plan_instance(
    render_cache: RenderCache,
    instance: Instance,
    answers: Answers,
    target: Version,
    work_tree: WorkTree,
    given: Mapping[str, Any],
    settled: Mapping[str, Any] | None = None,
) -> tuple[list[Change], list[str]]:
    """Plan what takes a workflow from its version to another.

    Args:
        work_tree: Git's view of the workflow's folder.
        given: New answers, which override the recorded ones.
        settled: Answers that the files have by now, in the place of recorded ones.

    Returns:
        The changes, the answers file's last, and notes about questions that came and went.

    Raises:
        DataflowError: The workflow cannot be updated, and why.
    """
    template = render_cache.template(answers.source)
    old = render_cache.export(template, template.version(answers.commit))
    new = render_cache.export(template, target)
    step = render_cache.step(old, new, answers, given)
    if step.is_version_only:
        text = with_origin(answers.text, answers.source, target.name)
        return [_version_change(instance, answers, text)], []
    for export in (old, new):
        _refuse_unsupported(export)
    check_questions(new, given)
    some_old = render_cache.excerpt(old, answers, step.old_files)
    some_new = render_cache.excerpt(new, answers, step.new_files)
    scratch = render_cache.scratch()
    theirs = render(
        some_new,
        instance.folder.name,
        answers,
        scratch,
        settled=False,
        given={**_of_older(new, answers), **given},
        exclude=_for_update((new.config or {}).get("_exclude", ())),
    )
    _check_answers(instance, answers.values, theirs, given)
    exclude = _for_update(theirs.worker.template.exclude)
    base = render(
        *(some_old, instance.folder.name, answers, scratch),
        settled=True,
        given=settled,
        exclude=exclude,
    )
    labels = ("yours", f"template {old.version.name}", f"template {target.name}")
    tracked = frozenset(work_tree.tracked_in(instance.folder))

    @cache
    def rendered() -> set[str]:
        whole = render(old, instance.folder.name, answers, scratch, settled=True)
        return {ANSWERS_FILE, *whole.files, *theirs.files}

    owners = (theirs.owner, base.owner)
    inputs = MergeInputs(
        *(instance.folder, base.files, theirs.files, *owners, tracked, rendered, labels),
        left_out=work_tree.left_out_in(instance.folder),
        executables=work_tree.executables_in(instance.folder),
    )
    changes = plan_changes(inputs)
    changes.append(_version_change(instance, answers, theirs.answers_text))
    hidden = [name for name in given if name in theirs.worker.answers.hidden]
    notes = [
        f"{name} is not asked for with its other answers, and was left out"
        for name in hidden
        if not instance.is_project
    ]
    notes += _describe_name(instance, theirs)
    return changes, [*notes, *_describe_answers(answers.values, theirs)]


def _of_older(new: Export, answers: Answers) -> dict[str, Any]:
    """Answers of what is older than a question whose default is for what is made now."""
    questions = new.config or {}
    return {
        name: value
        for name, value in _FOR_OLDER.items()
        if name in questions and name not in answers.values
    }


def check_questions(export: Export, given: Mapping[str, Any]) -> None:
    """Check answers that somebody gave against the questions of a version.

    Raises:
        BadInputError: It has no such question, or that takes no such value.
    """
    if given and export.config is not None:
        questions = {k: v for k, v in export.config.items() if not k.startswith("_")}
        where = f"Template version {export.version.name}"
        check_given(given, questions, where=where)


def _describe_name(instance: Instance, theirs: Rendering) -> list[str]:
    """Say so if a folder was renamed or copied without its answers."""
    name = theirs.answers.get("workflow_id")
    if instance.is_project or name in (None, instance.name):
        return []
    is_copy = (instance.folder.parent / str(name)).is_dir()
    command = f"dataflow workflow {'copy' if is_copy else 'rename'} {name} {instance.name}"
    return [f"its answers call it {name!r}, so it is refused; put it right: {command}"]


def _version_change(instance: Instance, answers: Answers, text: str) -> Change:
    if "\r\n" in answers.text:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    executable = os.access(instance.folder / ANSWERS_FILE, os.X_OK)
    before = Entry(answers.text.encode(), executable)
    return Change(ANSWERS_FILE, Action.VERSION, before, Entry(text.encode(), executable))


def _for_update(patterns: Iterable[str]) -> list[str]:
    """The new version's exclusions, for the rendering of the old one, as Copier does it.

    Otherwise a file that is excluded from now on would look deleted. A pattern may depend on
    the operation, which is an update whatever the rendering is called.
    """
    return [
        "{% set _copier_operation = 'update' %}" + pattern
        if "_copier_operation" in pattern
        else pattern
        for pattern in patterns
    ]


def _refuse_unsupported(export: Export) -> None:
    used = [
        name
        for name in ("_tasks", "_migrations", "_jinja_extensions", "_external_data")
        if (export.config or {}).get(name)
    ]
    if used:
        raise UnsupportedTemplateError(
            f"Template version {export.version.name} uses {', '.join(used)}, which run code or "
            "read files of their own.",
            "Update this folder with `copier update --trust`.",
        )


def _check_answers(
    instance: Instance, known: Mapping[str, Any], rendering: Rendering, given: Mapping[str, Any]
) -> None:
    """Refuse an update that would put a default in the place of somebody's answer.

    Raises:
        InvalidAnswerError: An answer is not valid any more; all such are named, with what the
            template accepts.
    """
    worker = rendering.worker
    questions = worker.template.questions_data
    used = worker.answers.combined
    faults, options = [], []
    for name, value in known.items():
        # What is hidden now was not asked for; what was given was meant.
        if name not in questions or name in worker.answers.hidden or name in given:
            continue
        if name not in used or _same(used[name], value):
            continue
        choices = choices_of(questions[name].get("choices"))
        allowed = f"; it accepts {', '.join(choices)}" if choices else ""
        faults.append(f"Answer no longer valid: {name} = {value!r}{allowed}.")
        options.append(f"--data {name}={choices[0] if choices else '...'}")
    if faults:
        raise InvalidAnswerError(
            " ".join(faults),
            f"Answer anew: {instance.command} {' '.join(options)}",
        )


def _describe_answers(known: Mapping[str, Any], rendering: Rendering) -> list[str]:
    """Say which answers are new and which are gone."""
    questions = rendering.worker.template.questions_data
    notes = [
        f"new question {name}: answered with {value!r}"
        for name, value in rendering.answers.items()
        if name not in known
    ]
    notes += [
        f"question {name} is gone: the answer {value!r} was dropped"
        for name, value in known.items()
        if name not in questions
    ]
    return notes


def _same(used: Any, recorded: Any) -> bool:
    # A question may turn "5" into 5; that is the same answer.
    return bool(used == recorded) or str(used) == str(recorded)
