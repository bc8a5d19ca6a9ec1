"""The lines of a project's pyproject.toml that pin this library, beside a person's own.

Every release changes them, and whoever adds a dependency edits them or the lines next to them,
which a merge by lines takes for a conflict each time. So they are moved to the new version first,
in the person's file and in what it started from; the merge then sees only what else differs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow_tools.fleet.tree import Entry

FILE = PROJECT_FILE

_REQUIREMENT = re.compile(rb'(dataflow-(?:runtime|tools))((?:\[[^]"]*\])?==)([^"\s;,]+)')
# The lines of [tool.uv.sources], which stand one below the other.
_SOURCES = re.compile(rb"(?:^dataflow-(?:runtime|tools)\s*=\s*\{[^\n]*\}\n)+", re.MULTILINE)


def move_pins(base: Entry, ours: Entry, theirs: Entry) -> tuple[Entry, Entry]:
    """Move the library's version in two files to that of a third.

    A version that a person chose, and any other line of theirs, stays.

    Args:
        base: What the person's file started from.
        ours: The person's file.
        theirs: The template's file, which has the version to move to.

    Returns:
        ``base`` and ``ours`` with the lines of ``theirs`` where they had the same ones.
    """
    old, mine, new = base.data, ours.data, theirs.data
    before, after = _versions(old), _versions(new)
    for name, version in before.items():
        if name in after:
            old, mine = (_with_version(text, name, version, after[name]) for text in (old, mine))
    for name in after.keys() - before.keys():
        old, mine = _with_line_of(name, old, mine, new)
    known, wanted = _SOURCES.search(old), _SOURCES.search(new)
    if known and wanted and mine.count(known[0]) == 1:
        old, mine = (text.replace(known[0], wanted[0]) for text in (old, mine))
    return replace(base, data=old), replace(ours, data=mine)


def runtime_version(root: Path) -> Version | None:
    """The version of the runtime that a project asks for; ``None`` if it pins none."""
    try:
        text = read_project_file(root / FILE).text
        return Version(_versions(text.encode()).get(b"dataflow-runtime", b"").decode())
    except (OSError, UnicodeDecodeError, InvalidVersion, BadInputError):
        return None


def _versions(text: bytes) -> dict[bytes, bytes]:
    return {name: version for name, _, version in _REQUIREMENT.findall(text)}


def _with_version(text: bytes, name: bytes, old: bytes, new: bytes) -> bytes:
    def moved(match: re.Match[bytes]) -> bytes:
        same = (match[1], match[3]) == (name, old)
        return match[1] + match[2] + new if same else match[0]

    return _REQUIREMENT.sub(moved, text)


def _with_line_of(name: bytes, old: bytes, mine: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Add the line of a requirement that is new, below the line that it stands below."""
    found = re.search(rb'^([^\n]*\n)(\s*"' + re.escape(name) + rb"[^\n]*\n)", new, re.MULTILINE)
    if found is None or name + b"==" in mine:
        return old, mine
    above, line = f"^{re.escape(found[1].decode())}".encode(), found[2]
    places = [re.findall(above, text, re.MULTILINE) for text in (old, mine)]
    if any(len(place) != 1 for place in places):
        return old, mine
    old, mine = (
        re.sub(above, lambda match: match[0] + line, text, flags=re.MULTILINE)
        for text in (old, mine)
    )
    return old, mine
