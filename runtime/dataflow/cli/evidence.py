"""``dataflow evidence build``, ``serve`` and ``dev``."""

from __future__ import annotations

import click

from dataflow.shared.project import find_project

__all__ = ["build", "dev", "serve"]

_host_option = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
_port_option = click.option(
    "--port", type=int, help="The port; the setting evidence_port if not given."
)


@click.command()
def build() -> None:
    """Build the dashboards of all workflows into one static site.

    The site needs no server of ours and no internet. After a run it shows the new data without
    being built again; build it again when a page changed.
    """
    from dataflow.dashboards.build import build_site

    project = find_project()
    site = build_site(project, lambda line: click.echo(f"  {line}"))
    click.echo(f"Built {project.relative(site.folder)} in {site.seconds:.0f} s.")
    for urls in site.pages.values():
        for url in urls:
            click.echo(f"  {url}")
    click.echo("Open it: dataflow evidence serve")


@click.command()
@_host_option
@_port_option
def serve(host: str, port: int | None) -> None:
    """Serve the built dashboards until Ctrl-C."""
    from dataflow.dashboards.server import serve_site

    project = find_project()
    serve_site(project, host, port or project.settings.evidence_port)


@click.command()
@_host_option
@_port_option
def dev(host: str, port: int | None) -> None:
    """Serve the dashboards while you edit them: a saved page shows at once."""
    from dataflow.dashboards.dev import develop_site

    project = find_project()
    develop_site(project, host, port or project.settings.evidence_port)
