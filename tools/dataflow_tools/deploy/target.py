"""What a project is deployed to: read from the chosen environment, refused where it cannot work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataflow.shared.environments import chosen_environment
from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow.workflows.registry import check_known, list_workflow_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.project import Project

# What names of Kubernetes look like: https://kubernetes.io/docs/concepts/overview/working-with-objects/names
_LABEL = r"^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$"
_HOST = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$"
_TAG = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
# Neither a variable nor anything that YAML reads as something else.
_PLAIN = r"[A-Za-z_][A-Za-z0-9_.-]*|[0-9]+([.][0-9]+){3}"
_POSTGRES = re.compile(r"^postgres(ql)?(\+\w+)?$")

Label = Annotated[str, Field(pattern=_LABEL)]


class KubernetesSettings(BaseModel):
    """The keys of the setting ``kubernetes``."""

    model_config = ConfigDict(extra="forbid")

    # Without tag; the three images are called so, with `-dagster`, `-api` and `-evidence` behind.
    image: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*[a-z0-9]$")]
    tag: Annotated[str, Field(pattern=_TAG)] = ""
    namespace: Label = ""
    host: Annotated[str, Field(pattern=_HOST)]
    # `basic`, or the address of an oauth2-proxy, such as https://login.example.org/oauth2.
    login: Annotated[str, Field(pattern=r"^(basic|https://\S+)$")] = "basic"
    ingress_class: Label = "nginx"
    groups: dict[Label, list[str]] = {}


@dataclass(frozen=True)
class Database:
    """Where the run history is; its password is in a Secret only."""

    host: str
    port: int
    user: str
    name: str


@dataclass(frozen=True)
class Location:
    """One of Dagster's code locations: a group of workflows, or all of them.

    Args:
        workflows: Their ids; empty for all that the image has.
    """

    name: str
    workflows: list[str]


@dataclass(frozen=True)
class Target:
    """All that the rendered files are about.

    Args:
        environment: The name of the project's environment, which the containers run in.
        login: ``basic``, or the address of an oauth2-proxy.
    """

    project: str
    environment: str
    image: str
    tag: str
    namespace: str
    host: str
    login: str
    ingress_class: str
    database: Database
    locations: list[Location]


def read_target(project: Project, options: Mapping[str, str], groups: Mapping[str, str]) -> Target:
    """Read what to deploy, and to where, from the chosen environment of a project.

    Args:
        options: Keys of the setting ``kubernetes`` that count before the project's.
        groups: The ids of the workflows of each code location, separated by commas; ``*`` for
            those of no other.

    Raises:
        BadInputError: Something is missing or wrong, or what this environment keeps on one machine
            would be lost with a container. All of it is named.
    """
    environment = chosen_environment()
    if not environment:
        raise BadInputError(
            "No environment is chosen.",
            "Name the one that the cluster is: dataflow deploy kubernetes --env prod",
        )
    where = f"{PROJECT_FILE}, [tool.dataflow.environments.{environment}]"
    own: dict[str, Any] = {**project.settings.kubernetes, **options}
    if groups:
        own["groups"] = {name: value.split(",") for name, value in groups.items()}
    content = read_project_file(project.root / PROJECT_FILE).content
    about = content.get("project", {})
    try:
        settings = KubernetesSettings.model_validate(own)
    except ValidationError as error:
        faults = "\n".join(
            f"{where}: kubernetes.{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors()
        )
        known = ", ".join(KubernetesSettings.model_fields)
        raise BadInputError(
            faults, f"Write them there: kubernetes = {{...}}, with {known}."
        ) from error
    tag = settings.tag or str(about.get("version", ""))
    if not re.fullmatch(_TAG, tag) or tag == "latest":
        raise BadInputError(
            f"{where}: kubernetes.tag = {tag!r} does not name one image for good.",
            "Give each build a tag of its own, such as --tag 1.4.0: a run that starts again has to "
            "find the code it began with.",
        )
    name = re.sub(r"[^a-z0-9]+", "-", str(about.get("name", project.root.name)).lower()).strip("-")
    return Target(
        project=name[:40].rstrip("-") or "dataflow",
        environment=environment,
        image=settings.image,
        tag=tag,
        namespace=settings.namespace or name[:50].rstrip("-") or "dataflow",
        host=settings.host,
        login=settings.login.rstrip("/"),
        ingress_class=settings.ingress_class,
        database=_shared_state(project, where),
        locations=_locations(project, settings.groups),
    )


def _shared_state(project: Project, where: str) -> Database:
    """The database of the history, once it is sure that nothing is kept in a container."""
    settings = project.settings
    address = urlsplit(settings.history)
    lost = []
    if not _POSTGRES.match(address.scheme) or address.hostname is None:
        lost.append('history = "postgresql://USER@HOST/NAME": where all pods find the runs')
    for name, what in (
        ("state_store", "what steps hand over, and what failed runs leave"),
        ("publish_target", "the tables that the dashboards read"),
    ):
        if "://" not in str(getattr(settings, name)):
            lost.append(f'{name} = "s3://BUCKET/FOLDER": {what}')
    kind = settings.warehouse
    if (kind.get("type") if isinstance(kind, dict) else kind) == "duckdb":
        lost.append('warehouse = {type = "ducklake", ...}, or another that several machines share')
    if lost:
        listed = "\n".join(f"  {line}" for line in lost)
        raise BadInputError(
            f"{where}: what is kept on one machine would be lost with its pod. It lacks:\n{listed}",
            "Add these settings; docs/kubernetes.md has an environment that is complete.",
        )
    try:
        port = address.port or 5432
    except ValueError:
        port = 0
    user, name = address.username or "dataflow", address.path.strip("/") or "dataflow"
    if not port or not all(
        re.fullmatch(_PLAIN, part) for part in (user, name, str(address.hostname))
    ):
        # The address itself may have a password, which no message shows.
        raise BadInputError(
            f"{where}: history: user, host, port or database is no plain name or number.",
            "Write them out: the chart's values have them. Only the password may be ${NAME}.",
        )
    return Database(str(address.hostname), port, user, name)


def _locations(project: Project, groups: Mapping[str, list[str]]) -> list[Location]:
    """One code location for all workflows, or one for each group.

    Raises:
        BadInputError: A group has a workflow that does not exist or is in another group as well, or
            a workflow is in none.
    """
    if not groups:
        return [Location("dataflow", [])]
    left = set(list_workflow_ids(project))
    found: dict[str, list[str]] = {}
    rest: Literal[""] | str = ""
    for name, members in groups.items():
        found[name] = []
        for workflow_id in filter(None, (member.strip() for member in members)):
            if workflow_id == "*":
                rest = name
                continue
            check_known(workflow_id, project)
            if workflow_id not in left:
                raise BadInputError(
                    f"The workflow {workflow_id} is in two groups.", "Leave it in one of them."
                )
            left.discard(workflow_id)
            found[name].append(workflow_id)
    if left and rest:
        found[rest] += sorted(left)
    elif left:
        raise BadInputError(
            f"In no group: {', '.join(sorted(left))}.",
            "Name each in one, or give one group the rest: --group rest='*'",
        )
    empty = [name for name, members in found.items() if not members]
    if empty:
        raise BadInputError(f"The group {empty[0]} has no workflow.", "Name some, or leave it out.")
    return [Location(name, sorted(members)) for name, members in found.items()]
