"""``dataflow campaign report``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dataflow_tools.cli.campaign_options import folder_option, json_option, paint


@click.command()
@folder_option
@json_option
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it as a page of HTML into this file.",
)
def report(folder: Path, as_json: bool, page: Path | None) -> None:
    """Show what became of each repository, also while a run is going on.

    The exit code is 0 if none failed, 1 if one did, 2 if there is no campaign.
    """
    from dataflow_tools.campaign.campaign import report_campaign
    from dataflow_tools.campaign.page import report_page
    from dataflow_tools.campaign.report import report_lines

    found = report_campaign(folder)
    if page is not None:
        page.write_text(report_page(found), encoding="utf-8")
        click.echo(f"Wrote {page}.", err=True)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    elif page is None:
        click.echo("\n".join(report_lines(found, paint)))
    raise SystemExit(found.exit_code)
