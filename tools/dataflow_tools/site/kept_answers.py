"""What the check said of each page: it is asked again only for what has changed since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow_tools.site.site_folder import Site


@dataclass
class KeptAnswers:
    """The check's answers of before and of now.

    Args:
        folder: Where they are kept; another one when something changes that every page depends on.
        keys: Of each file, by its target, a name of all that its answer depends on.
        unknown: What is to be asked, as the check reads it.
    """

    folder: Path
    keys: dict[str, str]
    unknown: dict[str, Any]
    _faults: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, site: Site, request: dict[str, Any]) -> KeptAnswers:
        """Read what is known of a request's files."""
        keys = {file["target"]: _key(site, file, request) for file in request["files"]}
        try:
            before = json.loads(_place(folder).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        known = {target: before[key] for target, key in keys.items() if key in before}
        files = [file for file in request["files"] if file["target"] not in known]
        return cls(folder, keys, {**request, "files": files}, known)

    def add(self, faults: list[dict[str, Any]]) -> None:
        """Take the answer to what was unknown, and keep all."""
        for file in self.unknown["files"]:
            target = file["target"]
            self._faults[target] = [fault for fault in faults if fault["target"] == target]
        content = {self.keys[target]: found for target, found in self._faults.items()}
        draft = _place(self.folder).with_suffix(".new")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(_place(self.folder))

    def faults(self) -> list[dict[str, Any]]:
        """What is wrong in all files, as the check writes it."""
        return [fault for target in self.keys for fault in self._faults.get(target, [])]


def _place(folder: Path) -> Path:
    return folder / "checked.json"


def _key(site: Site, file: dict[str, Any], request: dict[str, Any]) -> str:
    content = (site.template / file["target"]).read_bytes()
    # A page's queries are asked of the tables of its own workflow and of those that it names.
    tables = {
        part: {
            name: names
            for name, names in request[part].items()
            if name == file["workflow"] or name.encode() in content
        }
        for part in ("tables", "awaited")
    }
    digest = hashlib.sha256(json.dumps([file, tables], sort_keys=True).encode())
    digest.update(content)
    return digest.hexdigest()
