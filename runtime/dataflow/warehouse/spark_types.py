"""Which type of Spark a column of the lake has, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

# By what DuckDB calls them. Numbers without a sign have room in the next wider type.
_READ = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "utinyint": "smallint",
    "usmallint": "int",
    "uinteger": "bigint",
    "ubigint": "decimal(20,0)",
    # The files of a lake have whole numbers of 128 bits as floating ones.
    "hugeint": "double",
    "float": "float",
    "double": "double",
    "varchar": "string",
    "json": "string",
    "blob": "binary",
    "date": "date",
    "time": "time(6)",
    "timestamp": "timestamp_ntz",
    "timestamp_s": "timestamp_ntz",
    "timestamp_ms": "timestamp_ntz",
    "timestamp with time zone": "timestamp_ltz",
}
_WITH_CHILDREN = ("decimal", "list", "array", "map", "struct")
# What the files are to be read as, where that is not what a model sees.
_SEEN = {"hugeint": "decimal(38,0)"}
# What a copy of the rows has in place of a type that Spark does not read, or not as what it is.
_COPIED = {
    "hugeint": "DECIMAL(38,0)",
    "uuid": "VARCHAR",
    "timestamp_ns": "TIMESTAMP",
    "time with time zone": "VARCHAR",
}
_WRITTEN = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp_ntz": "TIMESTAMP",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "time": "TIME",
}


def read_as(kind: DuckDBPyType) -> str:
    """The type, in Spark's SQL, by which Spark reads a column's files; empty if it cannot."""
    name = str(kind.id)
    # Of some kinds a child is no type, but a number of digits.
    children: list[tuple[str, Any]] = list(kind.children) if name in _WITH_CHILDREN else []
    if name == "decimal":
        digits = dict(children)
        return f"decimal({digits['precision']},{digits['scale']})"
    if name in ("list", "array"):
        inner = read_as(dict(children)["child"])
        return f"array<{inner}>" if inner and name == "list" else ""
    if name == "map":
        parts = [read_as(child) for _, child in children]
        return f"map<{','.join(parts)}>" if all(parts) else ""
    if name == "struct":
        fields = [(field, read_as(child)) for field, child in children]
        if not all(inner for _, inner in fields):
            return ""
        return "struct<" + ",".join(f"{in_backticks(f)}:{inner}" for f, inner in fields) + ">"
    return _READ.get(name, _READ.get(str(kind).lower(), ""))


def seen_as(kind: DuckDBPyType) -> str:
    """The type that models see, where it is not the one by which files are read."""
    return _SEEN.get(str(kind.id), "")


def copied_as(kind: DuckDBPyType) -> str:
    """The type that a copy for Spark has in place of another one; empty for that one itself."""
    return _COPIED.get(str(kind.id), _COPIED.get(str(kind).lower(), ""))


def written_as(kind: Any) -> str:
    """DuckDB's type for a column that Spark has written; empty if a lake does not hold it.

    Args:
        kind: A type of ``pyspark.sql.types``.
    """
    name = kind.typeName()
    if name == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if name == "array":
        inner = written_as(kind.elementType)
        return f"{inner}[]" if inner else ""
    if name == "map":
        key, value = written_as(kind.keyType), written_as(kind.valueType)
        return f"MAP({key}, {value})" if key and value else ""
    if name == "struct":
        fields = [(field.name, written_as(field.dataType)) for field in kind.fields]
        if not fields or not all(inner for _, inner in fields):
            return ""
        return f"STRUCT({', '.join(f'{quote_identifier(n)} {inner}' for n, inner in fields)})"
    if name in ("varchar", "char"):
        return "VARCHAR"
    return _WRITTEN.get(kind.simpleString().partition("(")[0], "")


def in_backticks(name: str) -> str:
    """A name as an identifier in Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"
