"""``dataflow evidence serve``."""

from __future__ import annotations

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
def serve(host: str, port: int | None) -> None:
    """Serve the built dashboards until Ctrl-C."""
    from dataflow.service.dashboard_server import serve_site

    project = find_project()
    serve_site(project, host, port or project.settings.evidence_port)
