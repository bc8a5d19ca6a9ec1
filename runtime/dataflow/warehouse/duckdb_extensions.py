"""DuckDB's extensions: from PyPI packages where they are installed, which needs no internet."""

from __future__ import annotations

import shutil
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyConnection

# What DuckDB calls the function by which it loads an extension is made of the file's name, and
# this one's package names the file otherwise.
_FILE_NAMES = {"postgres": "postgres_scanner"}


def load_extensions(
    connection: DuckDBPyConnection, names: Iterable[str], cache: Path, extra: str
) -> None:
    """Load extensions: from the packages ``duckdb-extension-<name>``, else from DuckDB's own place.

    Args:
        cache: A folder of this machine that may be deleted at any time.
        extra: The extra of dataflow-runtime that installs the packages.

    Raises:
        MissingDependencyError: One is not installed, and cannot be downloaded either.
    """
    import duckdb

    for name in names:
        file = _packaged(name, duckdb.__version__, cache)
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


def _packaged(name: str, version: str, cache: Path) -> Path | None:
    """The file in the extension's package that is for this DuckDB, under the name it must have."""
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder, "extensions", f"v{version}", f"{name}.duckdb_extension")
        if not file.exists():
            continue
        if name not in _FILE_NAMES:
            return file
        # Of another environment's package it would be another file.
        named = cache / f"v{version}" / f"{_FILE_NAMES[name]}.duckdb_extension"
        if named.is_symlink() and named.resolve() == file.resolve():
            return named
        is_copy = named.is_file() and not named.is_symlink()
        if is_copy and named.stat().st_size == file.stat().st_size:
            return named
        named.parent.mkdir(parents=True, exist_ok=True)
        aside = named.with_suffix(".new")
        aside.unlink(missing_ok=True)
        try:
            aside.symlink_to(file)
        except OSError:
            shutil.copyfile(file, aside)
        aside.replace(named)
        return named
    return None
