"""Where Node's packages and the generated site lie, beside what every site has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.publish.folders import SiteFolders

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class EvidenceFolders(SiteFolders):
    """The folders of a site that is built with Node and Evidence."""

    @property
    def modules(self) -> Path:
        """Node's packages, installed once per lock file."""
        return self.base / "node_modules"

    def template(self, use: str) -> Path:
        """The generated site of one use: ``build`` or ``dev``.

        Evidence recognises its working folder by the name ``.evidence/template``.
        """
        return self.base / use / ".evidence" / "template"
