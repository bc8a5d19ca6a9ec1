"""Credentials for APIs, in dlt's classes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)

from dataflow.shared.environment import REFERENCE, interpolate
from dataflow.shared.redaction import register_login, register_secret
from dataflow.sources.api.settings import LOGIN_KEYS
from dataflow.sources.errors import SourceDataError, SourceSettingError

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

    from dataflow.sources.api.settings import ApiSource


class _ClientCredentials(OAuth2ClientCredentials):
    """Fetches an access token, and refuses an answer without one."""

    def parse_access_token(self, response_json: Any) -> str:
        """The token in an answer of the token's server."""
        token = response_json.get("access_token") if isinstance(response_json, dict) else None
        if not isinstance(token, str) or not token:
            raise SourceDataError(
                "The server at `token_url` answered without an access token.",
                "Correct `token_url`, `client_id` and `scope` of `ingestion.source`.",
            )
        register_secret(token)
        return token


def _login(settings: ApiSource, key: str) -> Any:
    """A key's value; of one that is still a reference, the variable's, which has to be set now."""
    value = getattr(settings, key)
    if value is None or not re.fullmatch(REFERENCE, value):
        return value
    found, missing, _ = interpolate(value, os.environ)
    if missing or not found:
        name = value[2:-1]
        raise SourceSettingError(
            f"The environment variable {name} is not set, from which the `{key}` of "
            f"`auth_type: {settings.auth_type}` is read.",
            f"Set it, or name another variable in config.yaml: `ingestion.source.{key}`.",
        )
    register_secret(found)
    return str(found)


def make_credentials(settings: ApiSource, session: requests.Session) -> AuthBase | None:
    """What signs the requests to an API, as ``auth_type`` says; ``session`` fetches tokens.

    Raises:
        SourceSettingError: A variable that a login is read from is not set.
    """
    keys: dict[str, Any] = {key: _login(settings, key) for key in LOGIN_KEYS[settings.auth_type]}
    if settings.auth_type == "bearer_token":
        return BearerTokenAuth(**keys)
    if settings.auth_type == "basic":
        register_login(**keys)
        return HttpBasicAuth(**keys)
    if settings.auth_type == "api_key":
        return APIKeyAuth(name=settings.api_key_name, location=settings.api_key_location, **keys)
    if settings.auth_type == "oauth2_client_credentials":
        return _ClientCredentials(
            access_token_url=keys.pop("token_url"),
            access_token_request_data={"scope": settings.scope} if settings.scope else {},
            session=session,
            **keys,
        )
    return None
