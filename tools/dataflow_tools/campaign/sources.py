"""Which repositories a campaign goes through: addresses, lists of them, folders of clones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow_tools.scaffold.git import GitError, hide_credentials, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_URL = re.compile(r"^([a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:)")
_PASSWORD = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


@dataclass(frozen=True)
class Repository:
    """A repository of a campaign.

    Args:
        name: What it is called in reports, and the folder of its clone; no other has it.
        address: Where it is fetched from and pushed to.
    """

    name: str
    address: str

    @property
    def shown(self) -> str:
        """The address as people may see it."""
        return hide_credentials(self.address)


def find_repositories(sources: Iterable[str]) -> list[Repository]:
    """Find the repositories that are meant, each once, in the order given.

    Args:
        sources: Each a git URL, a file with one address per line, the folder of a repository, or
            a folder of clones. A clone stands for where it came from (its ``origin``); one
            without an origin, and a bare repository, for itself.

    Raises:
        BadInputError: A source is none of these, or there is no repository at all.
    """
    addresses: dict[str, None] = {}
    for source in sources:
        found = list(_addresses(source))
        if not found:
            raise BadInputError(
                f"There is no repository in {source}.",
                "Name a git URL, a file with one address per line, or a folder of clones.",
            )
        addresses |= dict.fromkeys(found)
    for address in addresses:
        if _PASSWORD.search(address):
            raise BadInputError(
                f"{hide_credentials(address)} has a password in its address, which would be "
                "written into the campaign's folder.",
                "Leave it out, and let git ask a credential helper: git help credentials",
            )
    return [Repository(name, address) for name, address in _named(addresses)]


def _addresses(source: str) -> Iterator[str]:
    if _URL.match(source):
        yield source
        return
    path = Path(source).expanduser().absolute()
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            address = line.partition(" #")[0].strip()
            if address and not address.startswith("#"):
                relative = not _URL.match(address)
                yield str(path.parent / Path(address).expanduser()) if relative else address
    elif path.is_dir() and _is_repository(path):
        yield _origin(path)
    elif path.is_dir():
        for folder in sorted(path.iterdir()):
            if folder.is_dir() and _is_repository(folder):
                yield _origin(folder)
    else:
        raise BadInputError(
            f"{source} does not exist.",
            "Name a git URL, a file with one address per line, or a folder of clones.",
        )


def _is_repository(folder: Path) -> bool:
    bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    return (folder / ".git").exists() or bare


def _origin(clone: Path) -> str:
    """Where a clone came from; itself if it says nothing, or has no working tree."""
    if not (clone / ".git").exists():
        return str(clone)
    try:
        found = run_git("config", "--get", "remote.origin.url", cwd=clone).decode().strip()
    except GitError:
        return str(clone)
    if _URL.match(found) or not found:
        return found or str(clone)
    return str((clone / found).resolve())


def _named(addresses: Iterable[str]) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    for address in addresses:
        parts = re.split(r"[/:]", address.rstrip("/").removesuffix("/.git").removesuffix(".git"))
        words = [re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip(".-") for part in parts if part]
        words = [word for word in words if word] or ["repository"]
        candidates = [words[-1], "-".join(words[-2:])]
        candidates += [f"{words[-1]}-{number}" for number in range(2, len(taken) + 3)]
        name = next(name for name in candidates if name.lower() not in taken)
        taken.add(name.lower())
        yield name, address
