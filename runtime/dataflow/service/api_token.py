"""Who may call the REST API."""

from __future__ import annotations

import ipaddress
import os
import secrets
from typing import TYPE_CHECKING

from dataflow.service.named_tokens import NamedTokens
from dataflow.shared.errors import BadInputError, DataflowError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

TOKEN_VARIABLE = "DATAFLOW_API_TOKEN"  # noqa: S105


class InsecureBindError(BadInputError):
    """The API would be open to other machines.

    Why: Whoever reaches the REST API can run code of the project. On other addresses than this
    machine's own it wants a token.

    What to do: Make a token, or listen on 127.0.0.1 behind a proxy that asks for a login
    (docs/security.md).
    """


class NotAllowedError(DataflowError):
    """The caller did not send the token.

    Why: The REST API has tokens, and the request had none, or one that was revoked.

    What to do: `dataflow token create NAME --role run` makes one; it is shown once.
    """

    http_status = 401


def api_token() -> str | None:
    """The token that callers have to send, if one is set.

    It comes from the environment only: a project's files are in git.
    """
    return os.environ.get(TOKEN_VARIABLE) or None


def make_token(project: Project) -> tuple[str, Path]:
    """A token of the project's own, for where the environment sets none, and where it is kept.

    It is made once, readable by its owner only, so that callers can go on using it.
    """
    project.state_dir.mkdir(parents=True, exist_ok=True)
    path = project.state_dir / "api_token"
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(made, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip(), path


def check_bind(host: str, token: str | None = None, project: Project | None = None) -> None:
    """Refuse to listen beyond this machine without a token.

    Args:
        project: The project, whose named tokens count as well.

    Raises:
        InsecureBindError: ``host`` can be reached from other machines and no token is set.
    """
    if _is_loopback(host) or (token or api_token()) is not None:
        return
    if project is None or not NamedTokens(project).all():
        raise InsecureBindError(
            f"The REST API would let everyone who can reach {host} run the workflows.",
            f"Set {TOKEN_VARIABLE} to a secret, such as one from `openssl rand -hex 32`, make a "
            "token with `dataflow token create NAME`, or listen on 127.0.0.1.",
        )


def check_token(authorization: str | None, token: str) -> None:
    """Compare what a caller sent, in a time that does not tell how much of it was right.

    Raises:
        NotAllowedError: It is missing or wrong.
    """
    scheme, _, sent = (authorization or "").partition(" ")
    matches = secrets.compare_digest(sent.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not matches:
        raise NotAllowedError(
            "The token is wrong." if authorization else "This needs a token.",
            f"Send the server's {TOKEN_VARIABLE} in the header `Authorization`: the word Bearer, a "
            "blank, and the token.",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
