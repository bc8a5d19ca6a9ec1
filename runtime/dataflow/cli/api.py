"""``dataflow api``."""

from __future__ import annotations

import click

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.project import find_project


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, help="The port; the setting api_port if not given.")
@click.option(
    "--make-token",
    is_flag=True,
    help="If DATAFLOW_API_TOKEN is not set, make a token and keep it in .dataflow/api_token.",
)
def api(host: str, port: int | None, make_token: bool) -> None:
    """Serve the REST API until Ctrl-C. It needs a running Dagster: dataflow up dagster.

    With DATAFLOW_API_TOKEN set, or a token made by `dataflow token create`, every call needs a
    token; without, the API listens on this machine only. What it can do is described at /docs.
    """
    try:
        from dataflow.api.app import serve_api
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"The REST API is not installed: there is no {error.name}.",
            "Install it: pip install 'dataflow-runtime[api]'",
        ) from error
    from dataflow.service.api_token import api_token
    from dataflow.service.api_token import make_token as make

    project = find_project()
    token = api_token()
    if make_token and token is None:
        token, path = make(project)
        click.echo(f"The token is in {project.relative(path)}.")
    serve_api(project, host, port or project.settings.api_port, token)
