"""The services of a project: what each runs, where it listens and what it cannot do without."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

import yaml

from dataflow.runs.dagster_names import LOCATION_NAME, SERVICE_VARIABLE, WORKER_VARIABLE
from dataflow.runs.instance import prepare_dagster_home
from dataflow.runs.place import check_remote
from dataflow.service.ports import Address
from dataflow.service.warm_start import ENTRY
from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow.shared.project import PROJECT_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

SERVICES = ("dagster", "api", "evidence")
TOKEN_VARIABLE = "DATAFLOW_API_TOKEN"  # noqa: S105

_DEFINITIONS = "dataflow.runs.code_location"
# In the workspace.yaml of projects that version 0.1 made.
_OLD_DEFINITIONS = "dataflow.orchestration.definitions"
_PYTHON = [sys.executable, "-m"]
_LAUNCH = [*_PYTHON, "dataflow.service.launch"]


class NotReadyError(BadInputError):
    """A service lacks something that has to be made first.

    Why: A service has nothing to serve, such as dashboards that were never built.

    What to do: Make it with the command that the message names, or start the other services
    alone: `dataflow up dagster api`.
    """


@dataclass(frozen=True)
class Process:
    """One process of a service.

    Args:
        name: What its log lines begin with.
        environment: Variables beside those of this process; ``None`` removes one.
        worker: What stands in the command line of the child that does its work, if it has one.
    """

    name: str
    command: list[str]
    environment: dict[str, str | None] = field(default_factory=dict)
    worker: str = ""


@dataclass(frozen=True)
class Service:
    """A service of a project.

    Args:
        name: ``dagster``, ``api`` or ``evidence``.
        ready_path: The path that answers once it is ready.
    """

    name: str
    address: Address
    ready_path: str
    processes: list[Process]


def plan_service(project: Project, name: str, host: str, scratch: Path) -> Service:
    """Say how a service is run.

    Args:
        scratch: An empty folder with a short path, for sockets.

    Raises:
        MissingDependencyError: Its package is not installed.
        NotReadyError: It has nothing to serve yet.
        InsecureBindError: The REST API would listen beyond this machine without a token.
        LocalStateError: Dagster would start runs on hosts that lack what these need.
    """
    plans = {"dagster": _dagster, "api": _api, "evidence": _evidence}
    return plans[name](project, host, scratch)


def _dagster(project: Project, host: str, scratch: Path) -> Service:
    """The webserver and the daemon, which share one code server, as ``dagster dev`` has it.

    Started apart, each would load all workflows into a code server of its own. The code server is
    a proxy and a child, so that "Reload" in the UI reads the workflows anew.
    """
    _need("dagster_webserver", "ui", "Dagster's webserver")
    # Its workers would refuse to start, and each run wait for one.
    check_remote(project)
    home = prepare_dagster_home(project)
    port = project.settings.dagster_port
    code_socket = scratch / "code.sock"
    workspace = _shared_workspace(project, code_socket, scratch / "workspace.yaml")
    worker_socket = scratch / "runs.sock"
    environment: dict[str, str | None] = {
        "DAGSTER_HOME": str(home),
        TOKEN_VARIABLE: None,
        SERVICE_VARIABLE: "dagster",
        WORKER_VARIABLE: str(worker_socket) if project.settings.warm_runs else None,
    }
    waiting = [*_LAUNCH, "--wait-for", str(code_socket), "--", *_PYTHON]
    code_server = [
        *(*_LAUNCH, "--prepare-history", "--", *_PYTHON, "dagster", "code-server", "start"),
        *("--socket", str(code_socket), "--module-name", _DEFINITIONS),
        *("--location-name", LOCATION_NAME, "--use-python-environment-entry-point"),
    ]
    webserver = [
        *(*waiting, "dataflow.service.dagster_ui", "--workspace", str(workspace)),
        *("--host", host, "--port", str(port)),
    ]
    # It serves terminals as well; where modules lie must not depend on the current folder then.
    runs = [sys.executable, "-P", "-m", "dataflow.service.worker_keeper"]
    runs += ["--socket", str(worker_socket)]
    if project.settings.daemon is not False:
        runs += ["--project", str(project.root), "--entry", ENTRY]
    warm = [Process("runs", runs, environment)] if project.settings.warm_runs else []
    daemon = [*waiting, "dataflow.service.dagster_daemon", "--workspace", str(workspace)]
    return Service(
        "dagster",
        Address("dagster", host, port, "DATAFLOW_DAGSTER_PORT"),
        "/server_info",
        [
            Process("code", code_server, environment, worker="api grpc"),
            *warm,
            Process("dagster", webserver, environment),
            Process("daemon", daemon, environment),
        ],
    )


def _api(project: Project, host: str, _scratch: Path) -> Service:
    for module in ("fastapi", "uvicorn", "httpx"):
        _need(module, "api", "The REST API")
    from dataflow.service.api_token import check_bind

    check_bind(host, project=project)
    port = project.settings.api_port
    command = [*_PYTHON, "dataflow.cli", "api", "--host", host, "--port", str(port)]
    return Service(
        "api",
        Address("api", host, port, "DATAFLOW_API_PORT"),
        "/livez",
        [Process("api", command)],
    )


def _evidence(project: Project, host: str, _scratch: Path) -> Service:
    _need("starlette", "evidence", "The dashboard server")
    from dataflow.publish.folders import SiteFolders

    if not (SiteFolders.of(project).public / "index.html").exists():
        raise NotReadyError(
            "The dashboards are not built yet.",
            "Build them with `dataflow evidence build`, then start again.",
        )
    port = project.settings.evidence_port
    command = [*_PYTHON, "dataflow.cli", "evidence", "serve"]
    return Service(
        "evidence",
        Address("evidence", host, port, "DATAFLOW_EVIDENCE_PORT"),
        "/",
        [Process("evidence", [*command, "--host", host, "--port", str(port)])],
    )


def _need(module: str, extra: str, what: str) -> None:
    if find_spec(module) is None:
        raise MissingDependencyError(
            f"{what} is not installed.", f"Install it: pip install 'dataflow-runtime[{extra}]'"
        )


def _shared_workspace(project: Project, code_socket: Path, path: Path) -> Path:
    """Write the project's workspace with its own location on the shared code server.

    Other locations that a team has added to workspace.yaml stay as they are.
    """
    ours = {"grpc_server": {"socket": str(code_socket), "location_name": LOCATION_NAME}}
    own = project.root / "workspace.yaml"
    locations = (yaml.safe_load(own.read_text()) or {}).get("load_from", []) if own.exists() else []
    others = [location for location in locations if not _is_ours(location)]
    path.write_text(yaml.safe_dump({"load_from": [ours, *others]}))
    return path


def _is_ours(location: object) -> bool:
    module = location.get("python_module") if isinstance(location, dict) else None
    name = module.get("module_name") if isinstance(module, dict) else module
    return name in (_DEFINITIONS, _OLD_DEFINITIONS)


def process_environment(project: Project, process: Process) -> dict[str, str]:
    """The whole environment of a process of a service."""
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        PROJECT_VARIABLE: str(project.root),
        **{name: value for name, value in process.environment.items() if value is not None},
    }
    for name, value in process.environment.items():
        if value is None:
            environment.pop(name, None)
    return environment
