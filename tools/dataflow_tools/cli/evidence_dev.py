"""``dataflow evidence dev``."""

from __future__ import annotations

import click

from dataflow.cli.evidence_serve import host_option, port_option
from dataflow.shared.project import find_project


@click.command()
@host_option
@port_option
def dev(host: str, port: int | None) -> None:
    """Serve the dashboards while you edit them: a saved page shows at once."""
    from dataflow_tools.site.dev import develop_site

    project = find_project()
    develop_site(project, host, port or project.settings.evidence_port)
