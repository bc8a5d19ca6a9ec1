"""Writing rendered files over earlier ones, without losing what people have changed in them."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow_tools.deploy.rendering import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What was rendered last, by file: a file that differs from it was changed by a person.
_RECORD = ".rendered.json"


@dataclass(frozen=True)
class FilePlan:
    """What becomes of one file.

    Args:
        change: ``new``, ``same``, ``changed``; ``edited`` where a person has changed it since it
            was rendered, which only ``force`` overwrites.
        diff: From what is there to what is rendered now.
    """

    name: str
    change: str
    diff: str
    text: str

    @property
    def is_kept(self) -> bool:
        """Whether a person's text stays."""
        return self.change == "edited"


def plan_files(folder: Path, rendered: Mapping[str, str]) -> list[FilePlan]:
    """Compare what is rendered with what is there. Nothing is written."""
    record = _read_record(folder)
    plans = []
    for name, text in rendered.items():
        path = folder / name
        before = path.read_text(encoding="utf-8") if path.is_file() else None
        if before is None:
            change = "new"
        elif before == text:
            change = "same"
        else:
            change = "changed" if fingerprint(before) == record.get(name) else "edited"
        lines = difflib.unified_diff(
            (before or "").splitlines(), text.splitlines(), f"{name} (there)", f"{name} (rendered)"
        )
        diff = "\n".join(line.rstrip("\n") for line in lines) if before is not None else ""
        plans.append(FilePlan(name, change, diff, text))
    return plans


def write_files(folder: Path, plans: list[FilePlan], *, force: bool = False) -> list[str]:
    """Write what is new or changed; a person's edits only if ``force``. The names written."""
    folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder)
    written = []
    for plan in plans:
        if plan.is_kept and not force:
            continue
        record[plan.name] = fingerprint(plan.text)
        if plan.change != "same":
            _replace(folder / plan.name, plan.text)
            written.append(plan.name)
    _replace(folder / _RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return written


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _read_record(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
