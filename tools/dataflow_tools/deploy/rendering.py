"""The files that a target needs, as text."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow_tools.deploy.target import Target

_SUFFIX = ".jinja"


def render_files(target: Target) -> dict[str, str]:
    """Every file of a deployment, by its path in the deployment's folder."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 (YAML, of checked names; nothing of it is HTML)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["has_login_page"] = target.login != "basic"
    found = {}
    for source in sorted(files(__package__).joinpath("manifests").iterdir(), key=lambda p: p.name):
        if source.name.endswith(_SUFFIX):
            template = environment.from_string(source.read_text(encoding="utf-8"))
            found[source.name.removesuffix(_SUFFIX)] = template.render(target=target)
    return found


def fingerprint(text: str) -> str:
    """A short text by which a rendered file is known again."""
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[:12]).decode()
