"""What to do about a model that reads a column which the loaded table does not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier
from dataflow.shared.suggestion import known_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.modelling.manifest import Manifest
    from dataflow.warehouse.kind import Warehouse

# As DuckDB says it of a query, and of a list of columns that are left out.
_SAID = re.compile(r"Binder Error.*\bcolumn\b.*\bnot found\b", re.IGNORECASE | re.DOTALL)
_MOST_NAMES = 12


def advice_on_columns(
    workflow_id: str, failed: Iterable[Any], manifest: Manifest | None, warehouse: Warehouse
) -> str:
    """Which columns the loaded tables have that some models missed one in; empty if none did.

    Args:
        failed: Results of dbt, of models and tests that did not succeed.
    """
    if manifest is None:
        return ""
    sources = {
        relation
        for result in failed
        if _SAID.search(result.message or "")
        for unique_id in result.node.depends_on.nodes
        if unique_id.startswith("source.") and (relation := manifest.relation(unique_id))
    }
    said = []
    with warehouse.connect(read_only=True) as connection:
        for schema, table in sorted(sources):
            name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
            columns = [str(row[0]) for row in connection.execute(f"DESCRIBE {name}").fetchall()]
            said.append(f"{schema}.{table} has the columns {known_names(columns, _MOST_NAMES)}.")
    if not said:
        return ""
    return (
        f"{' '.join(said)} If they are right, take the others out of the model; where the source "
        f"has changed, `dataflow workflow inspect {workflow_id} --accept` does it."
    )
