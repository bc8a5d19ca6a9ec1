"""``dataflow evidence build``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow.cli.run_screen import going_on
from dataflow.shared.project import find_project
from dataflow_tools.dashboards.kind import chosen_site

packages_option = click.option(
    "--packages",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="DATAFLOW_EVIDENCE_PACKAGES",
    help="Take Node's packages from this folder of `dataflow evidence vendor`; not for `static`.",
)


@click.command()
@packages_option
def build(packages: Path | None) -> None:
    """Build the dashboards of all workflows into one static site.

    The site needs no server of ours and no internet. After a run it shows the new data without
    being built again; build it again when a page changed.

    The setting `dashboard` chooses what builds it: `evidence`, from the workflows' own pages, or
    `static`, which needs no Node and makes a page of each workflow's tables by itself.
    """
    project = find_project()
    with going_on("building") as screen:

        def report(line: str) -> None:
            screen.say(f"  {line}")
            screen.begin("building")

        site = chosen_site(project).build(project, report, packages)
    click.echo(f"Built {project.relative(site.folder)} in {site.seconds:.0f} s.")
    for urls in site.pages.values():
        for url in urls:
            click.echo(f"  {url}")
    click.echo("Open it: dataflow evidence serve")
