"""A workflow's DuckDB file: opening it, waiting for it, and saying what is wrong with it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

__all__ = ["WarehouseError", "open_database", "quote"]

# Another process holds a DuckDB file for as long as it has it open; readers are quick.
_PATIENCE_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 0.05


class WarehouseError(DataflowError):
    """The warehouse file cannot be opened or written."""


def quote(name: str) -> str:
    """A table's or column's name as DuckDB reads it literally, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def open_database(path: Path, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """Open a DuckDB file in UTC, waiting a while if another process has it open.

    Args:
        path: The file; it and its folder are made if they do not exist, unless ``read_only``.
        read_only: Leave the file as it is, and let other readers in.

    Raises:
        WarehouseError: The file is held by another process, damaged, from a newer DuckDB, or
            cannot be written.
    """
    if read_only and not path.exists():
        raise WarehouseError(
            f"The warehouse file {path} does not exist.",
            f"Run the workflow first: dataflow workflow run {path.stem}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, read_only=read_only)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _connect(path: Path, *, read_only: bool) -> DuckDBPyConnection:
    import duckdb

    give_up = time.monotonic() + _PATIENCE_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise WarehouseError(
                    f"The warehouse file {path} cannot be opened: {error}",
                    "If it is damaged or was written by a newer DuckDB, restore it from a "
                    "backup, or move it away and run the workflow again.",
                ) from error
            if time.monotonic() > give_up:
                raise WarehouseError(
                    f"The warehouse file {path} is open in another program: {error}",
                    "Close that program; DuckDB lets one process write at a time.",
                ) from error
        except duckdb.Error as error:
            raise WarehouseError(
                f"The warehouse file {path} cannot be opened: {error}",
                "If it is damaged, restore it from a backup, or move it away and run again.",
            ) from error
        time.sleep(pause)
        pause = min(pause * 2, 1.0)
