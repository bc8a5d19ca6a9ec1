"""``dataflow up``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from dataflow.shared.project import find_project

_NAMES = ("dagster", "api", "evidence")


@click.command()
@click.argument("services", nargs=-1, type=click.Choice(_NAMES))
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address that all listen on."
)
def up(services: tuple[str, ...], host: str) -> None:
    """Start Dagster, the REST API and the dashboards, or only the SERVICES named.

    They run until Ctrl-C, which stops all of them. If one ends by itself the others are stopped.
    A service of a project runs once: a second `dataflow up` is refused, and says which process has
    it, on which port.

    \b
    Ports, and the settings for others:
      dagster   3000  DATAFLOW_DAGSTER_PORT
      api       8000  DATAFLOW_API_PORT
      evidence  9000  DATAFLOW_EVIDENCE_PORT
    """  # noqa: D301 (click needs the character itself)
    from dataflow.service.group import run_services
    from dataflow.service.ports import check_addresses
    from dataflow.service.service_lock import hold_services
    from dataflow.service.services import NotReadyError, Service, plan_service
    from dataflow.shared.errors import MissingDependencyError

    project = find_project()
    with tempfile.TemporaryDirectory(prefix="dataflow-") as scratch:
        planned: list[Service] = []
        for name in services or _NAMES:
            try:
                planned.append(plan_service(project, name, host, Path(scratch)))
            except (NotReadyError, MissingDependencyError) as error:
                if name in services:
                    raise
                click.echo(f"Without {name}: {error.reason} {error.instruction}", err=True)
        with hold_services(project, planned, lambda text: click.echo(text, err=True)):
            check_addresses(service.address for service in planned)
            run_services(project, planned)
