"""What dbt's tests warn of, told by the values that they met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.warehouse.kind import Warehouse

_MOST_VALUES = 5


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
