"""An API gets the credentials that config.yaml says, on every page, and nobody else does."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.runtime.sources.api_fixtures import Api, read_api

from dataflow.sources.errors import (
    SourceDataError,
    SourceSettingError,
    SourceUnavailableError,
)


@pytest.mark.parametrize(
    ("source", "header", "value"),
    [
        ({"auth_type": "bearer_token", "token": "tok-123"}, "authorization", "Bearer tok-123"),
        (
            {"auth_type": "basic", "username": "ann", "password": "pw-é"},
            "authorization",
            "Basic YW5uOnB3LcOp",
        ),
        ({"auth_type": "api_key", "api_key": "k-123"}, "x-api-key", "k-123"),
        ({"auth_type": "api_key", "api_key": "k", "api_key_name": "X-T"}, "x-t", "k"),
    ],
)
def test_credentials_are_sent_with_every_page(
    api: Api, source: dict[str, Any], header: str, value: str
) -> None:
    """Each kind of credentials goes into its header, on every request."""
    read_api(api.url("link"), **source)
    assert [request.headers.get(header) for request in api.server.requests] == [value] * 3


def test_api_key_in_the_query(api: Api) -> None:
    """A key in the query is there on every page, and not in what is told about the source."""
    settings = {"api_key": "k-secret", "api_key_location": "query", "api_key_name": "key"}
    result = read_api(api.url("cursor"), auth_type="api_key", **settings)
    assert all(request.query["key"] == "k-secret" for request in api.server.requests)
    assert "k-secret" not in str(result["metadata"])


def test_client_credentials_fetch_one_token(api: Api) -> None:
    """OAuth2 client credentials are changed for a token, which signs every page."""
    token = api.server.answer("/token", api.say('{"access_token": "at-1", "expires_in": 3600}'))
    source = {"token_url": token, "client_id": "id", "client_secret": "s3cret", "scope": "read"}
    read_api(api.url("link"), auth_type="oauth2_client_credentials", **source)
    asked = parse_qs(api.server.requests[0].body)
    assert asked["grant_type"] == ["client_credentials"]
    assert (asked["client_secret"], asked["scope"]) == (["s3cret"], ["read"])
    assert [r.headers.get("authorization") for r in api.server.requests[1:]] == ["Bearer at-1"] * 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"auth_type": "bearer_token"}, "token: is missing, and `auth_type: bearer_token` needs"),
        ({"auth_type": "basic", "username": "a"}, "source.password: is missing"),
        ({"auth_type": "magic"}, 'auth_type: "magic" is not one of the choices.*basic'),
        (
            {"auth_type": "oauth2_client_credentials", "client_id": "a"},
            "source.token_url: is missing.*\\n.*source.client_secret: is missing",
        ),
        ({"auth_type": "none", "token": "t0ken"}, "token: is of no use.*`auth_type: bearer_token`"),
    ],
)
def test_missing_credentials_are_named(api: Api, source: dict[str, Any], said: str) -> None:
    """What a kind of authentication lacks is said before anything is asked."""
    with pytest.raises(SourceSettingError, match=said):
        read_api(api.url("link"), **source)
    assert api.server.requests == []


def test_a_login_that_waits_for_its_variable_is_read_when_it_is_needed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not set by then is named before anything is asked; one that is set is sent."""
    source = {"auth_type": "bearer_token", "token": "${SALES_TOKEN}"}
    with pytest.raises(SourceSettingError, match=r"SALES_TOKEN is not set.*\n.*source\.token"):
        read_api(api.url("link"), **source)
    assert api.server.requests == []
    monkeypatch.setenv("SALES_TOKEN", "tok-456")
    read_api(api.url("link"), **source)
    assert api.server.requests[0].headers["authorization"] == "Bearer tok-456"


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access(server: Any, say: Any, status: int) -> None:
    """Refused credentials are not tried again, and not shown."""
    url = server.answer("/x", say("secret words", status))
    with pytest.raises(SourceUnavailableError, match=f"refuses access.*{status}") as caught:
        read_api(f"{url}?sig=abcd1234", auth_type="bearer_token", token="tok-987654")  # noqa: S106
    assert len(server.requests) == 1
    assert "tok-987654" not in str(caught.value)
    assert "abcd1234" not in str(caught.value)


def test_answer_without_a_token(api: Api) -> None:
    """A token server that gives no token is an error, not a request signed with `None`."""
    token = api.server.answer("/token", api.say('{"error": "x"}'))
    source = {"token_url": token, "client_id": "id", "client_secret": "s3cret"}
    with pytest.raises(SourceDataError, match="without an access token"):
        read_api(api.url("link"), auth_type="oauth2_client_credentials", **source)
