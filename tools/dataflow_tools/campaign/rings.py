"""Rings: a few repositories first, then more, and the rest when those are well."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = "3,20%,100%"


def parse_rings(text: str) -> list[str]:
    """Read how large the rings are: numbers, or parts of all repositories.

    Raises:
        BadInputError: It is not a list of them.
    """
    found = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[1-9]\d*|(100|[1-9]\d?)%", part) for part in found):
        raise BadInputError(
            f"{text!r} does not say how large the rings are.",
            f"Write numbers and percentages with commas between them, such as {DEFAULT}.",
        )
    return found


def split(names: Sequence[str], sizes: Sequence[str]) -> list[list[str]]:
    """Split repositories into rings, in their order; what is left over is the last ring.

    A percentage is of all of them, rounded up. Rings that would be empty are left out.

    >>> split("abcdefghijkl", ["3", "20%", "100%"])
    [['a', 'b', 'c'], ['d', 'e', 'f'], ['g', 'h', 'i', 'j', 'k', 'l']]
    """
    rings, start = [], 0
    for size in sizes:
        wanted = math.ceil(len(names) * int(size[:-1]) / 100) if size.endswith("%") else int(size)
        rings.append(list(names[start : start + wanted]))
        start += wanted
    rings.append(list(names[start:]))
    return [ring for ring in rings if ring]


def parse_share(text: str) -> float:
    """Read a part of a ring: ``10%`` is 0.1.

    Raises:
        BadInputError: It is not a percentage.
    """
    if not re.fullmatch(r"\d{1,2}%|100%", text.strip()):
        raise BadInputError(f"{text!r} is not a percentage.", "Write one, such as 10%.")
    return int(text.strip()[:-1]) / 100
