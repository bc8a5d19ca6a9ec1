"""What dbt's tests warn of or fail by, told by the values that they met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.warehouse.kind import Warehouse

_MOST_VALUES = 5
_MOST_COLUMNS = 8


def told_warnings(warehouse: Warehouse, results: Iterable[Any]) -> list[str]:
    """One sentence for each of dbt's results that is a warning.

    Of tests that values did not pass, the values are looked up in the tables that dbt has built.
    """
    warned = [result for result in results if result.status == "warn"]
    if not warned:
        return []
    import duckdb

    told = []
    with warehouse.connect(read_only=True) as connection:
        for result in warned:
            sentence = ""
            query = getattr(result.node, "compiled_code", None)
            if query:
                try:
                    rows = connection.sql(query).limit(_MOST_VALUES).fetchall()
                    sentence = _sentence(result, rows)
                except duckdb.Error:
                    # Dbt's own words are left.
                    sentence = ""
            told.append(sentence or f"{result.node.name}: {result.message}")
    return told


def values_of_failures(warehouse: Warehouse, results: Iterable[Any]) -> dict[str, str]:
    """What tests that failed have found, by the unique ids of the tests.

    Of tests that dbt could not make nothing is known.
    """
    failed = [
        (result, query)
        for result in results
        if result.status == "fail" and (query := getattr(result.node, "compiled_code", None))
    ]
    if not failed:
        return {}
    import duckdb

    told: dict[str, str] = {}
    with warehouse.connect(read_only=True) as connection:
        for result, query in failed:
            try:
                found = connection.sql(query).limit(_MOST_VALUES)
                columns, rows = found.columns, found.fetchall()
            except duckdb.Error:
                continue
            sentence = _sentence(result, rows) or _first_row(columns, rows)
            if sentence:
                told[result.node.unique_id] = sentence
    return told


def _first_row(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """The first row that a query of the author's has found."""
    if not rows:
        return ""
    shown = ", ".join(
        f"{name} = {quoted(value)}"
        for name, value in list(zip(columns, rows[0], strict=True))[:_MOST_COLUMNS]
    )
    more = ", ..." if len(columns) > _MOST_COLUMNS else ""
    return f"The first row found: {shown}{more}."


def _sentence(result: Any, rows: list[tuple[Any, ...]]) -> str:
    """What a test of dbt's own met; empty for others, which dbt describes."""
    test: Any = getattr(result.node, "test_metadata", None)
    column = (getattr(test, "kwargs", None) or {}).get("column_name")
    model = str(getattr(result.node, "attached_node", "") or "").rpartition(".")[2]
    if not column or not rows:
        return ""
    where = f"{column} of {model}" if model else str(column)
    if test.name == "not_null":
        return f"{where} has no value in {_rows(result.failures or len(rows))} (not_null)."
    if test.name not in ("accepted_values", "unique"):
        return ""
    values = ", ".join(f"{quoted(value)} in {_rows(count)}" for value, count in rows)
    more = " and more" if (result.failures or 0) > len(rows) else ""
    what = "has new values" if test.name == "accepted_values" else "has values more than once"
    return f"{where} {what}: {values}{more} ({test.name})."


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
