"""``dataflow workflow status``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.progress import progress_line
from dataflow.cli.screen import show_table
from dataflow.shared.project import find_project
from dataflow_tools.fleet.template_instance import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.fleet.drift import Survey

_COLOURS = {"current": "green", "behind": "yellow", "ahead": "yellow", "unknown": "red"}


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=workflow_names)
@click.option("--no-drift", is_flag=True, help="Compare versions only, which takes no time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(names: tuple[str, ...], no_drift: bool, as_json: bool) -> None:
    """Show how far workflows are from their template.

    For each workflow: its template version, how many releases it is behind, conflicts that are
    still open, and drift: generated files that differ from what their version renders.
    """
    from dataflow_tools.fleet.drift import survey_workflows
    from dataflow_tools.lifecycle.transaction import is_unfinished

    project = find_project()
    with progress_line() as progress:
        surveys, notes = survey_workflows(
            project, names, with_drift=not no_drift, progress=progress
        )
    if title := is_unfinished(project):
        notes.append(f"A command was cut short ({title}); the next such command finishes it.")
    if as_json:
        found = {"notes": notes, "workflows": [survey.as_json() for survey in surveys]}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in _lines(surveys):
        click.echo(line)
    for note in notes:
        click.echo(note)


def _lines(surveys: list[Survey]) -> Iterator[str]:
    if all(survey.workflow_id == PROJECT for survey in surveys):
        yield "No workflow yet. Make one: dataflow workflow new my_workflow"
        return
    rows = [(each.workflow_id, each.version or "-", _words(each)) for each in surveys]
    if show_table(("workflow", "version", "state"), rows):
        for survey in surveys:
            if details := list(_details(survey)):
                yield click.style(survey.workflow_id, bold=True)
                yield from details
        yield from _summary(surveys)
        return
    width = max(len(survey.workflow_id) for survey in surveys)
    version_width = max(len(survey.version or "-") for survey in surveys)
    for survey in surveys:
        colour = _COLOURS.get(survey.state.value, "")
        words = click.style(_words(survey), fg=colour) if colour else _words(survey)
        yield f"{survey.workflow_id:<{width}}  {survey.version or '-':<{version_width}}  {words}"
        yield from _details(survey)
    yield from _summary(surveys)


def _details(survey: Survey) -> Iterator[str]:
    """What a person has to look at."""
    for path in survey.conflicts:
        yield f"    CONFLICT  {path}: resolve it, git add it and commit"
    for drift in survey.drift or ():
        yield f"    {drift.kind:<8}  {drift.path}: generated; it differs from {survey.version}"
    for note in survey.notes:
        yield f"    {note}"
    if survey.reason:
        yield f"    {survey.reason}"
        yield f"    {survey.instruction}"


def _summary(surveys: list[Survey]) -> Iterator[str]:
    behind = [survey for survey in surveys if survey.state.value == "behind"]
    drifted = [survey for survey in surveys if survey.drift]
    yield ""
    workflows = [survey for survey in surveys if survey.workflow_id != PROJECT]
    number = f"{len(workflows)} workflow{'' if len(workflows) == 1 else 's'}"
    and_project = " and the project" if len(workflows) < len(surveys) else ""
    yield f"{number}{and_project}: {len(behind)} behind, {len(drifted)} with drift."
    if behind:
        itself = " --project" if any(one.workflow_id == PROJECT for one in behind) else ""
        yield f"Next: dataflow workflow update --all{itself} --plan"


def _words(survey: Survey) -> str:
    state = survey.state.value
    if state == "behind":
        number = len(survey.behind)
        if not number:
            return f"behind {survey.latest}"
        return f"{number} release{'' if number == 1 else 's'} behind {survey.latest}"
    if state == "ahead":
        return f"newer than the latest release, {survey.latest}"
    return {"current": "up to date", "unmanaged": "not from a template"}.get(state, state)
