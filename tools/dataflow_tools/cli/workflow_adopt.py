"""``dataflow workflow adopt``."""

from __future__ import annotations

from functools import partial

import click

from dataflow.cli.completion import workflow_names
from dataflow_tools.cli.answer_options import data_option, parse_answers
from dataflow_tools.cli.lifecycle_options import carry_out, plan_options


@click.command()
@click.argument("name", shell_complete=workflow_names)
@data_option
@plan_options
def adopt(name: str, data: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Link the workflow NAME, which was made by hand, to the project's template.

    The files that it lacks are added from the template; what you wrote stays as it is, is recorded
    as yours, and is touched by no update. Files that are empty are filled. What config.yaml says
    answers the template's questions; others are given with -d. First the plan is shown. From then
    on `dataflow workflow status` and `update` know it.

    \b
    Examples:
      dataflow workflow adopt my_workflow --dry-run
      dataflow workflow adopt my_workflow
      dataflow workflow adopt my_workflow -d use_dbt=true -d title='My data'
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.lifecycle.adoption import plan_adoption

    carry_out(
        "adopt",
        partial(plan_adoption, name=name, given=parse_answers(data, "workflow adopt")),
        (name,),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
