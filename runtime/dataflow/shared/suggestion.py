"""What a person probably meant by a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# What comes after so many characters says little, and comparing long words takes long.
_COMPARED = 100


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most like one that was typed, whatever their case.

    Args:
        word: What was typed.
        known: The words there are.
        cutoff: How alike they have to be, from 0 to 1.

    >>> nearest("cleanin", ["cleaning", "enrichment"])
    'cleaning'
    >>> nearest("oauth2", ["basic", "oauth2_client_credentials"])
    'oauth2_client_credentials'
    """
    by_lower = {name.lower(): name for name in known}
    typed = word.lower()[:_COMPARED]
    near = difflib.get_close_matches(typed, by_lower, 1, cutoff)
    # `oauth2` is far from `oauth2_client_credentials` by its letters, but not by its sense.
    near = near or [name for name in by_lower if len(typed) > 3 and name.startswith(typed)]
    return by_lower[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question after a message about an unknown word; empty if no known word is like it."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else ""
