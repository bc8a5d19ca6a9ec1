"""``dataflow evidence dev``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow.cli.evidence_serve import host_option, port_option
from dataflow.shared.project import find_project
from dataflow_tools.cli.evidence_build import packages_option


@click.command()
@host_option
@port_option
@packages_option
def dev(host: str, port: int | None, packages: Path | None) -> None:
    """Serve the dashboards while you edit them: a saved page shows at once."""
    from dataflow_tools.site.dev import develop_site

    project = find_project()
    develop_site(project, host, port or project.settings.evidence_port, click.echo, packages)
