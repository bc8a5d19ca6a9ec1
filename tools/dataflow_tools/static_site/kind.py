"""The site without Node, whose pages make themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.dashboards.kind import SiteKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.dashboards.built import SiteBuild


def _build(project: Project, report: Callable[[str], None], packages: Path | None) -> SiteBuild:
    # It takes none from a folder of Node's.
    del packages
    from dataflow_tools.static_site.site_build import build_site

    return build_site(project, report)


KIND = SiteKind(_build)
