"""The rules of DuckDB's SQL that several packages rely on: quoting, queries, families of types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TypeFamily = Literal["whole", "fraction", "moment", "boolean", "nested", "text"]

_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM|DECIMAL\(\d+,0\)")
_FRACTION = re.compile(r"FLOAT|DOUBLE|DECIMAL\(.*\)")
_MOMENT = re.compile(r"DATE|TIMESTAMP.*")
_NESTED = re.compile(r"(STRUCT|MAP|UNION)\(.*|VARIANT|.*\]", re.DOTALL)


def quote_identifier(name: str) -> str:
    """The name of a table or column as DuckDB reads it literally, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: object) -> str:
    """A text, or a path, as a literal. A NUL is left out: no literal of DuckDB's can hold one."""
    return "'" + str(text).replace("'", "''").replace("\0", "") + "'"


def one_select(connection: DuckDBPyConnection, text: str) -> str | None:
    """A query without the semicolon at its end, or None if the text is not exactly one SELECT.

    A query that stands within another needs a line break behind it, which ends a comment on its
    last line.

    Raises:
        duckdb.Error: The text is not SQL.
    """
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return None
    return text.rstrip().rstrip(";")


def type_family(kind: object) -> TypeFamily:
    """What the values of a DuckDB type are, by the type as DuckDB writes it: ``DECIMAL(9,2)``."""
    written = str(kind)
    if _WHOLE.fullmatch(written):
        return "whole"
    if _FRACTION.fullmatch(written):
        return "fraction"
    if _MOMENT.fullmatch(written):
        return "moment"
    if _NESTED.fullmatch(written):
        return "nested"
    return "boolean" if written == "BOOLEAN" else "text"
