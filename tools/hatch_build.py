"""Puts the template into the distribution: where there is no checkout, `dataflow init` takes it.

It lies there as `dataflow_tools/template_files/`, with `origin.json`: the address of the repository
that it was built from, which projects remember. That is `DATAFLOW_TEMPLATE_URL`, else the remote
`origin` if it is one that other machines reach, else none.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PARTS = ("copier.yml", "template")
_PACKED = "template_files"
_REACHABLE = re.compile(r"(https?|ssh)://|[\w.-]+@[\w.-]+:")
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the template's files to a wheel and to an sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which files go in; an editable install has the checkout instead."""
        if version == "editable":
            return
        root = Path(self.root)
        # An sdist has them inside, so that a wheel built from it is the same.
        packed = root / _PACKED
        target = f"dataflow_tools/{_PACKED}" if self.target_name == "wheel" else _PACKED
        include = build_data["force_include"]
        if packed.is_dir():
            for path in sorted(packed.rglob("*")):
                if path.is_file():
                    include[str(path)] = f"{target}/{path.relative_to(packed).as_posix()}"
            return
        top = root.parent
        for name in _tracked(top):
            include[str(top / name)] = f"{target}/{name}"
        # Of the builder's own, so that it goes when the build is done.
        self._made = tempfile.TemporaryDirectory(prefix="dataflow-build-")
        origin = Path(self._made.name) / "origin.json"
        origin.write_text(json.dumps({"url": _address(top)}) + "\n", encoding="utf-8")
        # What is packed has this time in it; the same sources give the same file.
        os.utime(origin, (0, 0))
        include[str(origin)] = f"{target}/{origin.name}"


def _tracked(top: Path) -> list[str]:
    listed = _git(top, "ls-files", "-z", "--", *_PARTS)
    if listed is not None:
        return sorted(name for name in listed.split("\0") if name and (top / name).is_file())
    found = [top / _PARTS[0], *(top / _PARTS[1]).rglob("*")]
    return sorted(path.relative_to(top).as_posix() for path in found if path.is_file())


def _address(top: Path) -> str:
    named = os.environ.get("DATAFLOW_TEMPLATE_URL", "")
    remote = named or (_git(top, "remote", "get-url", "origin") or "").strip()
    return _LOGIN.sub("", remote) if _REACHABLE.match(remote) else named


def _git(top: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=top, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode("utf-8", "surrogateescape")
