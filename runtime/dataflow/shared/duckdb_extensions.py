"""DuckDB's extensions: from PyPI packages where they are installed, which needs no internet."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyConnection


def load_extensions(connection: DuckDBPyConnection, names: Iterable[str], extra: str) -> None:
    """Load extensions: from the packages ``duckdb-extension-<name>``, else from DuckDB's own place.

    Args:
        extra: The extra of dataflow-runtime that installs the packages.

    Raises:
        MissingDependencyError: One is not installed, and cannot be downloaded either.
    """
    import duckdb

    for name in names:
        file = packaged_extension(name, duckdb.__version__)
        try:
            if file is not None:
                connection.execute(f"LOAD {quote_literal(file)}")
                continue
            with suppress(duckdb.Error):
                connection.execute(f"LOAD {name}")
                continue
            connection.execute(f"INSTALL {name}")
            connection.execute(f"LOAD {name}")
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise MissingDependencyError(
                f"DuckDB {duckdb.__version__} cannot load its extension {name}: {said}",
                f"Install the packages that bring it, in the same version as duckdb: pip install "
                f"'dataflow-runtime[{extra}]'. With internet, DuckDB downloads it by itself.",
            ) from error


def packaged_extension(name: str, version: str) -> Path | None:
    """The file that an extension's PyPI package has for a version of DuckDB; None if none has.

    >>> packaged_extension("no_such_extension", "1.5.5") is None
    True
    """
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder, "extensions", f"v{version}", f"{name}.duckdb_extension")
        if file.exists():
            return file
    return None
