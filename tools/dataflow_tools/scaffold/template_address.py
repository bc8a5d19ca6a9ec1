"""The address of a template as it is written down: it means the same from any folder."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

_WEB = ("http://", "https://", "ssh://")


def lasting_address(source: str) -> str:
    """An address that Copier takes for a repository's from any folder.

    Copier knows no ``file:`` address, takes relative paths from wherever it runs, and an address of
    the web for a repository's only if that says so.

    >>> lasting_address("https://git.test/team/template")
    'git+https://git.test/team/template'
    >>> lasting_address("https://git.test/team/template.git/")
    'https://git.test/team/template.git'
    >>> lasting_address("file:///no%20such/template")
    '/no such/template'
    """
    if source.startswith("file://"):
        source = unquote(urlparse(source).path)
    if Path(source).expanduser().exists():
        return str(Path(source).expanduser().resolve())
    address = source.rstrip("/")
    says_so = address.endswith(".git") or not address.startswith(_WEB)
    return address if says_so else f"git+{address}"
