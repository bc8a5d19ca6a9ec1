"""``dataflow workflow update``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.progress import progress_line
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import find_project
from dataflow_tools.cli.answer_options import data_option, parse_answers

if TYPE_CHECKING:
    from dataflow.shared.project import Project


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=workflow_names)
@click.option("--all", "everything", is_flag=True, help="Update every workflow of the project.")
@click.option("--project", is_flag=True, help="Update the project's own files.")
@click.option("--plan", is_flag=True, help="Say what would happen to each file; write nothing.")
@click.option("--diff", is_flag=True, help="Show every line that would change; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--to", "reference", metavar="VERSION", help="Go to this tag or commit, not the latest release."
)
@click.option("--prereleases", is_flag=True, help="The latest release may be a pre-release.")
@click.option("--check", is_flag=True, help="Then check each: config, imports and its own tests.")
@click.option(
    "--first",
    type=click.IntRange(min=1),
    metavar="N",
    help="Update and check N workflows first; go on only if they are well.",
)
@data_option
def update(
    names: tuple[str, ...],
    everything: bool,
    project: bool,
    plan: bool,
    diff: bool,
    as_json: bool,
    reference: str | None,
    prereleases: bool,
    check: bool,
    first: int | None,
    data: tuple[str, ...],
) -> None:
    """Bring workflows to a newer version of their template.

    What you wrote is merged with what the template changed. All is planned before anything is
    written; a workflow is changed completely or not at all; and nothing outside it is touched.
    The changes are left for you to look at and commit.

    The exit code is 0 if nothing is left to do, 1 if there are conflicts, failures or workflows
    that had to be skipped, and 2 if the update was refused.

    \b
    Examples:
      dataflow workflow update --all --plan
      dataflow workflow update daily_sales
      dataflow workflow update --all --first 5
      dataflow workflow update --all --project
    """  # noqa: D301 (click needs the character itself)
    if names and everything:
        raise BadInputError("Both names and --all were given.", "Give one of the two.")
    if not (names or everything or project):
        raise BadInputError(
            "Nothing was named to update.",
            "Write `dataflow workflow update NAME` or `dataflow workflow update --all`.",
        )
    # What follows is slow to import.
    from dataflow.shared.config_schema import renew_schema
    from dataflow_tools.fleet.update import Request, update_workflows

    if not (plan or diff):
        _finish_lifecycle(find_project())
        renew_schema(find_project())

    request = Request(
        names=names,
        workflows=bool(names) or everything,
        project=project,
        reference=reference,
        prereleases=prereleases,
        given=parse_answers(data, "workflow update", names[0] if len(names) == 1 else "OLD"),
        plan_only=plan or diff,
        check=check,
        first=first,
    )
    try:
        with progress_line() as progress:
            report = update_workflows(find_project(), request, progress)
    except KeyboardInterrupt:
        # Once files are being changed, Ctrl-C waits and ends in a report.
        click.echo("Stopped. Nothing was changed.", err=True)
        sys.exit(130)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        from dataflow_tools.fleet.report import diff_lines, report_lines

        if diff:
            for outcome in report.outcomes:
                for line in diff_lines(outcome, paint):
                    click.echo(line)
        for line in report_lines(report, paint):
            click.echo(line)
    sys.exit(report.exit_code)


def _finish_lifecycle(project: Project) -> None:
    """Finish a renaming, copying, removing or adopting that was cut short."""
    from dataflow_tools.lifecycle.transaction import alone, finish_earlier, is_unfinished

    if is_unfinished(project):
        # They reach for tables and dashboards, which an update does not.
        from dataflow_tools.lifecycle.records import actions

        with alone(project):
            for note in finish_earlier(project, actions()):
                click.echo(note, err=True)


def paint(text: str, colour: str) -> str:
    """A text in a colour; an empty one is none."""
    # click takes the colours out again where there is no terminal.
    return click.style(text, fg=colour) if colour else text
