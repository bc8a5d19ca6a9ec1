"""The part of a changelog that is not released yet, as Keep a Changelog has it."""

from __future__ import annotations

import re

from dataflow.shared.errors import BadInputError

FILE = "CHANGELOG.md"
# `## [Unreleased]`, or the version that it is going to be: `## [0.2.0] - Unreleased`.
_HEADING = re.compile(r"^## +\[?(?P<name>[^\]\n]*?)\]?(?: +- +(?P<date>[^\n]*))?[ \t]*$", re.M)


def unreleased(text: str) -> str:
    """What stands in the part that is not released.

    Raises:
        BadInputError: There is no such part, or nothing in it.
    """
    _, start, end = _part(text)
    body = text[start:end]
    if not re.search(r"^\s*[-*] +\S", body, re.MULTILINE):
        raise BadInputError(
            f"{FILE} has nothing under Unreleased.",
            "Write there what changes for people who use the template, as a list: - ...",
        )
    return body.strip()


def with_release(text: str, version: str, day: str) -> str:
    """The changelog with what was not released under a version, and an empty part above it.

    Raises:
        BadInputError: It has no part that is not released, or has the version already.
    """
    heading, start, end = _part(text)
    for other in _HEADING.finditer(text):
        if other["name"] == version and other.start() != heading.start():
            raise BadInputError(
                f"{FILE} has a part for {version} already.", "Choose another version."
            )
    body = text[start:end]
    fresh = f"## [Unreleased]\n\n## [{version}] - {day}"
    return _with_links(text[: heading.start()] + fresh + body + text[end:], version)


def _part(text: str) -> tuple[re.Match[str], int, int]:
    headings = list(_HEADING.finditer(text))
    for number, heading in enumerate(headings):
        words = {heading["name"].lower(), (heading["date"] or "").lower()}
        if "unreleased" in words:
            later = headings[number + 1 :]
            links = re.search(r"^\[[^\]\n]+\]: ", text[heading.end() :], re.MULTILINE)
            ends = [other.start() for other in later[:1]]
            ends += [heading.end() + links.start()] if links else []
            return heading, heading.end(), min(ends, default=len(text))
    raise BadInputError(
        f"{FILE} has no part that is not released yet.",
        "Write a line `## [Unreleased]` above the last version, and below it what has changed.",
    )


def _with_links(text: str, version: str) -> str:
    """Move the link that compares with the last release, where the file has one."""
    link = re.search(
        r"^\[unreleased\]: (?P<base>\S*/compare/)(?P<last>\S+?)\.\.\.\S+$", text, re.I | re.M
    )
    if link is None:
        return text
    prefix = "v" if link["last"].startswith("v") else ""
    tag, base = f"{prefix}{version}", link["base"]
    lines = f"[Unreleased]: {base}{tag}...HEAD\n[{version}]: {base}{link['last']}...{tag}"
    return text[: link.start()] + lines + text[link.end() :]
