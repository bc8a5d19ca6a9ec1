"""What a publisher is, whether it is built in or comes from another distribution.

A distribution adds one by an entry point in the group ``dataflow.publishers`` that names a
`PublisherKind`; ``publishers`` in a project's ``[tool.dataflow]`` chooses which ones run.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dataflow.shared.config_kinds import chosen_kind
from dataflow.shared.config_types import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project

Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class PublishRequest:
    """What is to be published: the tables of one workflow, after a run has built them.

    The connection is to a DuckDB that has its schemas ``raw``, ``staging`` and ``marts``.

    Args:
        config: The configuration that the run has read; None where nobody has.
    """

    project: Project
    workflow_id: str
    connection: DuckDBPyConnection
    config: WorkflowConfig | None = None


@dataclass(frozen=True)
class Staged:
    """What a publisher has made ready and nobody sees yet.

    Args:
        rows: The rows of each table, by its name.
        folder: Where it lies, until it is released or swept away.
    """

    rows: dict[str, int]
    folder: Path


@dataclass(frozen=True)
class PublisherKind(Generic[Settings]):
    """One kind of publisher.

    With ``stage`` and ``release`` it publishes in two steps: what a run makes ready is seen when
    the whole run has succeeded, together with its tables. Without them it publishes in the run's
    step ``publish``, after all others have made theirs ready.

    Args:
        settings: The keys that it has in ``[tool.dataflow]``, with ``type: Literal[<name>]``.
        publish: Publishes all of it or nothing; returns the rows of each published table. It
            raises a ``DataflowError`` for whatever a person can put right.
        stage: Does all that takes time or can fail, and leaves what is seen as it is.
        release: Given the folder of what was staged, prepares to show it; shows it at the end of
            the block, or not if that raises. It may be called again for the same folder after a
            crash.
    """

    settings: type[Settings]
    publish: Callable[[Settings, PublishRequest], dict[str, int]]
    stage: Callable[[Settings, PublishRequest], Staged] | None = None
    release: Callable[[Settings, Project, str, Path], AbstractContextManager[None]] | None = None


@dataclass(frozen=True)
class Publication:
    """What one publisher of a project has staged, as it can be written down.

    Args:
        kind: The publisher, as the setting ``publishers`` names it.
        folder: What it has staged.
    """

    kind: str | dict[str, Any]
    folder: str


def publish(request: PublishRequest) -> dict[str, int]:
    """Hand a workflow's tables to every publisher of the project, in the order of the setting.

    Returns:
        The rows of each published table, by its name.

    Raises:
        BadInputError: The setting ``publishers`` is wrong; nothing was published.
        PublishError: A publisher failed; those before it have published.
    """
    values = request.project.values
    chosen = [
        chosen_kind("publishers", kind, values) for kind in request.project.settings.publishers
    ]
    tables: dict[str, int] = {}
    for kind, settings in chosen:
        tables |= kind.publish(settings, request)
    return tables


def stage(request: PublishRequest) -> tuple[dict[str, int], list[Publication]]:
    """Let every publisher make a workflow's tables ready, to be released when the run succeeds.

    Those that publish in one step do so, after the others.

    Returns:
        The rows of each table, by its name, and what is to be released.

    Raises:
        BadInputError: The setting ``publishers`` is wrong; nothing was published.
        PublishError: A publisher failed.
    """
    names = request.project.settings.publishers
    values = request.project.values
    chosen = [(name, *chosen_kind("publishers", name, values)) for name in names]
    tables: dict[str, int] = {}
    publications = []
    for name, kind, settings in chosen:
        if kind.stage is not None:
            staged: Staged = kind.stage(settings, request)
            tables |= staged.rows
            publications.append(Publication(name, str(staged.folder)))
    for _, kind, settings in chosen:
        if kind.stage is None:
            tables |= kind.publish(settings, request)
    return tables, publications


@contextmanager
def releasing(
    project: Project, workflow_id: str, publications: list[Publication]
) -> Iterator[None]:
    """Show what was staged at the end of the block, unless that raises."""
    from pathlib import Path

    with ExitStack() as stack:
        for publication in publications:
            kind, settings = chosen_kind("publishers", publication.kind, project.values)
            released = kind.release(settings, project, workflow_id, Path(publication.folder))
            stack.enter_context(released)
        yield
