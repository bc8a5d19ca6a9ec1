"""Secrets in a configuration: never in the file, and never shown once they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from dataflow.shared.environment import EnvironmentText
from dataflow.shared.finding import KeyPath, Misfit
from dataflow.shared.redaction import is_secret_key, register_login, register_secret

# The password of `scheme://user:password@host`; and what a query says of a secret name.
_URL_PASSWORD = re.compile(r"://(?P<user>[^\s/:@]*):(?P<value>[^\s@]*(?:@[^\s@/?#]*)*)@")
_URL_QUERY = re.compile(r"[?&;](?P<name>[^=&;#\s]+)=(?P<value>[^&;#\s]*)")


# Addresses whose very path is a secret, as those of chat rooms are.
_SECRET_ADDRESSES = "on_failure"  # noqa: S105


def is_secret_path(path: KeyPath) -> bool:
    """Whether what stands at ``path`` must never be shown: a secret key, or any header."""
    return "headers" in path[:-1] or any(_is_secret(p) for p in path if isinstance(p, str))


def literal_secrets(values: Any) -> Iterator[Misfit]:
    """Find the secrets that the file itself gives away; no misfit shows one."""
    for path, value in _leaves(values, ()):
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        name = re.sub(r"[^A-Z0-9]+", "_", key.upper()).strip("_") or "SECRET"
        if _is_secret(key) and _is_written_out(value):
            default = isinstance(value, EnvironmentText)
            reason = "has a secret as its default" if default else "is a secret in plain text"
            hint = f"write `${{{name}}}` and set that variable in the environment"
            yield Misfit(path, f"{reason}, which must not be in the file", hint=hint)
        elif _urls_secret_is_written_out(value):
            reason = "has a password or key in plain text, which must not be in the file"
            hint = f"write `${{{name}_PASSWORD}}` there and set that variable"
            yield Misfit(path, reason, hint=hint)


def register_secrets(values: Any) -> None:
    """Have every secret in ``values`` masked in all later output of this process."""
    for path, value in _leaves(values, ()):
        if not isinstance(value, str):
            continue
        secret = is_secret_path(path)
        if secret and (isinstance(value, EnvironmentText) or _is_secret(str(path[-1]))):
            register_secret(value)
        if isinstance(value, EnvironmentText):
            for name, part in value.variables.items():
                if secret or is_secret_key(name):
                    register_secret(part)
        for part in _url_secrets(value):
            register_secret(part)
            register_secret(unquote(part))
        for login in _URL_PASSWORD.finditer(value):
            register_login(unquote(login["user"]), unquote(login["value"]))


def _is_secret(key: str) -> bool:
    return is_secret_key(key) or key == _SECRET_ADDRESSES


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _is_written_out(value: Any) -> bool:
    if isinstance(value, EnvironmentText):
        return any(value.literals)
    return value is not None and not isinstance(value, bool) and value != ""


def _urls_secret_is_written_out(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    # In the skeleton a reference without a default is a NUL, which no file can hold.
    text = value.skeleton if isinstance(value, EnvironmentText) else value
    return any(part and "\0" not in part for part in _url_secrets(text))


def _url_secrets(text: str) -> Iterator[str]:
    if "://" not in text:
        return
    for match in _URL_PASSWORD.finditer(text):
        yield match["value"]
    for match in _URL_QUERY.finditer(text):
        if is_secret_key(unquote(match["name"])):
            yield match["value"]
