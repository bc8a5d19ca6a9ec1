"""The site of Evidence, built from the pages that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.dashboards.kind import SiteKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.dashboards.built import SiteBuild


def _build(project: Project, report: Callable[[str], None], packages: Path | None) -> SiteBuild:
    from dataflow_tools.site.site_build import build_site

    return build_site(project, report, packages)


def _develop(
    project: Project, host: str, port: int, report: Callable[[str], None], packages: Path | None
) -> None:
    from dataflow_tools.site.dev import develop_site

    develop_site(project, host, port, report, packages)


KIND = SiteKind(_build, _develop, needs_node=True)
