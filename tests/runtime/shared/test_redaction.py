"""Secrets do not get out."""

from __future__ import annotations

import json
import threading
import time
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.redaction import MASK, is_secret_key, redact, redact_event, register_secret

if TYPE_CHECKING:
    pass

# No stars: what is left of a text beside a mask may look like them.
secrets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=4)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secrets, st.text(max_size=20), st.text(max_size=20))
def test_a_registered_secret_is_in_no_text(secret: str, before: str, after: str) -> None:
    """Wherever it stands, as it is, URL-encoded or in JSON, it is masked."""
    register_secret(secret)
    forms = [secret, quote(secret), quote(secret, safe=""), quote_plus(secret)]
    forms += [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    for form in forms:
        redacted = redact(f"{before}{form}{after}")
        assert MASK in redacted
        assert secret not in redacted
        assert form not in redacted


def test_short_values_do_not_mask_ordinary_text() -> None:
    """A value of three characters is left to the rules about keys."""
    register_secret("abc")
    assert redact("abcdef") == "abcdef"
    assert redact_event({"token": "abc"}) == {"token": MASK}


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    """The longer one is found first."""
    register_secret("abcd")
    register_secret("abcdefgh")
    assert redact("x abcdefgh y") == f"x {MASK} y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://scott:tiger@db/x", "postgresql://***@db/x"),
        ("https://user:p@ss@host/x", "https://***@host/x"),
        ("postgresql://u:pa/ss?w@host/x", "postgresql://***@host/x"),
        ("https://ghp_token@host/x", "https://***@host/x"),
        ("('https://a:b@c', 1)", "('https://***@c', 1)"),
        ("https://host:8080/path?to=me@x.org", "https://host:8080/path?to=me@x.org"),
        ("https://host/a@b", "https://host/a@b"),
        ("see https://a.org, or mail a@b.org", "see https://a.org, or mail a@b.org"),
        ("GET /x?api_key=abc&page=2", "GET /x?api_key=***&page=2"),
        ("https://h/x?sig=1&X-Amz-Signature=ab%2F", "https://h/x?sig=1&X-Amz-Signature=***"),
        ("password='a b' user=c", "password='***' user=c"),
        ("DB_PASSWORD=abc", "DB_PASSWORD=***"),
        ("{'token': 'abc', 'n': 1}", "{'token': '***', 'n': 1}"),
        ('{"client_secret": "a\\"b"}', '{"client_secret": "***"}'),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("x-api-key: abc", "x-api-key: ***"),
        ("sent bearer ab12cd34ef", "sent bearer ***"),
        ("bearer authentication failed", "bearer authentication failed"),
        ("token_url=https://h/t token_count=5", "token_url=https://h/t token_count=5"),
        ("a.token: must come from ${TOKEN}", "a.token: must come from ${TOKEN}"),
        ("password=${DB_PASSWORD}", "password=${DB_PASSWORD}"),
        ("primary_key=id", "primary_key=id"),
    ],
)
def test_texts_lose_their_secrets_and_nothing_else(text: str, expected: str) -> None:
    """URLs, assignments, quoted pairs and headers are masked; what only looks like them is not."""
    assert redact(text) == expected


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        *((key, True) for key in ("token", "password", "API_KEY", "apikey", "X-Api-Key", "secret")),
        *((key, True) for key in ("Authorization", "dbPassword", "GITHUB_TOKEN_2", "Set-Cookie")),
        *((key, True) for key in ("aws_secret_access_key", "private-key", "TOKEN_PROD", "pwd")),
        *((key, False) for key in ("tokens", "token_url", "api_key_name", "author", "primary_key")),
        *((key, False) for key in ("keyboard", "table", "", "12", "passenger", "secretary")),
    ],
)
def test_secret_keys_are_told_by_their_words(key: str, secret: bool) -> None:
    """Names of secrets in any spelling, but not names that merely contain the letters."""
    assert is_secret_key(key) is secret


def test_events_are_redacted_however_deep() -> None:
    """Lists, mappings and objects are searched; numbers, dates and nothing stay what they are."""
    register_secret("hunter2-secret")

    class Odd:
        def __str__(self) -> str:
            return "odd hunter2-secret"

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    event: dict[str, Any] = {
        "event": "got hunter2-secret",
        "n": 5,
        "day": date(2024, 1, 1),
        "none": None,
        "token": None,
        "has_token": True,
        "api_key": 12345,
        "deep": [{"password": "x", "note": ("hunter2-secret", 1.5)}],
        "odd": Odd(),
        "broken": Broken(),
    }
    assert redact_event(event) == {
        "event": "got ***",
        "n": 5,
        "day": date(2024, 1, 1),
        "none": None,
        "token": None,
        "has_token": True,
        "api_key": MASK,
        "deep": [{"password": MASK, "note": [MASK, 1.5]}],
        "odd": "odd ***",
        "broken": "<Broken>",
    }


@pytest.mark.parametrize(
    "text",
    [
        "://a:" * 20000,
        "://" + "a:@" * 30000,
        "token" * 20000 + "=",
        "a=b " * 20000,
        '"token":"' * 10000,
        "bearer " * 15000,
        "a" * 100000 + "=x",
        "a.-_" * 20000 + "=",
    ],
)
def test_hostile_text_takes_no_long_time(text: str) -> None:
    """A hundred thousand characters made against the patterns take well under a second."""
    # Of this process alone: others may keep the machine busy.
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 1


@pytest.mark.slow
def test_threads_may_register_while_others_redact() -> None:
    """Secrets registered at once by many threads are all masked afterwards."""
    names = [f"thread-secret-{n}" for n in range(200)]

    def work(part: list[str]) -> None:
        for name in part:
            register_secret(name)
            assert redact(f"x{name}y") == "x***y"

    threads = [threading.Thread(target=work, args=(names[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redact(" ".join(names)).replace(MASK, "").strip(" -0123456789") == ""
