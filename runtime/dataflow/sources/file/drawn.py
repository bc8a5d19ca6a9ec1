"""Tables as programs draw them for people: with lines of signs around, or below the names."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_UPRIGHT = str.maketrans("│┃║", "|||")
_LINE = re.compile(r"[\s|+:=─━═┄┼╪╫╬├╟╠┤╢╣┬╤╥╦┴╧╨╩┌╒╔┐╕╗└╘╚┘╛╝┏┓┗┛┳┻┣┫╋-]+")
_DRAWN = re.compile(r"[-=─━═]{2}|:-|-:")
_RULES = re.compile(r"-+( +-+)+\s*")
_FEWEST_ROWS = 2
_FIRST_LINES = 20
# What begins the line below the names, where dashes rule the columns.
RULE = "--"


def is_line(text: str) -> bool:
    """Whether a line of text is a drawn one: nothing but signs, several in a row."""
    return _LINE.fullmatch(text) is not None and _DRAWN.search(text) is not None


def cells_within(line: str) -> list[str]:
    """The cells between upright signs, without the blanks around them."""
    text = line.translate(_UPRIGHT).strip()
    if text.startswith("|"):
        text = text[1:].removesuffix("|")
    return [cell.strip() for cell in text.split("|")]


def is_framed(lines: Sequence[str]) -> bool:
    """Whether the lines of a text are a table with signs between all cells and drawn lines.

    Or with upright signs around each row.
    """
    bare = [line.translate(_UPRIGHT).strip() for line in lines if line.strip()]
    drawn = [line for line in bare if is_line(line)]
    rows = [line for line in bare if "|" in line and not is_line(line)]
    around = all(line.startswith("|") and line.endswith("|") for line in rows)
    crossed = any(re.search(r"[|+┼╪╫╬┬┴╤╧]", line) for line in drawn)
    if not crossed and not (around and (drawn or len(rows) == len(bare) > _FEWEST_ROWS)):
        return False
    widths = {len(cells_within(line)) for line in rows}
    return len(rows) >= _FEWEST_ROWS and len(widths) == 1 and widths.pop() > 1


def ruled_widths(lines: Sequence[str]) -> list[int]:
    """The widths of the columns that dashes below the names rule; empty if none do.

    >>> ruled_widths(["ID  NAME", "--- --------", "1   Ann Lee"])
    [4, 8]
    """
    for above, line in pairwise(lines[:_FIRST_LINES]):
        bare = line.rstrip("\r\n")
        if above.strip() and _RULES.fullmatch(bare):
            starts = [match.start() for match in re.finditer("-+", bare)]
            if starts[0]:
                return []
            return [
                *(right - left for left, right in pairwise(starts)),
                len(bare.rstrip()) - starts[-1],
            ]
    return []
