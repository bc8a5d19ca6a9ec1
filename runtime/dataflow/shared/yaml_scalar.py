"""What an unquoted word means in YAML: text, a number, true, false or nothing.

These are the rules of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema).
"""

from __future__ import annotations

import re

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"(?P<sign>[-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Python refuses to read longer ones, and no setting needs them.
_LONGEST_INTEGER = 1000


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of a scalar without quotes and without a tag.

    Raises:
        ValueError: It is a whole number longer than any setting. The message says so.

    >>> plain_value("12"), plain_value("1e3"), plain_value("no"), plain_value("~")
    (12, 1000.0, 'no', None)
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > _LONGEST_INTEGER:
            raise ValueError(
                f"a whole number of {len(text):,} digits; put it in quotes if it is text"
            )
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _SPECIAL_FLOAT.fullmatch(text)
    if special:
        return float(f"{special['sign'] or ''}{text.lstrip('+-')[1:]}")
    return text
