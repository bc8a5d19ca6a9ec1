"""Dagster's webserver, behind the same guard as the other servers of a project.

Usage: python -m dataflow.service.dagster_ui [the options of dagster-webserver]
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from dagster import DagsterInstance
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._utils.log import configure_loggers
from dagster_shared.cli import WorkspaceOpts
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import dagster_webserver
from dagster_webserver.version import __version__
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

from dataflow.runs.dagster_names import LOCATION_NAME
from dataflow.service.body_guard import BodyGuard
from dataflow.service.code_watch import CodeWatch
from dataflow.service.housekeeping import housekeeping
from dataflow.service.web_access import Objection, WebAccess
from dataflow.service.web_server import serve
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Scope

    from dataflow.shared.project import Project

# Run config comes in here, also what the REST API has taken.
_LARGEST_BODY = 16 << 20


def main() -> None:
    """Serve Dagster's UI and its GraphQL interface until interrupted."""
    # The options, their defaults and their variables DAGSTER_WEBSERVER_* are Dagster's own.
    chosen: dict[str, Any] = dagster_webserver.make_context(
        "dagster-webserver", sys.argv[1:], auto_envvar_prefix="DAGSTER_WEBSERVER"
    ).params
    project = find_project()
    settings = project.settings
    host, port = chosen["host"], chosen["port"] or settings.dagster_port
    configure_loggers(formatter=chosen["log_format"], log_level=chosen["dagster_log_level"].upper())
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(
            chosen["db_statement_timeout"],
            chosen["db_pool_recycle"],
            chosen["db_pool_max_overflow"],
        )
        with (
            WatchedWorkspace(
                instance,
                workspace_load_target=workspace_opts_to_load_target(
                    WorkspaceOpts.extract_from_cli_options(chosen)
                ),
                version=__version__,
                read_only=chosen["read_only"],
                code_server_log_level=chosen["code_server_log_level"],
            ) as context,
            context.watching(project),
            housekeeping(project, instance),
        ):
            app = create_app_from_workspace_process_context(
                context, chosen["path_prefix"], chosen["live_data_poll_rate"]
            )
            serve(
                BodyGuard(app, max(_LARGEST_BODY, 2 * settings.api_max_body)),
                host,
                port,
                WebAccess.to(host, settings),
                further=mutation_by_address,
                log_level=chosen["uvicorn_log_level"],
            )


class WatchedWorkspace(WorkspaceProcessContext):
    """Dagster's workspace, which sees edited code by itself."""

    reloaded_at = float("-inf")

    def reload_code_location(self, name: str) -> None:
        """Have a code server read its code anew; "Reload" in the UI does the same."""
        self.reloaded_at = time.monotonic()
        super().reload_code_location(name)

    @contextmanager
    def watching(self, project: Project) -> Iterator[None]:
        """Reload the project's workflows when their files change, until the end of the block."""
        if not project.settings.reload_on_change or not project.source_dir.is_dir():
            yield
            return
        watch = CodeWatch(
            lambda: self.reload_code_location(LOCATION_NAME), lambda: self.reloaded_at
        )
        with watch.watching(project.source_dir):
            yield


def mutation_by_address(scope: Scope) -> Objection | None:
    """Refuse what would change something and stands in the address: a link could do it.

    Dagster takes queries from the address of a GET, and of a POST that has no JSON.
    """
    if scope["type"] != "http" or not scope["path"].rstrip("/").endswith("/graphql"):
        return None
    given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    queries = [text for name, text in given if name == "query"]
    headers = dict(reversed(scope["headers"]))
    # A page to type queries on, which executes nothing by itself.
    is_page = scope["method"] == "GET" and b"text/html" in headers.get(b"accept", b"")
    if is_page or not any(map(_changes, queries)):
        return None
    return Objection(
        405,
        "A mutation stands in the address.",
        'Send it by POST, as JSON: {"query": "mutation ..."}.',
    )


def _changes(query: str) -> bool:
    try:
        document = parse(query)
    except GraphQLError:
        # Dagster refuses it in its own words.
        return False
    except RecursionError:
        return True
    return any(
        node.operation is not OperationType.QUERY
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )


if __name__ == "__main__":
    main()
