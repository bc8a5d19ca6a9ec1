"""The site's ``evidence.config.yaml``: ours, with the project's own over it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.publish.folders import project_pages_folder
from dataflow.shared.errors import BadInputError
from dataflow_tools.site.npm_install import site_files

if TYPE_CHECKING:
    from dataflow.shared.project import Project

CONFIG_NAME = "evidence.config.yaml"
_KEYS = ("appearance", "theme", "deployment", "layout")
# What the layout of all pages can be told, as Evidence calls it.
_LAYOUT = (
    "title",
    "logo",
    "lightLogo",
    "darkLogo",
    "maxWidth",
    "fullWidth",
    "hideSidebar",
    "hideHeader",
    "hideTOC",
    "hideBreadcrumbs",
    "homePageName",
    "sidebarDepth",
)
_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True)
class SiteConfig:
    """How the site looks and where it stands.

    Args:
        evidence: What Evidence reads.
        layout: What the layout of all pages is told.
        base_path: The path that the site stands under, such as ``/dash``; empty for none.
    """

    evidence: dict[str, Any] = field(default_factory=dict)
    layout: dict[str, Any] = field(default_factory=dict)
    base_path: str = ""


def read_site_config(project: Project) -> SiteConfig:
    """Read the project's ``evidence/evidence.config.yaml``, if there is one, and merge it.

    Raises:
        BadInputError: It has a key or a value that the site cannot have.
    """
    ours = yaml.safe_load((site_files() / CONFIG_NAME).read_text(encoding="utf-8"))
    path = project_pages_folder(project) / CONFIG_NAME
    if not path.is_file():
        return SiteConfig(ours)
    place = project.relative(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise BadInputError(f"{place}: {reason}", "Write it as YAML, in UTF-8.") from error
    if not isinstance(content, dict):
        raise BadInputError(f"{place} is not a mapping.", f"Its keys are {', '.join(_KEYS)}.")
    if "plugins" in content:
        raise BadInputError(
            f"{place}: plugins: the packages of the site are those of its lock file.",
            "Write components as .svelte files into evidence/components, and sources as workflows.",
        )
    _refuse_unknown(place, "", content, _KEYS)
    layout = content.pop("layout", None) or {}
    _refuse_unknown(place, "layout.", layout, _LAYOUT)
    deployment = content.get("deployment") or {}
    _refuse_unknown(place, "deployment.", deployment, ("basePath",))
    base_path = str(deployment.get("basePath") or "").rstrip("/")
    if base_path and not _BASE_PATH.fullmatch(base_path):
        raise BadInputError(
            f"{place}: deployment.basePath: {base_path!r} is no path of a site.",
            "Write it as /dash or /team/dash.",
        )
    if base_path:
        content["deployment"] = {"basePath": base_path}
    return SiteConfig(_merged(ours, content), layout, base_path)


def _refuse_unknown(place: str, where: str, content: Any, known: tuple[str, ...]) -> None:
    names = content if isinstance(content, dict) else {str(content): None}
    for name in names:
        if name not in known:
            raise BadInputError(
                f"{place}: {where}{name} is not known.", f"Known are {', '.join(known)}."
            )


def _merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    merged = dict(ours)
    for name, value in theirs.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged
