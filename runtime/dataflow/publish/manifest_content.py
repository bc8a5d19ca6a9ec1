"""What a manifest says, and how its file says it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

# How long what a run has staged may lie before the run succeeds.
RUN_SECONDS = 7 * 24 * 3600.0


@dataclass
class Manifest:
    """What is published.

    Args:
        tables: Per workflow, its tables' files, as paths below the public folder.
        workflows: Per workflow, what the pages tell about it: ``published_at`` (ISO 8601, UTC),
            ``rows`` (per table) and, once there was one, ``run`` (its last run) and,
            with a schedule, ``overdue_after`` (seconds).
        replaced: Files that were tables and are no more, with the time since when (ISO 8601, UTC).
            Only shared places need it: a folder of this machine has it as the files' times.
    """

    tables: dict[str, list[str]] = field(default_factory=dict)
    workflows: dict[str, dict[str, Any]] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)


def parse_manifest(data: bytes) -> Manifest:
    """The manifest that a file holds.

    Raises:
        ValueError: It is no JSON, or not UTF-8.
    """
    content = json.loads(data)
    tables = {
        name: [path.removeprefix("static/") for path in paths]
        for name, paths in content.get("renderedFiles", {}).items()
    }
    return Manifest(tables, content.get("workflows", {}), content.get("replaced", {}))


def manifest_content(manifest: Manifest) -> bytes:
    """What a page in a browser starts from.

    Sites of every version read ``renderedFiles``, with ``static/`` before each path.
    """
    content = {
        "renderedFiles": {
            name: [f"static/{path}" for path in paths]
            for name, paths in sorted(manifest.tables.items())
        },
        "workflows": dict(sorted(manifest.workflows.items())),
        **({"replaced": dict(sorted(manifest.replaced.items()))} if manifest.replaced else {}),
    }
    return json.dumps(content).encode()
