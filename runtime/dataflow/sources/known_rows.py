"""Rows that a source may give again: which of them came before, and how often."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dataflow.sources.row_identity import earlier_digest, has_identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Of rows that were saved when nobody counted them yet.
_ANY = 0


class KnownRows:
    """Rows by their digests. Rows that are all equal count, unless an id says that they are one.

    It is true if any row was met before.

    Args:
        digests: Those of the rows that came before.
        times: How often each came, where that is not once; None if nobody has counted: such a row
            is known however often it comes.
    """

    def __init__(self, digests: Iterable[str] = (), times: Mapping[str, int] | None = None) -> None:
        self._before = {
            digest: _ANY if times is None else times.get(digest, 1) for digest in digests
        }
        self._now: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._before)

    def __len__(self) -> int:
        return len(self._before.keys() | self._now.keys())

    def admit(self, row: Mapping[str, Any], digest: str) -> bool:
        """Take note of a row; say whether it came more often by now than before."""
        if not self._now[digest] or not has_identity(row):
            self._now[digest] += 1
        before = self._before.get(digest)
        if before is None:
            return not (self._before and earlier_digest(row) in self._before)
        return _ANY < before < self._now[digest]

    def saved(self) -> tuple[list[str], dict[str, int]]:
        """The digests, and how often each row came where that is not once."""
        times = dict(self._before)
        for digest, number in self._now.items():
            if times.get(digest) != _ANY:
                times[digest] = max(number, times.get(digest, 1))
        return sorted(times), {digest: number for digest, number in times.items() if number != 1}
