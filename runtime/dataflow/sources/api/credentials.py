"""Credentials for APIs, in dlt's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)

from dataflow.shared.redaction import register_login, register_secret
from dataflow.sources.errors import SourceDataError, SourceSettingError

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

_NEEDED = {
    "none": (),
    "bearer_token": ("token",),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
    "oauth2_client_credentials": ("token_url", "client_id", "client_secret"),
}


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


def make_credentials(source: dict[str, Any], session: requests.Session) -> AuthBase | None:
    """What signs the requests to an API, as ``auth_type`` says.

    Args:
        source: ``ingestion.source`` of config.yaml.
        session: What a token is fetched with.

    Raises:
        SourceSettingError: The type is unknown, or something that it needs is missing.
    """
    kind = source.get("auth_type") or "none"
    if kind not in _NEEDED:
        raise SourceSettingError(
            f"There is no authentication {kind!r}.",
            f"Set `ingestion.source.auth_type` to one of {', '.join(_NEEDED)}.",
        )
    missing = [name for name in _NEEDED[kind] if not source.get(name)]
    if missing:
        raise SourceSettingError(
            f"Authentication by {kind} needs {' and '.join(missing)}.",
            f"Set it under `ingestion.source`, secrets as ${{VARIABLE}}: {', '.join(missing)}.",
        )
    for name in ("token", "password", "api_key", "client_secret"):
        if source.get(name):
            register_secret(str(source[name]))
    if kind == "basic":
        register_login(str(source["username"]), str(source["password"]))
    if kind == "bearer_token":
        return BearerTokenAuth(token=source["token"])
    if kind == "basic":
        return HttpBasicAuth(username=source["username"], password=source["password"])
    if kind == "api_key":
        return APIKeyAuth(
            name=source.get("api_key_name") or "X-API-Key",
            api_key=source["api_key"],
            location=source.get("api_key_location") or "header",
        )
    if kind == "oauth2_client_credentials":
        scope = {"scope": source["scope"]} if source.get("scope") else {}
        return _ClientCredentials(
            access_token_url=source["token_url"],
            client_id=source["client_id"],
            client_secret=source["client_secret"],
            access_token_request_data=scope,
            session=session,
        )
    return None
