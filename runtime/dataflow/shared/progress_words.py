"""How far a step has come, in a few words: rows, bytes, rate and time left, where known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.shown import counted, shortened

if TYPE_CHECKING:
    from dataflow.shared.step_progress import Work

_BETWEEN = " · "
# Up to here numbers are told to the last digit.
_EXACT = 100_000
# A rate of less than that says nothing, nor does time left by so small a share.
_SHORTEST_SECONDS = 1.0
_SMALLEST_SHARE = 0.02
_LONGEST_NAME = 40
_MINUTE, _HOUR = 60, 3_600


def progress_words(work: Work, now: float, *, tells_left: bool = True) -> str:
    """What is known of some work.

    Args:
        now: The time, by the clock of `Work.began`.
        tells_left: Whether to say how long it will go on.

    >>> from dataflow.shared.step_progress import Work
    >>> progress_words(Work(size=310_000_000, total_size=960_000_000, rows=1_200_000), 3.2)
    '1.2 M rows · 310 of 960 MB · 97 MB/s · 7 s left'
    """
    seconds = now - work.began
    said = [f"{work.table}: {work.what}".strip(": ")] if work.table or work.what else []
    said += [_parts(work), _rows(work), _size(work)]
    said.append(" ".join(filter(None, (shortened(work.at, _LONGEST_NAME), _share(work)))))
    if seconds >= _SHORTEST_SECONDS and not work.is_again:
        said.append(_rate(work, seconds))
    left = seconds_left(work, now) if tells_left else None
    said.append(f"{duration(left)} left" if left is not None and left >= 1 else "")
    return _BETWEEN.join(filter(None, said))


def seconds_left(work: Work, now: float) -> float | None:
    """For how long the work will go on, where how much of it is done is known."""
    share, seconds = work.share, now - work.began
    if share is None or share < _SMALLEST_SHARE or seconds < _SHORTEST_SECONDS:
        return None
    return max(seconds / share - seconds, 0.0)


def duration(seconds: float) -> str:
    """A length of time, as exact as anybody wants it.

    >>> duration(7.4), duration(200), duration(4_800)
    ('7 s', '3 min', '1 h 20 min')
    """
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    minutes = round(seconds / _MINUTE)
    return f"{minutes // 60} h {minutes % 60} min"


def _parts(work: Work) -> str:
    if work.parts is None:
        return ""
    if work.total_parts is None:
        return counted(work.parts, work.of.removesuffix("s"))
    return f"{work.parts:,} of {work.total_parts:,} {work.of}"


def _rows(work: Work) -> str:
    if work.rows is None:
        if work.total_rows is None or work.done is None:
            return ""
        return f"{_percent(work.done)} of {_number(work.total_rows)} rows"
    if work.total_rows is None or work.rows > work.total_rows:
        return f"{_number(work.rows)} row{'' if work.rows == 1 else 's'}"
    return f"{_number(work.rows)} of {_number(work.total_rows)} rows"


def _size(work: Work) -> str:
    if work.size is None:
        return ""
    if not work.total_size:
        return bytes_in_words(work.size)
    so_far, total = bytes_in_words(work.size), bytes_in_words(work.total_size)
    # The unit once, where both have it.
    so_far = so_far.removesuffix(total[-3:]) if so_far[-3:] == total[-3:] else so_far
    return f"{so_far} of {total}{' again' if work.is_again else ''}"


def _rate(work: Work, seconds: float) -> str:
    if work.size:
        return f"{bytes_in_words(work.size / seconds)}/s"
    if work.rows:
        return f"{_number(_two_digits(work.rows / seconds))} rows/s"
    return ""


def _share(work: Work) -> str:
    """That of a statement which says something of the work: one of many does not."""
    is_told = work.total_size or work.total_rows is not None
    says_something = work.is_whole or work.at
    return "" if work.done is None or is_told or not says_something else _percent(work.done)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _two_digits(number: float) -> int:
    return int(float(f"{number:.2g}"))


def _number(number: int) -> str:
    if number < _EXACT:
        return f"{number:,}"
    if number < 1_000_000:
        return f"{number // 1_000:,} k"
    return f"{number / 1_000_000:,.1f} M"


def bytes_in_words(size: float) -> str:
    """A number of bytes for people.

    >>> [bytes_in_words(size) for size in (700, 250_000, 48_000_000, 1_500_000_000)]
    ['1 kB', '0.2 MB', '48 MB', '1.5 GB']
    """
    for unit, one in (("GB", 1e9), ("MB", 1e6)):
        if size >= 10 * one or (unit == "GB" and size >= one):
            return f"{size / one:,.{1 if unit == 'GB' else 0}f} {unit}"
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.0f} kB"
