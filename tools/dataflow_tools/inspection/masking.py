"""Rows of a source as a sample that may lie in a repository: nobody is named, no amount is real.

What tests need stays: names and types of columns, gaps, which values are the same, the few values
of a category, the order of dates. Everything else is replaced by something of its kind.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dataflow.shared.sql import type_family

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dataflow_tools.inspection.source_inspection import InspectedColumn, Inspection

# Words of a column's name by which its values tell who somebody is, however few there are.
_PERSONAL = re.compile(
    r"(^|_)(name|firstname|lastname|surname|vorname|nachname|nom|nombre|customer|client|user|owner"
    r"|author|contact|person|mail|email|phone|mobile|tel|fax|address|adresse|street|strasse|ip|iban"
    r"|bic|account|konto|card|passport|ssn|vat|tax_id|login|username|birthday|birth|geburt\w*"
    r"|lat|lon|latitude|longitude)(_|$)"
)
_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?"
)
_LETTER = re.compile(r"[^\W\d_]")
# A text of so many words is somebody's, whatever its column is called.
_WORDS_OF_PROSE = 6
_KEPT_ROLES = ("category", "flag")
_SHIFT = timedelta(days=-11)
# How often a value is replaced anew until no other one is replaced by the same.
_TRIES, _STRIDE = 100, 1009


def masked_rows(rows: Sequence[dict[str, Any]], inspection: Inspection) -> list[dict[str, Any]]:
    """Rows whose values tell nobody's name and no true amount.

    Args:
        rows: Rows of the source that was inspected.

    Returns:
        As many rows, with the same columns, as JSON can hold them. The same value of a column is
        the same again, and two that differ still differ.
    """
    ways = {column.profile.name: _way(column) for column in inspection.columns}
    known: dict[tuple[str, Any], Any] = {}
    return [
        {name: _once(known, name, value, ways.get(name, _replaced)) for name, value in row.items()}
        for row in rows
    ]


def spread(rows: Sequence[Any], count: int) -> list[Any]:
    """So many of them, from the first to the last, in their order.

    >>> spread(range(100), 5)
    [0, 25, 50, 74, 99]
    """
    if count >= len(rows):
        return list(rows)
    last = len(rows) - 1
    return [rows[round(at * last / max(count - 1, 1))] for at in range(count)]


def _way(column: InspectedColumn) -> Callable[[str, Any, int], Any]:
    profile = column.profile
    is_personal = _PERSONAL.search(profile.identifier.lower()) is not None
    if is_personal and type_family(profile.type) == "moment":
        return lambda _, value, __: value + _SHIFT
    if column.role in _KEPT_ROLES and not is_personal:
        return _kept
    if column.role == "key" and profile.whole:
        # In the order in which they come.
        return lambda _, __, number: number
    return _replaced


def _once(
    known: dict[tuple[str, Any], Any],
    name: str,
    value: Any,
    way: Callable[[str, Any, int], Any],
) -> Any:
    """The same answer to the same value of a column."""
    if value is None or isinstance(value, list | dict):
        return _inner(name, value)
    if (name, value) not in known:
        taken = {answer for (each, _), answer in known.items() if each == name}
        number = len(taken) + 1
        # Of short values two may come out the same.
        tries = (_plain(way(name, value, number + more * _STRIDE)) for more in range(_TRIES))
        known[name, value] = next((each for each in tries if each not in taken), value)
    return known[name, value]


def _inner(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _inner(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_inner(name, item) for item in value]
    return None if value is None else _plain(_replaced(name, value, 1))


def _kept(_: str, value: Any, __: int) -> Any:
    return value


def _replaced(name: str, value: Any, number: int) -> Any:
    if isinstance(value, bool | date | time | timedelta):
        return _moved(name, value)
    if isinstance(value, int):
        return value if abs(value) < 2 else _near(name, value, 0, number)
    if isinstance(value, float | Decimal):
        exponent = Decimal(str(value)).as_tuple().exponent
        return _near(name, value, -exponent if isinstance(exponent, int) else 0, number)
    text = str(value)
    if (moment := _moment_like(name, text)) is not None:
        return moment
    if text[:1] in ("[", "{") and (document := _document(text)) is not None:
        return json.dumps(_inner(name, document), ensure_ascii=False)
    if _MAIL.fullmatch(text):
        return f"person{number}@example.org"
    if _is_uuid(text):
        return f"00000000-0000-4000-8000-{number:012}"
    if len(text.split()) >= _WORDS_OF_PROSE:
        return f"Some words about {name}, number {number}."
    return (
        f"{name} {number}" if _LETTER.search(text) and " " in text else _alike(name, text, number)
    )


def _moved(name: str, value: Any) -> Any:
    """A day or a moment; another one where it tells of a person."""
    shift = isinstance(value, date) and _PERSONAL.search(name.lower()) is not None
    return value + _SHIFT if shift else value


def _moment_like(name: str, text: str) -> str | None:
    """A text that is a date or a time by ISO 8601, which is still one afterwards; else nothing."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if _PERSONAL.search(name.lower()) is None:
        return text
    moved = (moment + _SHIFT).date().isoformat()
    return moved + text[len(moved) :]


def _document(text: str) -> Any:
    """The list or object that a text is in JSON; nothing if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _alike(name: str, text: str, number: int) -> str:
    """A text of the same pattern: a digit for a digit, a letter for a letter."""
    seed = hashlib.sha256(f"{name} {text} {number}".encode()).digest() * (len(text) // 32 + 1)
    return "".join(_sign_like(sign, byte) for sign, byte in zip(text, seed, strict=False))


def _sign_like(sign: str, byte: int) -> str:
    if sign.isdigit():
        # What begins with a zero, or does not, goes on to do so.
        return "0" if sign == "0" else str(byte % 9 + 1)
    if not _LETTER.match(sign):
        return sign
    letter = chr(ord("a") + byte % 26)
    return letter.upper() if sign.isupper() else letter


def _near(name: str, value: Any, digits: int, number: int) -> Any:
    """A number of the same sign and size, with as many digits after the point."""
    seed = int.from_bytes(hashlib.sha256(f"{name} {value} {number}".encode()).digest()[:4])
    changed = Decimal(str(value)) * (Decimal("0.5") + Decimal(seed) / Decimal(1 << 32))
    changed = changed.quantize(Decimal(1).scaleb(-max(digits, 0)))
    return type(value)(changed)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    """A value as JSON has it, in the form that the template's samples use."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def sample_names(tables: Iterable[str]) -> dict[str, str]:
    """The file of each table's sample, as the template calls it: the first one has no own name.

    >>> sample_names(["orders", "people"])
    {'orders': 'sample.json', 'people': 'people.json'}
    """
    return {name: f"{name if at else 'sample'}.json" for at, name in enumerate(tables)}
