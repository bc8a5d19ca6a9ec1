"""Keeping secrets out of everything that people or machines may read."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping
from datetime import date, time
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# Shorter ones would mask innocent text everywhere, and say more by where they do.
_SHORTEST = 4
_DEEPEST = 8

_WORDS = (
    "accesskey accesstoken apikey authorization authtoken bearer clientsecret cookie credential "
    "credentials passphrase passwd password passwords privatekey pwd refreshtoken secret "
    "secretkey secrets signature token"
)
_SECRET_WORDS = frozenset(_WORDS.split())
_SECRET_PAIRS = frozenset({"access key", "api key", "private key", "account key", "signing key"})
# `token_url` says where a token comes from; it is not one.
_ENDINGS = (
    "at count endpoint expires expiry field file header id length limit location method name "
    "param path schedule seconds type uri url used"
)
_HARMLESS_ENDINGS = frozenset(_ENDINGS.split())
_NAME = r"[\w.-]{0,40}"
_SECRET_NAME = (
    rf"{_NAME}(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key"
    rf"|private[_-]?key|account[_-]?key|signature|credential|authorization|cookie){_NAME}"
)
# `https://user:password@host`. A password may hold a slash, which a port before a path does not.
_USERINFO = re.compile(
    r"(?<=://)(?:[^\s/?#\"'<>]{1,300}|[^\s/?#@:\"'<>]{0,100}:(?!\d{1,5}[/?#])[^\s@\"'<>]{1,200})@"
)
_ASSIGNMENT = re.compile(
    rf"(?<![\w.-])(?P<name>{_SECRET_NAME})(?P<sign>=)(?P<value>\"[^\"]*\"|'[^']*'|[^\s&,;\"'<>)}}\]]+)",
    re.IGNORECASE,
)
_QUOTED_PAIR = re.compile(
    rf"(?P<name>[\"']{_SECRET_NAME}[\"'])(?P<sign>\s*:\s*)(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<name>\b(?:proxy-)?authorization|\bx-api-key|\b(?:set-)?cookie)(?P<sign>\s*:\s*)"
    r"(?P<value>(?:(?:bearer|basic|token|digest)\s+)?[^\s,\"']+)",
    re.IGNORECASE,
)
# A digit tells a token from the next word of a sentence about bearers.
_BEARER = re.compile(r"(\bbearer\s+)(?=[^\s\"',]*\d)[\w.~+/=-]{8,}", re.IGNORECASE)

_lock = threading.Lock()
_secrets: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register_secret(value: str) -> None:
    """Have ``value`` masked in all later output of this process.

    Its URL-encoded and JSON-escaped forms are masked too. Values of fewer than four characters
    are left to the rules about keys.
    """
    global _pattern
    forms = {value, value.strip(), quote_plus(value, errors="replace")}
    forms |= {quote(value, safe=safe, errors="replace") for safe in ("", "/")}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {repr(value)[1:-1]}
    new = {form for form in forms if len(form) >= _SHORTEST}
    if new <= _secrets:
        return
    with _lock:
        _secrets.update(new)
        # The longest first: one secret may be the start of another.
        longest_first = sorted(_secrets, key=lambda secret: (-len(secret), secret))
        _pattern = re.compile("|".join(map(re.escape, longest_first)))


def register_login(username: str, password: str) -> None:
    """Have a password masked in all later output, also as basic authentication sends it."""
    register_secret(password)
    for encoding in ("utf-8", "latin-1"):
        sent = f"{username}:{password}".encode(encoding, errors="replace")
        register_secret(base64.b64encode(sent).decode())


# The same keys come again with every line of a log and every config.yaml.
@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Whether what stands under ``key``, such as ``api_key`` or ``X-Auth-Token``, is secret."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)
    words = re.findall(r"[a-z]+", spaced.lower())
    if not words or words[-1] in _HARMLESS_ENDINGS:
        return False
    pairs = {f"{first} {second}" for first, second in pairwise(words)}
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairs)


def redact(text: str) -> str:
    """``text`` without registered secrets, passwords in URLs, and values of secret keys."""
    pattern = _pattern
    if pattern is not None:
        text = pattern.sub(MASK, text)
    if "://" in text:
        text = _USERINFO.sub(f"{MASK}@", text)
    if "=" in text:
        text = _ASSIGNMENT.sub(_mask_value, text)
    if ":" in text:
        text = _HEADER.sub(_mask_value, _QUOTED_PAIR.sub(_mask_value, text))
    return _BEARER.sub(rf"\1{MASK}", text)


def redact_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``event`` with every text in it redacted, however deep, and secret keys masked.

    Numbers, dates and ``None`` stay what they are; objects of other kinds become redacted text.
    """
    return {str(key): _redact_pair(str(key), value, 0) for key, value in event.items()}


def _redact_pair(key: str, value: Any, depth: int) -> Any:
    tells_nothing = (
        value is None or isinstance(value, bool) or (isinstance(value, str) and not value)
    )
    return MASK if is_secret_key(key) and not tells_nothing else _redact_value(value, depth)


def _redact_value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float, date, time)):
        return value
    if isinstance(value, str):
        return redact(value)
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {redact(str(k)): _redact_pair(str(k), v, depth + 1) for k, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [_redact_value(item, depth + 1) for item in value]
    try:
        return redact(str(value))
    except Exception:
        return f"<{type(value).__name__}>"


def _mask_value(match: re.Match[str]) -> str:
    name, sign, value = match["name"], match["sign"], match["value"]
    if not is_secret_key(name.strip("\"'")) or value.startswith("${"):
        return match[0]
    ends = value[0] if value[0] in "\"'" else ""
    return f"{name}{sign}{ends}{MASK}{ends}"
