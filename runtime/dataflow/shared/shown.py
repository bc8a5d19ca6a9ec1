"""How a message shows what a person typed or a file holds: on one line, and never at length."""

from __future__ import annotations

import re
from collections.abc import Iterable

# 80 is the promise; quotes and the words around a value need some of it.
LONGEST = 60
# Blanks end a word; so do slashes, since a path is only of use as a whole.
# The name of a workflow in a command, as long as nobody knows it.
_PLACEHOLDER = re.compile(r"(dataflow workflow [a-z-]+ )NAME\b")
_LONG_WORD = re.compile(r"[^\s/\\]{81,}")


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


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def for_workflow(text: str, workflow_id: str) -> str:
    """A text whose commands name a workflow, where it is known by now which one is meant.

    >>> for_workflow("Try `dataflow workflow inspect NAME --accept`.", "sales")
    'Try `dataflow workflow inspect sales --accept`.'
    """
    return _PLACEHOLDER.sub(rf"\g<1>{workflow_id}", text) if workflow_id else text


def quoted(value: object) -> str:
    r"""A value as Python writes it, cut and without secrets; what cannot be printed is escaped.

    >>> quoted("a\tb")
    "'a\\tb'"
    >>> quoted("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    # Not before something is shown: `dataflow --help` has no use for it.
    from dataflow.shared.redaction import redact

    if not isinstance(value, str):
        return shortened(redact(repr(value)))
    text = redact(value)
    return shortened(repr(text) if text.isprintable() else ascii(text))


def with_short_words(text: str) -> str:
    """Cut the words that are longer than any that people write: what is left of a value.

    >>> with_short_words("There is no workflow " + 500 * "x" + ".")
    'There is no workflow xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'
    """
    if _LONG_WORD.search(text) is None:
        return text
    from dataflow.shared.redaction import redact

    return _LONG_WORD.sub(lambda word: shortened(word[0]), redact(text))


def with_short_values(text: str, values: Iterable[str]) -> str:
    """Cut each of ``values`` where ``text`` repeats it, but for paths and addresses.

    >>> with_short_values("No such command 'an order of words'.", ["an order of words" * 9])
    "No such command 'an order of words'."
    """
    for value in values:
        if len(value) > LONGEST and (any(map(str.isspace, value)) or "/" not in value):
            text = text.replace(value, shortened(value))
    return text
