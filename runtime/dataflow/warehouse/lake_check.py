"""Trying a lake: whether its catalog, its store and DuckDB's extensions do what they are to."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.warehouse.lake_files import remove_unnamed
from dataflow.warehouse.lake_place import open_lake

if TYPE_CHECKING:
    from dataflow.warehouse.lake_database import LakeDatabase
    from dataflow.warehouse.lake_place import LakePlace

# A store tells whole seconds.
_AT_ONCE = -2.0


def try_lake(place: LakePlace, database: LakeDatabase | None) -> str:
    """Make a table in a catalog of its own, read it, and remove all of it.

    Args:
        place: Where a lake would be; another catalog and another folder beside it are used.
        database: That of the catalog; None if it is a file.

    Returns:
        What was found.

    Raises:
        WarehouseError: Something cannot be reached or is refused.
        MissingDependencyError: An extension of DuckDB is missing.
    """
    name = f"dataflow_check_{secrets.token_hex(8)}"
    metadata = place.metadata if database else f"{place.metadata}.{name}"
    own = replace(
        place,
        metadata=metadata,
        schema=name if database else "",
        data=f"{place.data.rstrip('/')}.{name}/",
    )
    try:
        with open_lake(own, "lake_check") as connection:
            connection.execute("CREATE TABLE main.t AS SELECT 1 AS n")
            connection.execute("SELECT n FROM main.t").fetchall()
    finally:
        _remove(own, database)
    return f"a table was made, read and removed: {place.shown}"


def _remove(own: LakePlace, database: LakeDatabase | None) -> None:
    if database is None:
        Path(own.metadata).unlink(missing_ok=True)
    else:
        with database.open() as connection:
            connection.execute(f'DROP SCHEMA IF EXISTS "{own.schema}" CASCADE'.encode())
    remove_unnamed(own, set(), _AT_ONCE)
    if not own.is_in_store:
        folder = Path(own.data)
        for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
            if path.is_dir():
                path.rmdir()
