"""What a person probably meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable

# What comes after so many characters says little, and comparing long words takes long.
_COMPARED = 100


def nearest_few(word: str, known: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """The known words that are most like one that was typed, whatever their case; best first.

    ``cutoff`` is how alike they have to be, from 0 to 1.
    """
    import difflib  # not before somebody has mistyped

    by_lower = {name.lower(): name for name in known}
    typed = word.lower()[:_COMPARED]
    near = difflib.get_close_matches(typed, by_lower, most, cutoff)
    # `oauth2` is far from `oauth2_client_credentials` by its letters, but not by its sense.
    near = near or [name for name in by_lower if len(typed) > 3 and name.startswith(typed)]
    return [by_lower[name] for name in near[:most]]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like one that was typed.

    >>> nearest("cleanin", ["cleaning", "enrichment"])
    'cleaning'
    >>> nearest("oauth2", ["basic", "oauth2_client_credentials"])
    'oauth2_client_credentials'
    """
    return next(iter(nearest_few(word, known, 1)), None)


def did_you_mean(word: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> str:
    """The question after a message about an unknown word; empty if no known word is like it.

    >>> did_you_mean("tabel", ["table", "primary_key"])
    'did you mean `table`?'
    """
    near = nearest_few(word, known, most, cutoff)
    return f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""


def known_names(names: list[str], most: int) -> str:
    """The names there are, for a message: not more than ``most`` of them.

    >>> known_names(["a", "b", "c"], 2)
    'a, b, ...'
    """
    return f"{', '.join(names[:most])}{', ...' if len(names) > most else ''}"


def as_sentence(question: str) -> str:
    """What `did_you_mean` asks, as a sentence of its own.

    >>> as_sentence("did you mean `table`?")
    'Did you mean `table`?'
    """
    return question[:1].upper() + question[1:]
