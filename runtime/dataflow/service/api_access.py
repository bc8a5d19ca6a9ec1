"""Who calls the REST API, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.service.api_token import NotAllowedError, check_token
from dataflow.service.named_tokens import ROLES, NamedTokens, Role
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from dataflow.shared.project import Project


class RoleError(DataflowError):
    """The caller's role does not go so far.

    Why: A token has a role: `read` looks, `run` starts and cancels, `admin` does all.

    What to do: Use a token of the role that is named.
    """

    http_status = 403


@dataclass(frozen=True)
class Caller:
    """Somebody who calls.

    Args:
        name: That of the token.
    """

    name: str
    role: Role

    def check(self, needed: Role) -> None:
        """Refuse what the role does not allow.

        Raises:
            RoleError: It needs another one.
        """
        if ROLES.index(self.role) < ROLES.index(needed):
            raise RoleError(
                f"The token {self.name} has the role {self.role}; this needs {needed}.",
                f"Ask for a token of that role: dataflow token create NAME --role {needed}",
            )


# Where no token was ever made or set: whoever reaches this machine's own address.
ANYBODY = Caller("anybody", "admin")
_OF_THE_SERVER = Caller("DATAFLOW_API_TOKEN", "admin")


class ApiAccess:
    """Tells callers by their tokens.

    Args:
        token: The server's own, which may do everything; ``None`` if there is none.
    """

    def __init__(self, project: Project, token: str | None) -> None:
        self._token = token
        self._named = NamedTokens(project)

    @property
    def is_needed(self) -> bool:
        """Whether callers have to send a token. A revoked one opens nothing to all others."""
        return self._token is not None or bool(self._named.all())

    def caller(self, authorization: str | None) -> Caller:
        """Who sent this header.

        Raises:
            NotAllowedError: Nobody whom we know.
        """
        if not self.is_needed:
            return ANYBODY
        scheme, _, sent = (authorization or "").partition(" ")
        found = self._named.find(sent.strip()) if scheme.lower() == "bearer" else None
        if found is not None:
            return Caller(found.name, found.role)
        if self._token is None:
            raise NotAllowedError(
                "The token is wrong." if authorization else "This needs a token.",
                "Send one that `dataflow token create` has made in the header `Authorization`: the "
                "word Bearer, a blank, and the token.",
            )
        check_token(authorization, self._token)
        return _OF_THE_SERVER
