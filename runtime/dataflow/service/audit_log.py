"""Who changed what through the service: a line for each change, in .dataflow/audit.jsonl."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

# In bytes; some hundred thousand lines are kept in all.
_LARGEST = 10 << 20
_MOST_EARLIER = 10


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
    path.parent.mkdir(parents=True, exist_ok=True)
    _rotate(project, path)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{json.dumps(line, ensure_ascii=False)}\n".encode(errors="replace"))
    finally:
        os.close(file)


def _rotate(project: Project, path: Path) -> None:
    """Let a file that is long become an earlier one, and the earliest of many go."""
    if _size(path) < _LARGEST:
        return
    locks = project.state_dir / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / "audit.lock"):
        # Another process may have done so meanwhile.
        if _size(path) < _LARGEST:
            return
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        path.rename(path.with_name(f"{path.stem}.{now}{path.suffix}"))
        earlier = sorted(path.parent.glob(f"{path.stem}.*{path.suffix}"))
        for each in earlier[:-_MOST_EARLIER]:
            each.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
