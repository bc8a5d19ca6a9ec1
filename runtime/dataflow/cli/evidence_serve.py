"""``dataflow evidence serve``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow.shared.project import find_project

host_option = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
port_option = click.option(
    "--port", type=int, help="The port; the setting evidence_port if not given."
)


@click.command()
@host_option
@port_option
@click.option(
    "--site",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="First install the pages of this copy of a .dataflow/site, built elsewhere.",
)
@click.option("--open", "opens", is_flag=True, help="Open the first page in your browser.")
def serve(host: str, port: int | None, site: Path | None, *, opens: bool) -> None:
    """Serve the built dashboards until Ctrl-C, whichever `dashboard` built them."""
    from dataflow.publish.built_site import install_site
    from dataflow.publish.folders import SiteFolders
    from dataflow.service.dashboard_server import serve_site

    project = find_project()
    if site is not None:
        install_site(SiteFolders(site), SiteFolders.of(project))

    def tell(address: str) -> None:
        click.echo(f"Dashboards: {address} (Ctrl-C ends)")
        if opens:
            click.launch(address)

    serve_site(project, host, port or project.settings.evidence_port, tell)
