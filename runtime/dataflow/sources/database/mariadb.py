"""Rows of a MariaDB or MySQL server, with the types that it declares for their columns."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

from dataflow.sources.database.declared import TEXT, Declared, decimal
from dataflow.sources.row_identity import moment_of

if TYPE_CHECKING:
    from dataflow.shared.config_model import Parameters

# Flags of a column (https://mariadb.com/kb/en/result-set-packets/).
_UNSIGNED = 32
# The scale of floating numbers that are declared with none.
_ANY_SCALE = 31
# The character set of bytes that are no text.
_BYTES = 63
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ].*(Z|[+-]\d\d:?\d\d)", re.IGNORECASE)
_LENGTHS_OF_TIME = "has lengths of time and is text; cast it to interval."


def connect_options(parameters: Parameters, password: str) -> dict[str, Any]:
    """What the driver is told when it connects: how to write values, and how long to wait."""
    seconds = parameters.timeout_seconds
    return {
        # As the servers' own clients send it; the driver would take Latin-1, or fail.
        "password": password.encode(),
        "connect_timeout": max(1, round(seconds)),
        "read_timeout": seconds,
        "write_timeout": seconds,
        "charset": "utf8mb4",
        "init_command": "SET time_zone = '+00:00'",
    }


class Cursor:
    """The result of a query, whose rows stay with the server until they are fetched."""

    def __init__(self, connection: Any, query: str) -> None:
        from pymysql.constants import FIELD_TYPE
        from pymysql.cursors import SSCursor

        # Whatever is not made a number here stays the text that the server sent.
        whole = ("TINY", "SHORT", "INT24", "LONG", "LONGLONG", "YEAR")
        connection.decoders = {
            **{getattr(FIELD_TYPE, name): int for name in whole},
            FIELD_TYPE.FLOAT: float,
            FIELD_TYPE.DOUBLE: float,
            FIELD_TYPE.BIT: lambda data: int.from_bytes(data, "big"),
            FIELD_TYPE.TIMESTAMP: _in_utc,
        }
        connection.rollback()
        connection.query("SET SESSION TRANSACTION READ ONLY")
        self._connection = connection
        self._cursor = connection.cursor(SSCursor)
        exact, self._floats = _exact(connection, query)
        self._cursor.execute(exact)
        fields = self._cursor._result.fields
        self.names = [field.name for field in fields]
        self.columns = [_declared(field) for field in fields]

    def fetch(self, size: int) -> list[Any]:
        """The next rows; none at the end."""
        rows = list(self._cursor.fetchmany(size))
        if not self._floats:
            return rows
        floats = frozenset(self._floats)
        return [
            [_shortest(value) if index in floats else value for index, value in enumerate(row)]
            for row in rows
        ]

    def close(self) -> None:
        """Be done with it, whether or not there are rows left.

        The driver would fetch all of them, or try to on a connection that is lost.
        """
        result = self._cursor._result
        if result is not None and result.unbuffered_active:
            result.unbuffered_active, self._cursor.connection = False, None
            self._connection._force_close()


def _exact(connection: Any, query: str) -> tuple[str, list[int]]:
    """The query with its floats in double precision, and where they are.

    A server writes down six digits of a float only. Where digits after the point are declared, it
    writes all of them.
    """
    from pymysql.constants import FIELD_TYPE

    with connection.cursor() as cursor:
        cursor.execute(f"{query}\nLIMIT 0")
        fields = cursor._result.fields
    floats = [
        index
        for index, field in enumerate(fields)
        if field.type_code == FIELD_TYPE.FLOAT and field.scale >= _ANY_SCALE
    ]
    if not floats:
        return query, floats
    names = [f"`{field.name.replace('`', '``')}`" for field in fields]
    for index in floats:
        names[index] = f"CAST({names[index]} AS DOUBLE) AS {names[index]}"
    return f"SELECT {', '.join(names)} FROM (\n{query}\n) AS dataflow_exact", floats  # noqa: S608


def _shortest(value: float | None) -> float | None:
    """A float of single precision with as few digits as tell it from all others.

    >>> _shortest(0.10000000149011612)
    0.1
    """
    if value is None:
        return None
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    same = (text for text in texts if struct.pack("f", float(text)) == struct.pack("f", value))
    return float(next(same, value))


def literal(connection: Any, value: Any, *, is_text: bool = False) -> str:
    """A value as SQL, for a column of texts or of another type.

    A moment is written in UTC, as the session's clock is: the server passes over a time zone.
    """
    if isinstance(value, str) and not is_text and _ZONED.fullmatch(value):
        moment = moment_of(value)
        value = value if moment is None else moment.replace(tzinfo=None).isoformat(" ")
    return str(connection.escape(value, connection.encoders))


def holds_texts(connection: Any, query: str) -> bool:
    """Whether the one column of a query has a type whose values are texts here."""
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT 0")
        return _declared(cursor._result.fields[0]).type == TEXT


def in_order_of_signs(value: str) -> str:
    """SQL of a value that is compared sign by sign, whatever the language of its column is."""
    return f"CAST({as_text(value)} AS BINARY)"


def as_text(value: str) -> str:
    """SQL of a value's text."""
    return f"CONVERT({value} USING utf8mb4)"


def _in_utc(text: str) -> str:
    """A moment as the session's clock shows it, with the zone of that; no date is none."""
    return text if text.startswith("0000") else f"{text}+00"


def _declared(field: Any) -> Declared:
    from pymysql.constants import FIELD_TYPE as TYPE

    kind, unsigned = field.type_code, bool(field.flags & _UNSIGNED)
    if kind in (TYPE.DECIMAL, TYPE.NEWDECIMAL):
        # The length counts the sign and the point.
        return decimal(field.length - (not unsigned) - (field.scale > 0), field.scale)
    if kind in (TYPE.TINY, TYPE.SHORT, TYPE.INT24, TYPE.LONG, TYPE.YEAR):
        return Declared("BIGINT")
    if kind == TYPE.LONGLONG:
        return Declared("UBIGINT" if unsigned else "BIGINT")
    if kind == TYPE.BIT:
        return Declared("UBIGINT", "has bits, and is the number that they are.")
    if kind in (TYPE.FLOAT, TYPE.DOUBLE):
        return Declared("DOUBLE")
    if kind in (TYPE.DATE, TYPE.NEWDATE):
        return Declared("DATE")
    if kind == TYPE.DATETIME:
        return Declared("TIMESTAMP")
    if kind == TYPE.TIMESTAMP:
        # A moment, which each session sees by its own clock.
        return Declared("TIMESTAMPTZ")
    if kind == TYPE.TIME:
        return Declared(TEXT, _LENGTHS_OF_TIME)
    if kind == TYPE.GEOMETRY:
        return Declared("BLOB")
    binary = (TYPE.TINY_BLOB, TYPE.MEDIUM_BLOB, TYPE.LONG_BLOB, TYPE.BLOB)
    is_text_type = kind in (*binary, TYPE.STRING, TYPE.VAR_STRING, TYPE.VARCHAR)
    if is_text_type and field.charsetnr == _BYTES:
        return Declared("BLOB")
    return Declared(TEXT)
