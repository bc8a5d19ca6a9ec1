"""``dataflow evidence dev``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow.cli.evidence_serve import host_option, port_option
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import find_project
from dataflow_tools.cli.evidence_build import packages_option


@click.command()
@host_option
@port_option
@packages_option
def dev(host: str, port: int | None, packages: Path | None) -> None:
    """Serve the dashboards while you edit them: a saved page shows at once."""
    project = find_project()
    if project.settings.dashboard == "static":
        raise BadInputError(
            "With dashboard = 'static' the pages make themselves, and there is none to edit.",
            "Build them (dataflow evidence build) and open them (dataflow evidence serve).",
        )
    from dataflow_tools.site.dev import develop_site

    develop_site(project, host, port or project.settings.evidence_port, click.echo, packages)
