"""Who changed what through the service: a line for each change, in .dataflow/audit.jsonl."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project


def audit_path(project: Project) -> Path:
    """Where the lines are."""
    return project.state_dir / "audit.jsonl"


def note_change(project: Project, actor: str, action: str, target: str, **more: object) -> None:
    """Write down one change; whole, also where several processes write.

    Args:
        actor: The name of a token, or of a user of this machine.
        action: What was done, such as ``POST`` or ``token create``.
        target: What it was done to.
        more: Further facts, none of them a secret.
    """
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "actor": actor,
        "action": action,
        "target": target,
        **more,
    }
    path = audit_path(project)
    path.parent.mkdir(exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{json.dumps(line, ensure_ascii=False)}\n".encode(errors="replace"))
    finally:
        os.close(file)
