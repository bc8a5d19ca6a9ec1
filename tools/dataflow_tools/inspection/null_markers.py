"""Texts such as ``NA`` that stand for a missing value in columns that are otherwise numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.inference import read_typed
from dataflow_tools.inspection.profile import profile_columns, register_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa

    from dataflow_tools.inspection.profile import ColumnProfile

_MARKERS = frozenset(
    {"na", "n/a", "#n/a", "n.a.", "null", "none", "nil", "nan", "-", "--", "---", ".", "..", "?"}
    | {"*", "missing", "\\n", "(null)", "<na>", "(none)", "unknown", "#value!", "#div/0!"}
    | {
        ":",
        "/",
        "x",
        "\u2013",
        "\u2014",
        "\u2026",
        "...",
        "n.d.",
        "n/d",
        "nd",
        "n.v.",
        "k.a.",
        "k. a.",
        "s.o.",
    }
    | {"[x]", "[z]", "[c]", "[low]", "not available", "not applicable", "tbd", "(leer)", "#n/d"}
    | {"#ref!", "#num!", "#name?", "#null!", "#n/a n/a", ""}
)


def find_null_markers(
    connection: duckdb.DuckDBPyConnection, profiles: list[ColumnProfile]
) -> dict[str, list[str]]:
    """The markers in each text column that has numbers or dates, and nothing else, beside them.

    Returns:
        Lists of markers, as they are written, by the name of the column.
    """
    found = {}
    for column in profiles:
        if column.text and (markers := _markers(connection, column)):
            found[column.name] = markers
        elif column.fractional and _has_nan(connection, column):
            found[column.name] = ["NaN", "nan", "NAN"]
    return found


def _markers(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> list[str]:
    """The markers in a text column, if it gets another type without them."""
    text = f"lower(trim({column.key}))"
    known = ", ".join(quote_literal(marker) for marker in sorted(_MARKERS))
    # Blanks alone are one as well; an empty text is what it is by a setting already.
    marked = f"{column.key} <> '' AND {text} IN ({known})"
    written = connection.execute(
        f"SELECT DISTINCT trim({column.key}) AS v FROM data WHERE {marked} ORDER BY v"  # noqa: S608
    ).fetchall()
    if not written:
        return []
    others = f"(SELECT {column.key} AS c0 FROM data WHERE {text} NOT IN ({known}))"  # noqa: S608
    kind = read_typed(connection, others, [column.name]).table.schema.field(0).type
    return [str(value) for (value,) in written] if str(kind) != "string" else []


def _has_nan(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    if column.type not in ("DOUBLE", "FLOAT"):
        return False
    row = connection.execute(f"SELECT bool_or(isnan({column.key})) FROM data").fetchone()  # noqa: S608
    return row is not None and bool(row[0])


def suggest_null_values(
    table: pa.Table, given: Sequence[str] | Mapping[str, Sequence[str]] | None
) -> tuple[list[str] | dict[str, list[str]], list[str]]:
    """The texts that mean no value in a table of a file, and what a person should know of them.

    What is found is said of the columns in which it was found only: the `NA` that is no value among
    numbers is Namibia in another column.

    Args:
        given: What is known to mean no value, in all columns or by column; None for an empty text.
    """
    import pyarrow as pa

    with open_engine() as connection:
        register_rows(connection, table)
        markers = find_null_markers(connection, profile_columns(connection, table.column_names))
    if isinstance(given, Mapping):
        known = {name: list(texts) for name, texts in given.items()}
        everywhere = [""]
    else:
        known, everywhere = {}, [""] if given is None else list(given)
    if not markers:
        return known or everywhere, []
    found = known | {
        name: list(dict.fromkeys([*known.get(name, everywhere), *texts]))
        for name, texts in markers.items()
    }
    # What means no value in one column of a file is no number or date in another either.
    shared = [text for of_column in markers.values() for text in of_column if text[:1] != "#"]
    for field in table.schema:
        if shared and (field.name in found or not pa.types.is_string(field.type)):
            before, own = known.get(field.name, everywhere), markers.get(field.name, [])
            found[field.name] = list(dict.fromkeys([*before, *shared, *own]))
    if not known and everywhere != [""]:
        # What a person said of all columns goes on to be so.
        found = dict.fromkeys(table.column_names, everywhere) | found
    where: dict[str, list[str]] = {}
    for name, of_column in markers.items():
        where.setdefault(", ".join(map(repr, of_column)), []).append(name)
    shown = "; ".join(f"{texts} in {', '.join(names)}" for texts, names in where.items())
    told = [f"Read as no value: {shown}. See `null_values`."]
    return found, told + _kept(table, markers)


def _kept(table: pa.Table, markers: dict[str, list[str]]) -> list[str]:
    """Notes on other columns in which a marker occurs, where it stays a value like any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = sorted({marker for of_column in markers.values() for marker in of_column})
    notes = []
    for name in table.column_names:
        column = table[name]
        if name in markers or not pa.types.is_string(column.type):
            continue
        count = pc.sum(pc.is_in(column, pa.array(texts))).as_py() or 0
        if count:
            rows = "row" if count == 1 else "rows"
            notes.append(
                f"{name!r} has one of these texts in {count:,} {rows}, where it stays a value; if "
                "it is none there either, add it to `null_values`."
            )
    return notes
