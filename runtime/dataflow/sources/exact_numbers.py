"""JSON with numbers of more digits than a double holds: they are kept as texts, digit by digit.

DuckDB, like most readers of JSON, makes a double of 12345678901234567890.12, which is another
number. As a text it stays what it is, and a contract makes a decimal of it.
"""

from __future__ import annotations

import json
import mmap
import re
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.sources.local_file import LocalFile

# A double that is written out has 17 significant digits at most: more of them are meant.
_DIGITS = 17
_LARGEST_WHOLE = 1 << 64
# Behind a colon, comma or bracket: a number, or, seldom, a part of a text.
_NUMBER = r"[:\[,]\s*-?(?:(?:0\.0*)?[1-9](?:\.?\d){17,}|\d[\d.]*[eE]\+?\d{3})"
_LONG, _LONG_BYTES = re.compile(_NUMBER), re.compile(_NUMBER.encode())
# Most texts have no long number, which is told ten times as fast as where one is: every digit and
# point is a 0, every sign of an exponent an e, a plus nothing, and all else a blank.
_SHAPES = bytes(
    ord("0") if sign in b"0123456789." else ord("e") if sign in b"eE" else ord(" ")
    for sign in range(256)
)
_LONG_SHAPES = (b"0" * (_DIGITS + 1), b"0e000")
_PIECE, _OVERLAP = 1 << 20, 64


def loads(text: str) -> Any:
    """Parse JSON; numbers that a double would change are texts in it.

    Raises:
        ValueError: It is no JSON, or an object has a key twice, with two values.
        RecursionError: It is nested too deeply.

    >>> loads("[0.10, 12345678901234567890.12, 36893488147419103232, 1e400]")
    [0.1, '12345678901234567890.12', '36893488147419103232', '1e400']
    """
    is_long = _may_be_long(text.encode(errors="replace")) and _LONG.search(text)
    return (_DECODER if is_long else _PLAIN_DECODER).decode(text)


def _may_be_long(text: bytes) -> bool:
    shapes = text.translate(_SHAPES, b"+")
    return any(shape in shapes for shape in _LONG_SHAPES)


@contextmanager
def with_exact_numbers(files: Sequence[LocalFile]) -> Iterator[list[LocalFile]]:
    """Files of JSON, of which those with long numbers are copies with texts in their place.

    Each of these is held in memory whole.
    """
    with TemporaryDirectory(prefix="dataflow-") as folder:
        yield [_exact(file, Path(folder) / f"{number}.jsonl") for number, file in enumerate(files)]


def _exact(file: LocalFile, copy: Path) -> LocalFile:
    if not _has_long_numbers(file.path):
        return file
    try:
        rows = list(_rows(file.path.read_text(encoding="utf-8")))
    except (TypeError, ValueError, RecursionError):
        # DuckDB says what is wrong with it.
        return file
    with copy.open("wb") as target:
        for row in rows:
            target.write(json.dumps(row).encode() + b"\n")
    return replace(file, path=copy)


def _has_long_numbers(path: Path) -> bool:
    if not path.stat().st_size:
        return False
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        starts = range(0, len(content), _PIECE)
        if not any(_may_be_long(content[start : start + _PIECE + _OVERLAP]) for start in starts):
            return False
        return _LONG_BYTES.search(content) is not None


def _rows(text: str) -> Iterator[dict[str, Any]]:
    """The objects of a text: those of an array, or one after another."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        value, place = _DECODER.raw_decode(text, place)
        for row in value if isinstance(value, list) else [value]:
            if not isinstance(row, dict):
                raise TypeError("not an object")
            yield row


def is_a_double(text: str) -> bool:
    """Whether a double is the number that a text of JSON writes, or is written so.

    >>> is_a_double("9007199254740992"), is_a_double("9007199254740993"), is_a_double("1.5e300")
    (True, False, True)
    >>> is_a_double("1" * 5000)
    False
    """
    number = float(text)
    if not isfinite(number):
        return False
    is_whole = text.lstrip("-").isdigit() and int(text) == number
    return is_whole or _digits(text) == _digits(repr(number))


def _digits(text: str) -> str:
    """The digits of a number that count, wherever its point stands."""
    return re.split("[eE]", text, maxsplit=1)[0].replace(".", "").lstrip("-0").rstrip("0")


def _fraction(text: str) -> float | str:
    number = float(text)
    infinite = number in (float("inf"), float("-inf"))
    return text if infinite or len(_digits(text)) > _DIGITS else number


def _whole(text: str) -> int | str:
    # Longer ones Python does not read at all.
    if len(text) > 20 + 1:
        return text
    number = int(text)
    return number if -(_LARGEST_WHOLE >> 1) <= number < _LARGEST_WHOLE else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; which of two values of one key is meant, nobody can tell."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next((key for key, value in pairs if found[key] != value), None)
        if twice is not None:
            raise ValueError(f"an object has the key {quoted(twice)} twice, with two values")
    return found


_DECODER = json.JSONDecoder(parse_float=_fraction, parse_int=_whole, object_pairs_hook=_object)
_PLAIN_DECODER = json.JSONDecoder(object_pairs_hook=_object)
