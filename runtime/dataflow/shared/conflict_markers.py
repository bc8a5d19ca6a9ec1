"""What a merge leaves in a file where both sides changed the same lines."""

from __future__ import annotations

CONFLICT = (
    "a merge has left both sides here; choose one between `<<<<<<<` and `>>>>>>>`, and take the "
    "three markers out"
)


def conflict_line(text: str) -> int | None:
    r"""The line, counted from 1, where a merge has left both sides; None if it is merged.

    >>> conflict_line("a: 1\n<<<<<<< yours\nb: 2\n=======\nb: 3\n>>>>>>> theirs\n")
    2
    """
    lines = text.splitlines()
    ends = any(line.startswith(">>>>>>> ") or line == ">>>>>>>" for line in lines)
    starts = (
        number
        for number, line in enumerate(lines, 1)
        if line.startswith("<<<<<<< ") or line == "<<<<<<<"
    )
    return next(starts, None) if ends else None
