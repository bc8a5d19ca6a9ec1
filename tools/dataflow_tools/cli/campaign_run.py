"""``dataflow campaign run``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataflow.cli.progress import progress_line
from dataflow_tools.cli.campaign_options import folder_option, json_option, tell

if TYPE_CHECKING:
    from dataflow_tools.campaign.ledger import Entry


@click.command()
@folder_option
@click.option(
    "--ring", type=click.IntRange(min=1), metavar="N", help="Go no further than the Nth ring."
)
@json_option
def run(folder: Path, ring: int | None, as_json: bool) -> None:
    """Update the planned repositories, ring by ring: a branch and a pull request in each.

    Each is updated in the campaign's own clone, checked, committed and pushed to a branch of the
    campaign. A workflow that conflicts is left out, and named. When more of a ring fails than the
    plan allows, the ring stops, and no other begins.

    It can be stopped at any time, and run again: what is done is not done again, what failed is
    tried again. Nothing is ever force-pushed; a branch with commits of others is left alone.

    The exit code is 0 if none failed, 1 if one failed or a ring was stopped, 2 if it was refused.

    \b
    Examples:
      dataflow campaign run --ring 1
      dataflow campaign run
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.campaign.campaign import Voice, run_campaign
    from dataflow_tools.campaign.report import summary_lines

    with progress_line() as progress:

        def told(entry: Entry) -> None:
            progress("")
            tell(entry)

        report = run_campaign(folder, Voice(progress, told), ring)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(summary_lines(report)))
    raise SystemExit(report.exit_code)
