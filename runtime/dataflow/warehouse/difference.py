"""What changed between two states of a workflow's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dataflow.shared.sql import count_rows, quote_identifier, quote_literal, type_family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from duckdb import DuckDBPyConnection

# The library's own tables: what was loaded, and how far sources were read.
_OWN_SCHEMA = "dataflow"
_KEYS_SHOWN = 5
_STATES = ("before", "after")


@dataclass(frozen=True)
class TableDifference:
    """What changed in one table or view, as an object of JSON.

    Args:
        table: Schema and name.
        status: ``new``, ``gone``, ``changed`` or ``same``.
        rows_before: Its rows; ``None`` if it was not there, or is a view.
        rows_after: Likewise.
        columns_added: With their types, such as ``discount DOUBLE``.
        columns_gone: Likewise.
        columns_retyped: Such as ``amount INTEGER -> DOUBLE``.
        query_changed: Whether a view asks something else.
        key: The columns by which rows were told apart; empty if by all of their values.
        added: Rows that are new; ``None`` for a view.
        gone: Rows that are no longer there.
        changed: Rows of the same key with other values; ``None`` without a key.
        changed_by_column: Of those, how many differ in each column, where any does.
        keys: The first few keys of added, gone and changed rows.
        not_compared: Columns in both that were left out.
    """

    table: str
    status: str
    rows_before: int | None = None
    rows_after: int | None = None
    columns_added: list[str] = field(default_factory=list)
    columns_gone: list[str] = field(default_factory=list)
    columns_retyped: list[str] = field(default_factory=list)
    query_changed: bool = False
    key: list[str] = field(default_factory=list)
    added: int | None = None
    gone: int | None = None
    changed: int | None = None
    changed_by_column: dict[str, int] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    not_compared: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Relation:
    columns: dict[str, str]
    query: str

    @property
    def is_view(self) -> bool:
        return bool(self.query)


def compare_states(
    connection: DuckDBPyConnection,
    keys: Callable[[str], Sequence[Sequence[str]]],
    ignored: Iterable[str] = (),
) -> list[TableDifference]:
    """Compare all tables of the catalogs ``before`` and ``after``.

    A view is a question to other tables: of it only the columns are compared.

    Args:
        keys: Given a table, which columns may be its key, the likeliest first; of those that
            identify each row in both states the first is taken.
        ignored: Columns whose values change with each run.

    Returns:
        Every table, in the order of their names.
    """
    before, after = _relations(connection, "before"), _relations(connection, "after")
    found = []
    for table in sorted(before | after):
        old, new = before.get(table), after.get(table)
        if old is not None and new is not None:
            found.append(_compare(connection, table, (old, new), keys(table), ignored))
            continue
        before_rows, after_rows = (
            None if relation is None or relation.is_view else _count(connection, state, table)
            for state, relation in zip(_STATES, (old, new), strict=True)
        )
        status = "new" if old is None else "gone"
        found.append(TableDifference(table, status, before_rows, after_rows))
    return found


def _relations(connection: DuckDBPyConnection, catalog: str) -> dict[str, _Relation]:
    views = dict(
        connection.execute(
            "SELECT schema_name || '.' || view_name, sql FROM duckdb_views() "
            f"WHERE database_name = {quote_literal(catalog)} AND NOT internal"
        ).fetchall()
    )
    columns = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        f"WHERE database_name = {quote_literal(catalog)} AND NOT internal "
        f"AND schema_name != {quote_literal(_OWN_SCHEMA)} ORDER BY column_index"
    ).fetchall()
    found: dict[str, _Relation] = {}
    for table, column, kind in columns:
        # A lake's views are told with the name of the catalog that it is attached as.
        query = re.sub(rf"\b{re.escape(catalog)}\.(?=\S+\.)", "", views.get(table, ""))
        relation = found.setdefault(table, _Relation({}, query))
        relation.columns[column] = kind
    return found


def _compare(
    connection: DuckDBPyConnection,
    table: str,
    relations: tuple[_Relation, _Relation],
    keys: Sequence[Sequence[str]],
    ignored: Iterable[str],
) -> TableDifference:
    old, new = relations
    in_both = [name for name in new.columns if name in old.columns]
    found = TableDifference(
        table,
        "same",
        columns_added=[f"{n} {t}" for n, t in new.columns.items() if n not in old.columns],
        columns_gone=[f"{n} {t}" for n, t in old.columns.items() if n not in new.columns],
        columns_retyped=[
            f"{name} {old.columns[name]} -> {new.columns[name]}"
            for name in in_both
            if old.columns[name] != new.columns[name]
        ],
        query_changed=old.query != new.query,
    )
    if not (old.is_view or new.is_view):
        key = next((list(k) for k in keys if _identifies(connection, table, k, relations)), [])
        skipped = [name for name in in_both if name in set(ignored) and name not in key]
        values = {
            name: _comparable(name, old.columns[name], new.columns[name])
            for name in in_both
            if name not in skipped
        }
        rows = (
            _by_key(connection, table, key, values) if key else _by_row(connection, table, values)
        )
        found = replace(
            found,
            rows_before=_count(connection, "before", table),
            rows_after=_count(connection, "after", table),
            key=key,
            added=rows.added,
            gone=rows.gone,
            changed=rows.changed,
            changed_by_column=rows.by_column,
            keys=rows.keys,
            not_compared=skipped,
        )
    is_changed = (
        *(found.columns_added, found.columns_gone, found.columns_retyped, found.query_changed),
        *(found.added, found.gone, found.changed),
    )
    return replace(found, status="changed") if any(is_changed) else found


@dataclass(frozen=True)
class _Rows:
    added: int
    gone: int
    changed: int | None = None
    by_column: dict[str, int] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)


def _identifies(
    connection: DuckDBPyConnection,
    table: str,
    key: Sequence[str],
    relations: tuple[_Relation, _Relation],
) -> bool:
    """Whether columns are there, filled, and different for each row, in both states."""
    if not key or any(name not in one.columns for name in key for one in relations):
        return False
    if any(relations[0].columns[name] != relations[1].columns[name] for name in key):
        return False
    names = ", ".join(map(quote_identifier, key))
    filled = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in key)
    for state in _STATES:
        rows, distinct = _row(
            connection,
            f"SELECT count(*), count(DISTINCT ({names})) FILTER ({filled}) "
            f"FROM {_name(state, table)}",
        )
        if rows != distinct:
            return False
    return True


def _comparable(name: str, old: str, new: str) -> str:
    """A column as an expression that can be compared between the states."""
    column = quote_identifier(name)
    families = {type_family(old), type_family(new)}
    if old == new or families <= {"whole", "fraction"}:
        return column
    return f"CAST({column} AS VARCHAR)"


def _by_key(
    connection: DuckDBPyConnection, table: str, key: list[str], values: dict[str, str]
) -> _Rows:
    def selected(state: str, mark: str) -> str:
        names = ", ".join(f"{quote_identifier(n)} AS k{i}" for i, n in enumerate(key))
        others = "".join(f", {values[n]} AS v{i}" for i, n in enumerate(compared))
        return f"(SELECT true AS here, {names}{others} FROM {_name(state, table)}) AS {mark}"

    compared = [name for name in values if name not in key]
    same = " AND ".join(f"a.k{i} = b.k{i}" for i in range(len(key)))
    differs = [f"a.v{i} IS DISTINCT FROM b.v{i}" for i in range(len(compared))]
    is_changed = f"(b.here AND a.here AND ({' OR '.join(differs) or 'false'}))"
    wheres = {"added": "b.here IS NULL", "gone": "a.here IS NULL", "changed": is_changed}
    joined = f"{selected('before', 'b')} FULL JOIN {selected('after', 'a')} ON {same}"
    counted = [f"count(*) FILTER ({where})" for where in wheres.values()]
    counted += [f"count(*) FILTER (b.here AND a.here AND {one})" for one in differs]
    added, gone, changed, *by_column = _row(
        connection, f"SELECT {', '.join(counted)} FROM {joined}"
    )
    shown = " || ', ' || ".join(
        f"CAST(coalesce(a.k{i}, b.k{i}) AS VARCHAR)" for i in range(len(key))
    )
    order = ", ".join(f"coalesce(a.k{i}, b.k{i})" for i in range(len(key)))
    keys = {
        what: [
            str(text)
            for (text,) in connection.execute(
                f"SELECT {shown} FROM {joined} WHERE {where} ORDER BY {order} LIMIT {_KEYS_SHOWN}"
            ).fetchall()
        ]
        for (what, where), count in zip(wheres.items(), (added, gone, changed), strict=True)
        if count
    }
    counts = {name: count for name, count in zip(compared, by_column, strict=True) if count}
    return _Rows(added, gone, changed, counts, keys)


def _by_row(connection: DuckDBPyConnection, table: str, values: dict[str, str]) -> _Rows:
    """Rows that one state has more often than the other."""
    if not values:
        before, after = (_count(connection, state, table) for state in _STATES)
        return _Rows(max(after - before, 0), max(before - after, 0))
    names = ", ".join(values.values())
    old, new = (f"SELECT {names} FROM {_name(state, table)}" for state in _STATES)
    (added,) = _row(connection, f"SELECT count(*) FROM ({new} EXCEPT ALL {old})")
    (gone,) = _row(connection, f"SELECT count(*) FROM ({old} EXCEPT ALL {new})")
    return _Rows(added, gone)


def _count(connection: DuckDBPyConnection, state: str, table: str) -> int:
    return count_rows(connection, _name(state, table))


def _name(catalog: str, table: str) -> str:
    schema, _, name = table.partition(".")
    return f"{catalog}.{quote_identifier(schema)}.{quote_identifier(name)}"


def _row(connection: DuckDBPyConnection, query: str) -> tuple[int, ...]:
    found = connection.execute(query).fetchone()
    return tuple(found) if found else ()
