"""What builds a site of dashboards, whether it is built in or comes from another distribution.

A distribution adds one by an entry point in the group ``dataflow.sites`` that names a `SiteKind`;
``dashboard`` in a project's ``[tool.dataflow]`` chooses one. It gets what publishers have written
(`dataflow.publish`), which know nothing of it, and puts a folder of static files beside that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dataflow.shared.errors import BadInputError
from dataflow.shared.plugins import broken_plugin, distribution_of, installed, load
from dataflow.shared.suggestion import as_sentence, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.dashboards.built import SiteBuild


class Build(Protocol):
    """Builds the site of all workflows of a project, and replaces the one before when it is whole.

    It raises a ``DataflowError`` for whatever a person can put right.
    """

    def __call__(
        self, project: Project, report: Callable[[str], None], packages: Path | None
    ) -> SiteBuild:
        """Build it; ``packages`` is a folder to take other people's code from, if one is given."""


class Develop(Protocol):
    """Serves the pages as they are edited, until interrupted."""

    def __call__(
        self,
        project: Project,
        host: str,
        port: int,
        report: Callable[[str], None],
        packages: Path | None,
    ) -> None:
        """Serve them there."""


@dataclass(frozen=True)
class SiteKind:
    """One kind of site.

    Args:
        develop: None if there are no pages to edit.
        needs_node: It is built with Node.js, which `dataflow doctor` then looks for.
    """

    build: Build
    develop: Develop | None = None
    needs_node: bool = False


def chosen_site(project: Project) -> SiteKind:
    """What the setting ``dashboard`` of a project names.

    Raises:
        BadInputError: Nothing of that name is installed.
        PluginError: It cannot be imported, or is no kind of site.
    """
    name, known = project.settings.dashboard, list(installed("sites"))
    if name not in known:
        meant = did_you_mean(name, known)
        raise BadInputError(
            f"[tool.dataflow] dashboard is {name!r}, and nothing of that name is installed.",
            f"{as_sentence(meant)} There are: {', '.join(known)}.".strip(),
        )
    kind = load("sites", name)
    if not isinstance(kind, SiteKind):
        point = installed("sites")[name]
        raise broken_plugin(point, f"{name!r} of {distribution_of(point)} is no SiteKind.")
    return kind
