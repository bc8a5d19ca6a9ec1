"""What a publisher is, whether it is built in or comes from another distribution.

A distribution adds one by an entry point in the group ``dataflow.publishers`` that names a
`PublisherKind`; ``publishers`` in a project's ``[tool.dataflow]`` chooses which ones run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from dataflow.shared.config_kinds import chosen_kind
from dataflow.shared.config_types import Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project

Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class PublishRequest:
    """What is to be published: the tables of one workflow, after a run has built them.

    The connection is to a DuckDB that has its schemas ``raw``, ``staging`` and ``marts``.
    """

    project: Project
    workflow_id: str
    connection: DuckDBPyConnection


@dataclass(frozen=True)
class PublisherKind(Generic[Settings]):
    """One kind of publisher.

    Args:
        settings: The keys that it has in ``[tool.dataflow]``, with ``type: Literal[<name>]``.
        publish: Publishes all of it or nothing; returns the rows of each published table. It
            raises a ``DataflowError`` for whatever a person can put right.
    """

    settings: type[Settings]
    publish: Callable[[Settings, PublishRequest], dict[str, int]]


def publish(request: PublishRequest) -> dict[str, int]:
    """Hand a workflow's tables to every publisher of the project, in the order of the setting.

    Returns:
        The rows of each published table, by its name.

    Raises:
        BadInputError: The setting ``publishers`` is wrong; nothing was published.
        PublishError: A publisher failed; those before it have published.
    """
    chosen = [chosen_kind("publishers", kind) for kind in request.project.settings.publishers]
    tables: dict[str, int] = {}
    for kind, settings in chosen:
        tables |= kind.publish(settings, request)
    return tables
