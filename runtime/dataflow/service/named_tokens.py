"""Tokens of the REST API with a name and a role each, kept as hashes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from filelock import FileLock
from pydantic import Field, TypeAdapter, ValidationError

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

# Each may do what those before it may.
Role = Literal["read", "run", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
# So that programs that look for secrets in files know one.
_PREFIX = "dataflow_"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)


class TokenNameError(BadInputError):
    """A name of a token is not one, is taken, or nobody has it."""


class BrokenTokensError(BadInputError):
    """The file of tokens cannot be read, so nobody is let in."""

    http_status = 503


@dataclass(frozen=True)
class NamedToken:
    """A token, without itself.

    Args:
        digest: SHA-256 of it. It has 256 bits of chance, so no slower hash is any better.
        created: When, in UTC.
        revoked: When, or an empty text.
    """

    name: str
    role: Role
    digest: str
    created: str
    revoked: str = ""


# An empty list was never written: it would open the API to everybody.
_TOKENS = TypeAdapter(Annotated[list[NamedToken], Field(min_length=1)])


class NamedTokens:
    """The tokens of a project, in ``.dataflow/api_tokens.json``.

    What another process changes is seen at the next look.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._path = project.state_dir / "api_tokens.json"
        self._seen: tuple[tuple[int, int, int] | None, list[NamedToken]] = (None, [])

    def create(self, name: str, role: Role) -> str:
        """Make a token and give it, this once.

        Raises:
            TokenNameError: The name is none, or is taken.
        """
        if not _NAME.fullmatch(name):
            raise TokenNameError(
                f"{quoted(name)} is no name of a token.",
                "Take letters, digits, points, hyphens and underscores, at most 64.",
            )
        token = _PREFIX + secrets.token_urlsafe(32)
        with self._lock():
            known = self.all()
            if any(each.name == name and not each.revoked for each in known):
                raise TokenNameError(
                    f"There is a token called {quoted(name)}.",
                    f"Take another name, or first: dataflow token revoke {name}",
                )
            self._write([*known, NamedToken(name, role, _digest(token), _now())])
        return token

    def revoke(self, name: str) -> None:
        """Let a token open nothing any more.

        Raises:
            TokenNameError: Nobody has one of that name.
        """
        with self._lock():
            known = self.all()
            names = [each.name for each in known if not each.revoked]
            if name not in names:
                there = f"There are: {', '.join(names[:20])}." if names else "There is none."
                raise TokenNameError(f"There is no token called {quoted(name)}.", there)
            self._write(
                [
                    replace(each, revoked=_now())
                    if each.name == name and not each.revoked
                    else each
                    for each in known
                ]
            )

    def all(self) -> list[NamedToken]:
        """All that there ever were, the oldest first.

        Raises:
            BrokenTokensError: The file is not as it was written.
        """
        try:
            facts = self._path.stat()
        except FileNotFoundError:
            return []
        version = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if self._seen[0] != version:
            try:
                tokens = _TOKENS.validate_json(self._path.read_bytes())
            except ValidationError as error:
                raise BrokenTokensError(
                    f"{self._project.relative(self._path)} is not a list of tokens.",
                    "Bring back the file, or delete it and make the tokens anew.",
                ) from error
            self._seen = (version, tokens)
        return self._seen[1]

    def find(self, token: str) -> NamedToken | None:
        """The one that somebody has sent, if it still opens anything."""
        digest = _digest(token)
        found = None
        for each in self.all():
            if secrets.compare_digest(each.digest, digest) and not each.revoked:
                found = each
        return found

    def _lock(self) -> FileLock:
        folder = self._project.state_dir / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / "api_tokens.lock", timeout=30)

    def _write(self, tokens: list[NamedToken]) -> None:
        _replace(self._path, json.dumps([asdict(each) for each in tokens], indent=1))


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(path)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
