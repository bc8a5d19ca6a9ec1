"""DuckDB's extensions from PyPI packages: machines without internet have no other place."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_extension(connection: DuckDBPyConnection, name: str, extra: str) -> None:
    """Load an extension from its package, ``duckdb-extension-<name>``, or where DuckDB keeps it.

    Args:
        extra: The extra of dataflow-runtime that brings the package.

    Raises:
        MissingDependencyError: There is none of this version of DuckDB.
    """
    import duckdb

    file = _packaged(name)
    try:
        connection.execute(f"LOAD {quote_literal(file) if file else name}")
    except duckdb.Error as error:
        package = f"duckdb-extension-{name.replace('_', '-')}"
        raise MissingDependencyError(
            f"DuckDB {duckdb.__version__} cannot load its extension {name}: "
            f"{' '.join(str(error).split())[:300]}",
            f"Install it: pip install 'dataflow-runtime[{extra}]'. It has to have the version of "
            f"DuckDB: {package}=={duckdb.__version__}.",
        ) from error


def _packaged(name: str) -> Path | None:
    import duckdb

    spec = find_spec(f"duckdb_extension_{name}")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "extensions" / f"v{duckdb.__version__}"
        found = next(folder.rglob(f"{name}.duckdb_extension"), None)
        if found is not None:
            return found
    return None
