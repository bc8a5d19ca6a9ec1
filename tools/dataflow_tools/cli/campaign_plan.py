"""``dataflow campaign plan``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dataflow.cli.progress import progress_line
from dataflow_tools.cli.campaign_options import folder_option, json_option, paint


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@folder_option
@click.option("--to", "version", default="", metavar="VERSION", help="This tag, not the latest.")
@click.option(
    "--rings",
    default="3,20%,100%",
    show_default=True,
    help="How many repositories are in each ring: numbers, or parts of all.",
)
@click.option(
    "--stop-above",
    default="10%",
    show_default=True,
    help="Stop a ring in which more than this part fails.",
)
@click.option(
    "--pull-requests",
    type=click.Choice(["auto", "gh", "glab", "none"]),
    default="auto",
    show_default=True,
    help="What opens them; auto goes by the address, none pushes plain branches.",
)
@click.option(
    "--check",
    default="own",
    show_default=True,
    metavar="COMMAND",
    help="Run this in each project before it is pushed; own: each workflow's own tests; none.",
)
@click.option(
    "--then",
    default="",
    metavar="COMMAND",
    help="Run this in each updated project, such as 'uv lock'; what it changes is committed too.",
)
@json_option
def plan(
    sources: tuple[str, ...],
    folder: Path,
    version: str,
    rings: str,
    stop_above: str,
    pull_requests: str,
    check: str,
    then: str,
    as_json: bool,
) -> None:
    """Clone repositories and say what an update would do to each; nothing is pushed.

    SOURCE is a git URL, a file with one address per line, or a folder of clones, whose origins are
    meant. Clones of the campaign's own are made in its folder; yours are only read.

    Plan again with the same folder to add repositories, or after conflicts were resolved.

    The exit code is 0 if no repository fails or conflicts, 1 if one does, 2 if it was refused.

    \b
    Examples:
      dataflow campaign plan repositories.txt
      dataflow campaign plan ~/work --to v0.3.0 --rings 1,10,100%
      dataflow campaign plan https://git.example.org/team/sales.git --pull-requests none
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.campaign.campaign import Voice, plan_campaign, require_version
    from dataflow_tools.campaign.report import report_lines
    from dataflow_tools.campaign.rings import parse_rings, parse_share
    from dataflow_tools.campaign.settings import Settings
    from dataflow_tools.campaign.sources import find_repositories

    if version:
        require_version(version)
    wanted = Settings(
        version=version,
        repositories=find_repositories(sources),
        rings=[],
        sizes=parse_rings(rings),
        stop_above=parse_share(stop_above),
        pull_requests=pull_requests,
        check=check,
        then=then,
    )
    with progress_line() as progress:
        report = plan_campaign(folder, wanted, Voice(progress))
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(report_lines(report, paint)))
    raise SystemExit(report.exit_code)
