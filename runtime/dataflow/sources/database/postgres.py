"""Rows of a Postgres server, with the types that it declares for their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.sources.database.declared import ANY_NUMBER, TEXT, Declared, decimal

if TYPE_CHECKING:
    import psycopg

    from dataflow.shared.config_model import Parameters

_INTERVAL = 1186
_TIME_WITH_ZONE = 1266
_NUMERIC = 1700
# By Postgres' own numbers for its types, which never change. Whatever is not here is text.
_TYPES = {
    16: "BOOLEAN",
    17: "BLOB",
    20: "BIGINT",
    21: "BIGINT",
    23: "BIGINT",
    26: "BIGINT",
    700: "DOUBLE",
    701: "DOUBLE",
    1082: "DATE",
    1083: "TIME",
    1114: "TIMESTAMP",
    1184: "TIMESTAMPTZ",
    2950: "UUID",
}
# Those whose values the driver may make Python's, since nothing is lost by it.
_PLAIN = ("BOOLEAN", "BLOB", "BIGINT", "DOUBLE")
# Everything that changes how the server writes values down.
_SESSION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "3",
}


def connect_options(parameters: Parameters) -> dict[str, Any]:
    """What the driver is told when it connects: how to write values, and how long to wait."""
    seconds = parameters.timeout_seconds
    session = {**_SESSION, "statement_timeout": str(max(1, round(seconds * 1000)))}
    wait = max(1, round(seconds))
    return {
        "connect_timeout": wait,
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
        "client_encoding": "UTF8",
        # A server that is gone without a word is noticed by the network.
        "keepalives_idle": wait,
        "keepalives_interval": max(1, wait // 3),
        "keepalives_count": 3,
    }


class Cursor:
    """The result of a query, whose rows stay with the server until they are fetched."""

    def __init__(self, connection: psycopg.Connection[Any], query: str) -> None:
        from psycopg.types.string import TextLoader

        self._cursor = connection.cursor(name="dataflow")
        for info in connection.adapters.types:
            if _TYPES.get(info.oid) not in _PLAIN:
                self._cursor.adapters.register_loader(info.oid, TextLoader)
        self._cursor.execute(query.encode())
        description = self._cursor.description or []
        result = self._cursor.pgresult
        self.names = [column.name for column in description]
        self.columns = [
            declared_type(connection, column.type_code, result.fmod(index) if result else -1)
            for index, column in enumerate(description)
        ]

    def fetch(self, size: int) -> list[Any]:
        """The next rows; none at the end."""
        return self._cursor.fetchmany(size)

    def close(self) -> None:
        """Be done with it, whether or not there are rows left: the transaction's end does that."""


def literal(connection: psycopg.Connection[Any], value: Any, *, is_text: bool = False) -> str:
    """A value as SQL, for a column of any type; the server knows what a text means there."""
    from psycopg import sql

    return sql.Literal(str(value) if is_text else value).as_string(connection)


def holds_texts(connection: psycopg.Connection[Any], query: str) -> bool:
    """Whether the one column of a query has a type whose values are texts here."""
    cursor = connection.execute(f"{query} LIMIT 0".encode())
    column = (cursor.description or [])[0]
    return declared_type(connection, column.type_code, -1).type == TEXT


def in_order_of_signs(value: str) -> str:
    """SQL of a value that is compared sign by sign, whatever the language of the database is."""
    return f'{as_text(value)} COLLATE "C"'


def as_text(value: str) -> str:
    """SQL of a value's text."""
    return f"CAST({value} AS text)"


def declared_type(connection: psycopg.Connection[Any], oid: int, modifier: int) -> Declared:
    """What a column's type is, and for numbers how many digits it is declared with."""
    info = connection.adapters.types.get(oid)
    if info is not None and info.array_oid == oid and oid:
        item = declared_type(connection, info.oid, modifier)
        return Declared(f"{item.type}[]", item.said)
    if oid == _NUMERIC:
        # Numeric's modifier: digits in the upper half, scale in the lower eleven bits, and 4 more.
        digits, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
        scale = scale - 0x800 if scale >= 0x400 else scale
        return Declared(ANY_NUMBER) if modifier < 4 else decimal(digits, scale)
    if oid == _INTERVAL:
        return Declared(TEXT, "has lengths of time and is text; cast it to interval.")
    if oid == _TIME_WITH_ZONE:
        return Declared(TEXT, "has times of day with a zone and is text.")
    return Declared(_TYPES.get(oid, TEXT))
