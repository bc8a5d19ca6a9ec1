"""How a message shows what a person typed or a file holds: on one line, and never at length."""

from __future__ import annotations

from dataflow.shared.redaction import redact

# 80 is the promise; quotes and the words around a value need some of it.
LONGEST = 60


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut ``text`` to ``longest`` characters, the last three of which then say that it was cut.

    Half of a secret is no longer recognised as one: what may hold one goes through ``redact``
    first, as ``quoted`` does.

    >>> shortened("0 6 * * *")
    '0 6 * * *'
    >>> shortened("9" * 100, longest=10)
    '9999999...'
    """
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def quoted(value: object) -> str:
    r"""A value as Python writes it, cut and without secrets; what cannot be printed is escaped.

    >>> quoted("a\tb")
    "'a\\tb'"
    >>> quoted("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    if not isinstance(value, str):
        return shortened(redact(repr(value)))
    text = redact(value)
    return shortened(repr(text) if text.isprintable() else ascii(text))
