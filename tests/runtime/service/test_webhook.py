"""Only who knows the secret starts a run, and only with a request that is new."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import pytest

from dataflow.service.webhook import SignatureError, check_signature

SECRET = "of-the-test"  # noqa: S105
BODY = b'{"order": 1}'


def signed(key: bytes = SECRET.encode(), at: str = "", event: str = "evt_1") -> dict[str, str]:
    at = at or str(int(time.time()))
    content = b".".join((event.encode(), at.encode(), BODY))
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": event,
        "webhook-timestamp": at,
        "webhook-signature": f"v1a,old v1,{digest}",
    }


def test_a_signed_request_is_known_by_its_id() -> None:
    """A secret in base64 is one, too."""
    assert check_signature(SECRET, signed(), BODY) == "evt_1"
    coded = f"whsec_{base64.b64encode(b'bytes').decode()}"
    assert check_signature(coded, signed(b"bytes"), BODY) == "evt_1"


# Made when they are sent: a time that is too early now is right in a while.
REFUSED: list[Callable[[], tuple[dict[str, str], bytes]]] = [
    lambda: ({}, BODY),
    lambda: (signed(b"another"), BODY),
    lambda: (signed(), BODY + b" "),
    lambda: (signed(at=str(int(time.time()) - 400)), BODY),
    lambda: (signed(at=str(int(time.time()) + 400)), BODY),
    lambda: (signed(at="١٢٣"), BODY),
    lambda: (signed(at="9" * 400), BODY),
    lambda: (signed(event="a b"), BODY),
    lambda: ({**signed(), "webhook-id": "evt_2"}, BODY),
    lambda: ({**signed(), "webhook-signature": "v1,"}, BODY),
    lambda: ({**signed(), "webhook-signature": "v1,é"}, BODY),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_any_other_request_is_refused(number: int) -> None:
    """Unsigned, by another secret, changed, old, early, or no header at all."""
    headers, body = REFUSED[number]()
    with pytest.raises(SignatureError):
        check_signature(SECRET, headers, body)


@pytest.mark.parametrize("secret", ["", " ", "${SHOP_SECRET}"])
def test_without_a_secret_nothing_is_taken(secret: str) -> None:
    """Also not what is signed with the text that stands for it."""
    with pytest.raises(SignatureError, match="not set"):
        check_signature(secret, signed(secret.encode()), BODY)
