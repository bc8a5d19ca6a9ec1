"""dbt's artefacts of a build: its manifest and the results, each written once.

dbt writes the manifest after the parse and again after the build, by code that takes longer for it
than the parse does. A build is told to write none (`WRITES_NONE`), and `write_artefacts` does.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from dataflow.modelling.manifest import Manifest
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from pathlib import Path

WRITES_NONE = "--no-write-json"
# The last that dbt tells of.
_END = "CommandCompleted"


class ArtefactsError(DataflowError):
    """The installed dbt does not tell what it has built."""


class BuiltProject:
    """A callback for dbt that keeps the project that is built, which the result does not tell.

    Args:
        manifest: dbt's own, with what was compiled; None while dbt has not come to an end, or if
            it cannot read the project.
    """

    def __init__(self) -> None:
        self.manifest: Any = None

    def __call__(self, event: Any) -> None:
        """Take it from what dbt's command line is about, which is there as long as it runs."""
        if event.info.name == _END:
            import click

            context = click.get_current_context(silent=True)
            known = context.obj if context else None
            self.manifest = known.get("manifest") if isinstance(known, dict) else None


def write_artefacts(project: Any, result: Any, target: Path) -> Manifest:
    """Write dbt's ``manifest.json`` and ``run_results.json``.

    Args:
        project: dbt's manifest.
        result: dbt's result of the build.

    Returns:
        What the file tells.

    Raises:
        ArtefactsError: There is no manifest of what was built: that is no public part of dbt.
    """
    if project is None:
        raise ArtefactsError(
            f"dbt-core {version('dbt-core')} does not tell which project it has built.",
            "Install one that this library knows: pip install 'dataflow-runtime[dbt]'",
        )
    from dbt_common.utils.encoding import JSONEncoder

    values = project.writable_manifest().to_dict(omit_none=False, context={"artifact": True})
    # All at once, which Python does by C; `json.dump`, as dbt does it, is twenty times slower.
    text = json.dumps(values, cls=JSONEncoder)
    target.mkdir(parents=True, exist_ok=True)
    aside = target / f"manifest.json.{os.getpid()}"
    aside.write_text(text, encoding="utf-8")
    aside.replace(target / "manifest.json")
    if hasattr(result, "write"):
        result.write(str(target / "run_results.json"))
    return Manifest(json.loads(text))
