"""An API gets the credentials that config.yaml says, on every page, and nobody else does."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.runtime.sources.api_fixtures import Api, ids, js, read_api, records
from tests.source_fixtures import Answer

from dataflow.sources.errors import (
    SourceDataError,
    SourceError,
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


# Tokens


def oauth(server: Any, **source: Any) -> dict[str, Any]:
    return {
        "auth_type": "oauth2_client_credentials",
        "token_url": f"{server.url}/token",
        "client_id": "me",
        "client_secret": "s3cret-9",
        **source,
    }


def test_a_token_that_runs_out_is_fetched_anew(server: Any) -> None:
    """A 401 in the middle leads to one new token, and the run goes on."""
    tokens = [js({"access_token": f"tok-{n}"}) for n in (1, 2)]
    server.answer("/token", *tokens)

    def answer(request: Any) -> Answer:
        page = int(request.query["page"])
        good = "tok-1" if page == 1 else "tok-2"
        if request.headers["authorization"] != f"Bearer {good}":
            return Answer("expired", 401)
        return js({"rows": records(page) if page < 3 else []})

    server.routes["/x"] = answer
    source = oauth(server, audience="https://api", scope="read")
    assert ids(read_api(f"{server.url}/x", paging={"type": "page_number"}, **source)) == [1, 2]
    asked = [parse_qs(request.body) for request in server.requests if request.path == "/token"]
    assert len(asked) == 2
    assert asked[1] == {
        "grant_type": ["client_credentials"],
        "client_id": ["me"],
        "client_secret": ["s3cret-9"],
        "audience": ["https://api"],
        "scope": ["read"],
    }


def test_a_new_token_that_is_refused_too_ends_it(server: Any) -> None:
    """Two tokens, two refusals, one message without a secret."""
    server.answer("/token", js({"access_token": "tok-123456"}))
    url = server.answer("/x", Answer("tok-123456", 401))
    with pytest.raises(SourceError, match="refuses access.*401") as caught:
        read_api(url, **oauth(server))
    assert [request.path for request in server.requests] == ["/token", "/x"] * 2
    assert "tok-1" not in str(caught.value)


def test_a_token_is_fetched_before_it_runs_out(server: Any) -> None:
    """`expires_in` says when, as a number or a text."""
    server.answer("/token", js({"access_token": "a", "expires_in": "0"}))
    url = server.answer("/x", js({"rows": records(1)}), js({"rows": []}))
    read_api(url, paging={"type": "page_number"}, **oauth(server))
    assert [request.path for request in server.requests] == ["/token", "/x"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_tokens_server_that_refuses(server: Any, status: int) -> None:
    """The message names its address, and not the secret."""
    server.answer("/token", Answer('{"error": "invalid_client"}', status))
    with pytest.raises(SourceError, match="/token") as caught:
        read_api(f"{server.url}/x", **oauth(server))
    assert "s3cret" not in str(caught.value)
    assert {request.path for request in server.requests} == {"/token"}
