"""``dataflow evidence dev``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow.cli.evidence_serve import host_option, port_option
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import find_project
from dataflow_tools.cli.evidence_build import packages_option
from dataflow_tools.dashboards.kind import chosen_site


@click.command()
@host_option
@port_option
@packages_option
def dev(host: str, port: int | None, packages: Path | None) -> None:
    """Serve the dashboards while you edit them: a saved page shows at once."""
    project = find_project()
    develop = chosen_site(project).develop
    if develop is None:
        raise BadInputError(
            f"With dashboard = {project.settings.dashboard!r} the pages make themselves, and there "
            "is none to edit.",
            "Build them (dataflow evidence build) and open them (dataflow evidence serve).",
        )
    develop(project, host, port or project.settings.evidence_port, click.echo, packages)
