"""Signed requests that start a workflow, as https://www.standardwebhooks.com has them.

The sender signs ``<webhook-id>.<webhook-timestamp>.<body>`` by HMAC SHA-256 with a secret that both
know, and sends id, timestamp and signature as headers of these names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING

from dataflow.shared.environment import REFERENCE
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Clocks differ; a request that somebody has recorded is of no use for longer.
_SECONDS_OF_TOLERANCE = 300
_ID = re.compile(r"[\x21-\x7e]{1,255}")
_PREFIX = "whsec_"


class SignatureError(DataflowError):
    """A request is not signed as it has to be."""

    http_status = 401


def check_signature(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """Make sure that a request comes from somebody who knows the secret, and is new.

    Args:
        headers: Those of the request, by names in small letters.

    Returns:
        The event's id, which is the same when it is sent again.

    Raises:
        SignatureError: It does not; what is wrong with the signature is not told.
    """
    unset = re.search(REFERENCE, secret)
    if not secret.strip() or unset:
        named = f" {unset[0][2:-1]}" if unset else ""
        raise SignatureError(
            f"The secret of this webhook is not set{f' ({named.strip()})' if named else ''}.",
            f"Set the variable{named} that workflow.trigger.webhook.secret names, where "
            "`dataflow up` runs.",
        )
    event_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(event_id) or not re.fullmatch(r"[0-9]{1,12}", at):
        raise _refusal("The headers webhook-id and webhook-timestamp are missing or wrong.")
    if abs(time.time() - int(at)) > _SECONDS_OF_TOLERANCE:
        raise _refusal("The request is too old, or from a clock that is wrong.")
    content = b".".join((event_id.encode(), at.encode(), body))
    right = hmac.new(_key(secret), content, hashlib.sha256).digest()
    given = [each.partition(",") for each in headers.get("webhook-signature", "").split()]
    if not any(v == "v1" and hmac.compare_digest(_decoded(text), right) for v, _, text in given):
        raise _refusal("The signature is missing or wrong.")
    return event_id


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    return _decoded(secret.removeprefix(_PREFIX)) or secret.encode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refusal(reason: str) -> SignatureError:
    return SignatureError(
        reason,
        "Sign `id.timestamp.body` by HMAC SHA-256 with the secret, and send webhook-id, "
        "webhook-timestamp and `webhook-signature: v1,<base64>`: docs/triggers.md.",
    )
