"""Credentials for APIs: what signs a request."""

from __future__ import annotations

import os
import re
import time
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from requests.auth import AuthBase, HTTPBasicAuth

from dataflow.shared.environment import REFERENCE, interpolate
from dataflow.shared.project import ProjectNotFoundError, find_project
from dataflow.shared.redaction import register_login, register_secret
from dataflow.sources.api.settings import LOGIN_KEYS
from dataflow.sources.errors import SourceDataError, SourceSettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest

    from dataflow.sources.api.settings import ApiSource

# How long a token is good whose server does not say.
_TOKEN_SECONDS = 3600.0
# It is not used in its last seconds: it would be refused by the time it arrives.
_MARGIN = 5.0


class BearerToken(AuthBase):
    """A token in the header ``Authorization``."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class ApiKey(AuthBase):
    """A key in a header or in the query."""

    def __init__(self, name: str, key: str, location: str) -> None:
        self.name, self.key, self.location = name, key, location

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        if self.location == "header":
            request.headers[self.name] = self.key
        elif (self.name, self.key) not in parse_qsl(urlsplit(str(request.url)).query):
            # Links to next pages may have it already.
            request.prepare_url(request.url, {self.name: self.key})
        return request


class ClientCredentials(AuthBase):
    """A token of OAuth 2, fetched when it is first needed, and again when it is no good any more.

    Args:
        url: Its server.
        form: What is sent there.
        fetch: Sends it, and gives the answer's JSON.
    """

    def __init__(
        self, url: str, form: Mapping[str, str], fetch: Callable[[str, Mapping[str, str]], Any]
    ) -> None:
        self.url, self.form, self._fetch = url, form, fetch
        self._token: str | None = None
        self._good_until = 0.0
        # Requests may be signed beside one another.
        self._one_obtains = Lock()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        with self._one_obtains:
            if self._token is None or time.monotonic() >= self._good_until:
                self._obtain()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self) -> None:
        """Forget the token, so that the next request fetches another."""
        self._token = None

    def _obtain(self) -> None:
        asked = time.monotonic()
        answer = self._fetch(self.url, self.form)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise SourceDataError(
                "The server at `token_url` answered without an access token.",
                "Correct `token_url`, `client_id`, `scope` and `audience` of `ingestion.source`.",
            )
        register_secret(token)
        self._token = token
        seconds = _seconds(answer.get("expires_in"))
        self._good_until = asked + max(seconds - _MARGIN, seconds / 2)


def _login(settings: ApiSource, key: str) -> Any:
    """A key's value; of one that is still a reference, the variable's, which has to be set now."""
    value = getattr(settings, key)
    if value is None or not re.fullmatch(REFERENCE, value):
        return value
    found, missing, _ = interpolate(value, _values())
    if missing or not found:
        name = value[2:-1]
        raise SourceSettingError(
            f"The environment variable {name} is not set, from which the `{key}` of "
            f"`auth_type: {settings.auth_type}` is read.",
            f"Set it, or name another variable in config.yaml: `ingestion.source.{key}`.",
        )
    register_secret(found)
    return str(found)


def _values() -> Mapping[str, str]:
    try:
        return find_project().values
    except ProjectNotFoundError:
        return os.environ


def make_credentials(
    settings: ApiSource, fetch_token: Callable[[str, Mapping[str, str]], Any]
) -> AuthBase | None:
    """What signs the requests to an API, as ``auth_type`` says; ``fetch_token`` asks for tokens.

    Raises:
        SourceSettingError: A variable that a login is read from is not set.
    """
    keys: dict[str, Any] = {key: _login(settings, key) for key in LOGIN_KEYS[settings.auth_type]}
    if settings.auth_type == "bearer_token":
        return BearerToken(keys["token"] or "")
    if settings.auth_type == "basic":
        username, password = keys["username"] or "", keys["password"] or ""
        register_login(username, password)
        return HTTPBasicAuth(username.encode(), password.encode())
    if settings.auth_type == "api_key":
        return ApiKey(settings.api_key_name, keys["api_key"] or "", settings.api_key_location)
    if settings.auth_type == "oauth2_client_credentials":
        form = {
            "grant_type": "client_credentials",
            "client_id": keys["client_id"],
            "client_secret": keys["client_secret"],
            "scope": settings.scope,
            "audience": settings.audience,
        }
        given = {name: value for name, value in form.items() if value}
        return ClientCredentials(keys["token_url"] or "", given, fetch_token)
    return None


def _seconds(value: Any) -> float:
    """For how long a token is good, from ``expires_in``."""
    try:
        return max(float(value), 0.0)
    except (TypeError, ValueError):
        return _TOKEN_SECONDS
