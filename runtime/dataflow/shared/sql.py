"""The rules of DuckDB's SQL that several packages rely on: quoting, queries, families of types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TypeFamily = Literal["whole", "fraction", "moment", "boolean", "nested", "text"]

_FLOATING = ("DOUBLE", "FLOAT")

# The first that fits; what fits none is text.
_FAMILIES: dict[TypeFamily, re.Pattern[str]] = {
    "whole": re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM|DECIMAL\(\d+,0\)"),
    "fraction": re.compile(r"FLOAT|DOUBLE|DECIMAL\(.*\)"),
    "moment": re.compile(r"DATE|TIMESTAMP[^\[]*"),
    "nested": re.compile(r"(STRUCT|MAP|UNION)\(.*|VARIANT|.*\]", re.DOTALL),
    "boolean": re.compile("BOOLEAN"),
}


def quote_identifier(name: str) -> str:
    """The name of a table or column as DuckDB reads it literally, whatever characters it has.

    >>> quote_identifier("order id")
    '"order id"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: object) -> str:
    """A text, or a path, as a literal. A NUL is left out: no literal of DuckDB's can hold one."""
    return "'" + str(text).replace("'", "''").replace("\0", "") + "'"


def count_rows(connection: DuckDBPyConnection, relation: str) -> int:
    """How many rows there are in what may stand after FROM."""
    row = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


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
    """What the values of a DuckDB type are, by the type as DuckDB writes it.

    >>> type_family("DECIMAL(9,2)")
    'fraction'
    """
    fitting = (family for family, names in _FAMILIES.items() if names.fullmatch(str(kind)))
    return next(fitting, "text")


def converted(value: str, kind: str, wanted: str, *, cast: str = "CAST") -> str:
    """SQL that makes a value of one type another's.

    Fractions become decimals by their text, decimals fractions, and short fractions long ones: as
    binary numbers they are not quite what they show. DuckDB makes 7040231.4230000008 of
    7040231.423.

    >>> converted("v", "DOUBLE", "DECIMAL(38,10)")
    'CAST(CAST(v AS VARCHAR) AS DECIMAL(38,10))'
    """
    if kind == wanted:
        return value
    kinds = {"binary" if each in _FLOATING else each.partition("(")[0] for each in (kind, wanted)}
    if "binary" in kinds <= {"binary", "DECIMAL"}:
        value = f"CAST({value} AS VARCHAR)"
    return f"{cast}({value} AS {wanted})"


def has_zone(kind: str) -> bool:
    """Whether the values of a type are moments, and not what the clock of some place shows.

    >>> has_zone("TIMESTAMP WITH TIME ZONE"), has_zone("TIMESTAMP")
    (True, False)
    """
    return kind == "TIMESTAMP WITH TIME ZONE"
