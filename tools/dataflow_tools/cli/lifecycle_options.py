"""What the commands of a workflow's life share: showing the plan, asking, doing it, telling."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from dataflow.cli.progress import progress_line
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from dataflow.shared.project import Project
    from dataflow_tools.lifecycle.plan import Plan

Command = TypeVar("Command", bound=Callable[..., object])


def plan_options(command: Command) -> Command:
    """Give a command --dry-run, --yes and --json."""
    for option in (
        click.option(
            "--json", "as_json", is_flag=True, help="Print JSON; with --yes or --dry-run."
        ),
        click.option("--yes", is_flag=True, help="Do it without asking."),
        click.option("--dry-run", is_flag=True, help="Show the plan, line by line; write nothing."),
    ):
        command = option(command)
    return command


def carry_out(
    command: str,
    make_plan: Callable[[Project], Plan],
    names: tuple[str, ...],
    *,
    held_names: tuple[str, ...] | None = None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show a plan, ask, do it and say what comes next.

    Args:
        command: Its name.
        names: The workflows that it is about, the new one last.
        held_names: Those that no run may use meanwhile; default: all of them.
    """
    from dataflow.service.nudge import nudge_service
    from dataflow_tools.lifecycle.plan import title_of
    from dataflow_tools.lifecycle.records import actions
    from dataflow_tools.lifecycle.refusals import held
    from dataflow_tools.lifecycle.transaction import (
        alone,
        execute,
        finish_earlier,
        is_unfinished,
    )

    project = find_project()
    if dry_run:
        if title := is_unfinished(project):
            raise BadInputError(
                f"An earlier command was cut short: {title}.",
                "Run this one without --dry-run: it finishes that first.",
            )
        _show(make_plan(project), every_line=True, as_json=as_json, done=False, notes=[])
        return
    with alone(project):
        begun = is_unfinished(project)
        notes = finish_earlier(project, actions())
        for note in notes:
            click.echo(note, err=True)
        if begun == title_of(command, *names):
            if as_json:
                click.echo(json.dumps({"done": True, "notes": notes, "title": begun}, indent=2))
            return
        with held(project, *(names if held_names is None else held_names)):
            plan = make_plan(project)
            if not as_json:
                for line in plan.lines(every_line=False):
                    click.echo(line)
            if not yes:
                _ask(can_ask=not as_json)
            with progress_line() as progress:
                progress(plan.title)
                notes += execute(project, plan.title, plan.prepare, actions())
    told = nudge_service(project)
    if as_json:
        _show(plan, every_line=True, as_json=True, done=True, notes=notes)
        return
    click.echo(f"Done: {plan.title}.")
    for note in notes:
        click.echo(f"  note: {note}")
    if told:
        click.echo("The running service has been told and shows it in a moment.")
    for name, commands in (("Next", plan.next), ("To take it back", plan.back)):
        if commands:
            click.echo(f"{name}:")
            for command in commands:
                click.echo(f"  {command}")


def _ask(*, can_ask: bool) -> None:
    if not (can_ask and sys.stdin.isatty()):
        raise BadInputError(
            "Nobody can be asked here whether to do this. Nothing was changed.",
            "Add --yes to do it, or --dry-run to see the plan line by line.",
        )
    if not click.confirm("Do it?", default=False):
        click.echo("Nothing was changed.")
        sys.exit(1)


def _show(plan: Plan, *, every_line: bool, as_json: bool, done: bool, notes: list[str]) -> None:
    if as_json:
        found = {"done": done, "notes": notes, **plan.as_json()}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in plan.lines(every_line=every_line):
        click.echo(line)
    if not done:
        click.echo("Nothing was written.")
