"""Trying a destination of dlt's, for `dataflow env check`: whether it does all that is needed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from dataflow.warehouse.database import WarehouseError

if TYPE_CHECKING:
    from dataflow.warehouse.dlt_dbt import DltDbt
    from dataflow.warehouse.dlt_destination import DltDestination


def try_destination(destination: DltDestination, dbt: DltDbt) -> str:
    """Load a table into a dataset of its own, copy and read it, and drop the dataset.

    Returns:
        What was found.

    Raises:
        WarehouseError: The destination cannot be reached, refuses something, or gives other values.
        BadInputError: How dbt reaches it is not said.
        MissingDependencyError: A package is missing.
    """
    import duckdb

    dbt.output()
    dataset = f"dataflow_check_{secrets.token_hex(8)}"
    try:
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT 1.25::DECIMAL(9,2) AS n, 'ä' AS word")
            destination.write(dataset, "t", connection, "t")
            destination.write(dataset, "copy", connection, "(FROM t LIMIT 0)")
        with destination.open(dataset) as client:
            old, new = (client.relation(dataset, name) for name in ("t", "copy"))
            columns = ", ".join(map(client.quoted, ("n", "word")))
            client.execute(f"INSERT INTO {new} ({columns}) SELECT {columns} FROM {old}")
            found = [tuple(row) for row in client.execute(f"SELECT {columns} FROM {new}")]
            if [(str(n), word) for n, word in found] != [("1.25", "ä")]:
                raise WarehouseError(
                    f"{destination.location} gave back {found} in place of [(1.25, 'ä')].",
                    "Tell the people who keep it; nothing can be loaded there.",
                )
    finally:
        with destination.open(dataset) as client:
            client.drop(dataset)
    return f"a table was loaded, copied, read and dropped: {destination.location}"
