"""Which types a table's columns take so that the rows that come fit, and no value changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.sql import converted, has_zone, quote_identifier, type_family
from dataflow.warehouse.tables import OWN_TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.tables import Tables

_TEXT = "VARCHAR"
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_FLOATING = ("DOUBLE", "FLOAT")
_FOR_ROWS = (
    "Cast it in transform.py, or load with `write_disposition: replace` once. If it is text from "
    "now on, say so in `ingestion.columns`: `dataflow workflow inspect NAME --accept` does: what "
    "the table has of it becomes text then."
)


@dataclass(frozen=True)
class FittedColumn:
    """A column of the rows that come, and how its values go into the table.

    Args:
        name: Its name in the rows.
        own_name: Its name in the table, which may differ by case.
        kind: The type in the table.
        came: The type in the rows; empty if no row has a value.
        was: The type in the table until its values became texts; empty if they have not.
    """

    name: str
    own_name: str
    kind: str
    came: str
    was: str = ""

    @property
    def expression(self) -> str:
        """The value as the table takes it."""
        if not self.came:
            return f"CAST(NULL AS {self.kind})"
        return converted(quote_identifier(self.name), self.came, self.kind)


def column_types(connection: DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column names with their types. DuckDB's names differ by more than case."""
    described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in described}


def fit_columns(
    connection: DuckDBPyConnection,
    target: str,
    rows: str,
    texts: Collection[str] = (),
    tables: Tables = OWN_TABLES,
    *,
    of_list: str = "",
) -> list[FittedColumn]:
    """Add the columns that the table lacks, and widen those that the new values need wider.

    A column in which no value came keeps its type; one that has no value yet takes the type that
    comes. Otherwise each value, old and new, is the same in the type that the column ends with.

    Args:
        texts: Columns that are agreed to be text: values that the table has of them become texts.
        tables: How the table is changed.
        of_list: What the rows are called in `child_tables`, if they are the items of lists.

    Raises:
        BadInputError: There is no such type.
    """
    known = {n.lower(): (n, kind) for n, kind in column_types(connection, target).items()}
    agreed = {name.lower() for name in texts}
    fitted = []
    for name, kind in column_types(connection, rows).items():
        column = quote_identifier(name)
        if name.lower() not in known:
            tables.add_column(connection, target, column, kind)
            fitted.append(FittedColumn(name, name, kind, kind))
            continue
        own_name, own_kind = known[name.lower()]
        own_column = quote_identifier(own_name)
        if kind == own_kind:
            fitted.append(FittedColumn(name, own_name, kind, kind))
        elif not _has_value(connection, rows, column):
            fitted.append(FittedColumn(name, own_name, own_kind, ""))
        elif not _has_value(connection, target, own_column):
            tables.retype(connection, target, own_column, kind, f"CAST(NULL AS {kind})")
            fitted.append(FittedColumn(name, own_name, kind, kind))
        elif kind == _TEXT and name.lower() in agreed and _is_plain(own_kind):
            using = f"CAST({own_column} AS {_TEXT})"
            tables.retype(connection, target, own_column, _TEXT, using)
            fitted.append(FittedColumn(name, own_name, _TEXT, kind, own_kind))
        else:
            old, new = _Values(target, own_column, own_kind), _Values(rows, column, kind)
            wanted = _fitting(connection, old, new)
            if not wanted:
                raise BadInputError(
                    f"The column {quoted(name)} of {shortened(target)} holds {own_kind}, and now "
                    f"came {kind}{_lost(connection, old, new)}; nothing was loaded.",
                    _for_lists(of_list, name) if of_list else _FOR_ROWS,
                )
            if wanted != own_kind:
                using = converted(own_column, own_kind, wanted)
                tables.retype(connection, target, own_column, wanted, using)
            fitted.append(FittedColumn(name, own_name, wanted, kind))
    return fitted


def _for_lists(table: str, column: str) -> str:
    """What to do about a column of the items of lists, which no inspection looks at."""
    return (
        "Cast it in transform.py, or load with `write_disposition: replace` once. If it is text "
        f"from now on, write `{shortened(column)}: {{type: text}}` into `child_tables.{table}."
        "columns` of config.yaml: what the table has of it becomes text then."
    )


@dataclass(frozen=True)
class _Values:
    """The values of one column of a relation."""

    relation: str
    column: str
    kind: str


def _has_value(connection: DuckDBPyConnection, relation: str, column: str) -> bool:
    query = f"SELECT 1 FROM {relation} WHERE {column} IS NOT NULL LIMIT 1"
    return connection.execute(query).fetchone() is not None


def _is_plain(kind: str) -> bool:
    """Whether a text shows all of a value."""
    return type_family(kind) != "nested" and kind != "BLOB"


def _fitting(connection: DuckDBPyConnection, old: _Values, new: _Values) -> str:
    """The first type that holds the old and the new values as they are; empty if none does."""
    if old.kind == _TEXT:
        # Bytes as text are escapes that nobody wrote.
        return "" if new.kind == "BLOB" else _TEXT
    for wanted in _candidates(connection, old, new):
        if all(_first_lost(connection, values, wanted) is None for values in (old, new)):
            return wanted
    return ""


def _candidates(connection: DuckDBPyConnection, old: _Values, new: _Values) -> Iterator[str]:
    families = {_family(old.kind), _family(new.kind)}
    if len(families) > 1:
        return
    if families == {"moment"} and has_zone(old.kind) != has_zone(new.kind):
        # By whose clock the others are, nobody has said.
        return
    if new.kind == _TEXT:
        # Such as a UUID's or an ENUM's: only their own texts fit.
        yield old.kind
        return
    common = column_types(
        connection,
        f"(SELECT CAST(NULL AS {old.kind}) AS v UNION ALL SELECT CAST(NULL AS {new.kind}))",
    )["v"]
    if families == {"number"}:
        yield old.kind
        yield common
        floating = [kind for kind in (old.kind, new.kind) if kind in _FLOATING]
        scales = [_scale(kind) for kind in (old.kind, new.kind)]
        yield "DOUBLE" if floating else f"DECIMAL(38,{max(scales)})"
    elif common != _TEXT:
        yield common
        yield old.kind


def _family(kind: str) -> str:
    family = type_family(kind)
    return "number" if family in ("whole", "fraction") else family


def _scale(kind: str) -> int:
    found = _DECIMAL.fullmatch(kind)
    return int(found[2]) if found else 0


def _first_lost(connection: DuckDBPyConnection, values: _Values, wanted: str) -> str | None:
    """A value that is another one, or none, in a type; None if all stay what they are."""
    if values.kind == wanted:
        return None
    there = converted(values.column, values.kind, wanted, cast="TRY_CAST")
    back = converted(there, wanted, values.kind, cast="TRY_CAST")
    row = connection.execute(
        f"SELECT CAST({values.column} AS VARCHAR) FROM {values.relation} "
        f"WHERE {values.column} IS NOT NULL "
        f"AND ({there} IS NULL OR {back} IS DISTINCT FROM {values.column}) LIMIT 1"
    ).fetchone()
    return None if row is None else str(row[0])


def _lost(connection: DuckDBPyConnection, old: _Values, new: _Values) -> str:
    """Which value would change, where the types as such go together."""
    for wanted in _candidates(connection, old, new):
        for values in (old, new):
            value = _first_lost(connection, values, wanted)
            if value is not None and wanted != old.kind:
                return f", and {shortened(value, 40)} would change in {wanted}"
    return ""
