"""``${VAR}`` in configuration texts: read from the environment, never shown.

``${VAR}`` is the variable's value and has to be set, ``${VAR:-default}`` falls back to ``default``
when it is unset or empty, ``$${`` is a plain ``${``. The syntax is that of Docker Compose
(https://docs.docker.com/reference/compose-file/interpolation/), without its other operators.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dataflow.shared.finding import KeyPath, Misfit
from dataflow.shared.redaction import is_secret_key

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# What a text looks like that refers to the environment; also the JSON Schema's pattern.
REFERENCE = rf"\$\{{{_NAME}(:-[^}}]*)?\}}"
_TOKEN = re.compile(
    rf"(?P<escaped>\$\$\{{)|\$\{{(?P<name>{_NAME})(?P<default>:-(?P<text>[^}}]*))?\}}|(?P<broken>\$\{{)"
)
# The login of an address, once every reference in it is a letter.
_LOGIN = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://(?P<login>[^/?#\s]*)@")
# What is written as an address wants it already; anything else is taken as it is meant.
_QUOTED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
# Stands for a reference in `skeleton`; YAML admits no such character in a file.
_MARK = "\x00"


class EnvironmentText(str):
    """A text that came, at least in part, from the environment, and must not be shown.

    Attributes:
        variables: The variables it refers to, with the value each one gave.
        literals: The defaults that it used or could have used: these stand in the file.
        skeleton: The text in the file, with a default for each reference that has one, and a NUL
            character for each that has none.
    """

    __slots__ = ("literals", "skeleton", "variables")

    variables: dict[str, str]
    literals: tuple[str, ...]
    skeleton: str

    @property
    def shown(self) -> str:
        """What may be printed of it: the names of its variables."""
        return " and ".join(f"${{{name}}}" for name in self.variables)


def resolve(values: Any, environ: Mapping[str, str]) -> tuple[Any, list[Misfit]]:
    """Replace the references in every text in ``values``, however deep. Keys stay as they are.

    Returns:
        A copy of ``values`` in which each text that held a reference is an `EnvironmentText`, and
        every reference that could not be followed: its variable is named, never a value.

    >>> values, faults = resolve({"url": "${HOST:-shop.test}/sales"}, {})
    >>> values, faults
    ({'url': 'shop.test/sales'}, [])
    """
    faults: list[Misfit] = []
    return _resolve(values, (), environ, faults), faults


def interpolate(text: str, environ: Mapping[str, str]) -> tuple[str, list[str], bool]:
    """Replace the references in one text.

    What stands for the login of an address, ``scheme://${USER}:${PASSWORD}@host``, is quoted as
    addresses want it, so that it may hold any character, unless it is quoted already.

    Returns:
        The text, which is an `EnvironmentText` if it held a reference; the names of the variables
        that are not set; whether a ``${`` in it begins no valid reference.

    >>> interpolate("${USER}@${HOST}", {"USER": "ann"})
    ('ann@', ['HOST'], False)
    >>> interpolate("postgresql://me:${PASSWORD}@host/shop", {"PASSWORD": "p@s/s"})[0]
    'postgresql://me:p%40s%2Fs@host/shop'
    """
    first, last, safe = _login_span(text)
    missing: list[str] = []
    broken = False
    variables: dict[str, str] = {}
    literals: list[str] = []

    def replace(match: re.Match[str]) -> str:
        nonlocal broken
        if match["escaped"]:
            return "${"
        if match["broken"]:
            broken = True
            return match[0]
        name, default = match["name"], match["text"]
        value = environ.get(name)
        if default is not None:
            literals.append(default)
            value = value or default
        elif value is None:
            missing.append(name)
        variables[name] = value = value or ""
        is_login = first <= match.start() < last
        return quote(value, safe=safe) if is_login and not _is_quoted(value) else value

    replaced = _TOKEN.sub(replace, text)
    if not variables:
        return replaced, missing, broken
    result = EnvironmentText(replaced)
    result.variables = variables
    result.literals = tuple(literals)
    result.skeleton = _TOKEN.sub(
        lambda match: (match["text"] or _MARK) if match["name"] else match[0], text
    )
    return result, missing, broken


def _login_span(text: str) -> tuple[int, int, str]:
    """From where to where a text is the login of an address, and what is not quoted in it."""
    plain = _TOKEN.sub(lambda match: "x" * len(match[0]), text) if "://" in text else ""
    found = _LOGIN.match(plain)
    if not found:
        return 0, 0, ""
    # One reference alone may hold user and password.
    return *found.span("login"), "" if ":" in found["login"] else ":"


def _why_missing(name: str, environ: Mapping[str, str]) -> str:
    explain = getattr(environ, "why_missing", None)
    return explain(name) if explain else f"the environment variable {name} is not set"


def _is_quoted(value: str) -> bool:
    return "%" in value and _QUOTED.fullmatch(value) is not None


def _resolve(value: Any, path: KeyPath, environ: Mapping[str, str], faults: list[Misfit]) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, (*path, key), environ, faults) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, (*path, at), environ, faults) for at, item in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    text, missing, broken = interpolate(value, environ)
    if broken:
        reason = "has a `${` that begins no reference to the environment"
        hint = "write `${NAME}` or `${NAME:-default}`, or `$${` for a plain `${`"
        faults.append(Misfit(path, reason, hint=hint, of_key=True))
    for name in dict.fromkeys(missing):
        secret = is_secret_key(name) or any(is_secret_key(p) for p in path if isinstance(p, str))
        hint = "set it" if secret else f"set it, or write `${{{name}:-default}}`"
        reason = _why_missing(name, environ)
        faults.append(Misfit(path, reason, hint=hint, of_key=True))
    return text
