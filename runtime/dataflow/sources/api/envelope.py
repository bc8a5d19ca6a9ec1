"""What stands around the records of an answer: signs of more, totals, and places to go on from.

Names are compared without case, underscores and signs: ``totalSize`` is ``total_size``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_DEEPEST = 4
_LONGEST_KEY = 80
# Objects that hold what an answer says of itself; 0 is the first one of a list.
_AROUND = words(
    "meta metadata pagination paging page pageinfo info links response responsemetadata "
    "cursor cursors result resultset hits total query header 0"
)
_MORE = words(
    "hasmore hasnext hasnextpage more moreavailable hasmoreitems hasmoreresults moreresults "
    "hasmorepages hasadditional exceededtransferlimit istruncated truncated"
)
_LAST = words("last islast islastpage lastpage nomore isend endoflist")
# Who says that it is done may speak of work; who says that it is not has more.
_DONE = words("done complete completed finished")
_NEXT = re.compile(
    r"(odata|atom|page|cursor|token)*next(page|records?|results?|batch|set)?"
    r"(url|uri|link|href|cursor|token|marker|offset|key|id|start|index)?|\w*continue|"
    r"continuation(token|key)?"
)
# What may stand within an object that is called `next`.
_IN_NEXT = words("after cursor token href url uri link page offset start key id marker from value")
# Values that name a place to go on from, where no `next` says so.
_PLACES = words(
    "lastevaluatedkey lastkey scrollid bookmark resumptiontoken marker nextmarker offset "
    "aftercursor endcursor searchafter"
)


def plain(key: str) -> str:
    """A key as names are compared.

    >>> plain("@odata.next_Link")
    'odatanextlink'
    """
    return re.sub(r"[^a-z0-9]", "", key[:_LONGEST_KEY].lower())


def is_link(value: Any) -> bool:
    """Whether a value is the address of a next page, whole or relative."""
    return isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))


def places(document: Any) -> Iterator[tuple[list[str], Any]]:
    """The keys that lead to each value that is in no list, the outermost first."""
    level: list[tuple[list[str], Any]] = [([], document)] if isinstance(document, dict) else []
    for _ in range(_DEEPEST):
        deeper: list[tuple[list[str], Any]] = []
        for path, inner in level:
            for key, value in inner.items():
                if isinstance(value, dict) and value:
                    deeper.append(([*path, key], value))
                else:
                    yield [*path, key], value
        level = deeper


def around(document: Any) -> Iterator[tuple[str, str, Any]]:
    """What an answer says of itself: the path, the plain name, and the value."""
    for path, value in places(document):
        if all(plain(key) in _AROUND for key in path[:-1]):
            yield ".".join(path), plain(path[-1]), value


def said_of_more(document: Any) -> list[tuple[str, bool]]:
    """Where an answer says whether there is more, and what."""
    said = []
    for path, name, value in around(document):
        if not isinstance(value, bool):
            continue
        if name in _MORE:
            said.append((path, value))
        elif name in _LAST or (name in _DONE and not value):
            said.append((path, not value))
    return said


def next_places(document: Any) -> list[tuple[str, Any]]:
    """Where an answer has an address, a cursor or a token that leads to more."""
    found = []
    for path, value in places(document):
        names = [plain(key) for key in path]
        if isinstance(value, bool) or not isinstance(value, str | int) or value in ("", 0):
            continue
        within = names[-1] in _IN_NEXT and any(map(_NEXT.fullmatch, names[:-1]))
        leads = within or bool(_NEXT.fullmatch(names[-1]))
        named = not _PLACES.isdisjoint(names)
        if names[-1] == "offset" and str(value).isdigit():
            # Where this page begins.
            named = False
        if leads or named:
            found.append((".".join(path), value))
    return found
