"""A workflow's DuckDB file: opening it, waiting for it, and saying what is wrong with it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

# Another process holds a DuckDB file for as long as it has it open; readers are quick.
_PATIENCE_SECONDS = 20.0
# Beside a warehouse file: the copies that runs work on, and earlier states.
STATES_FOLDER = ".runs"
_FIRST_PAUSE_SECONDS = 0.05
# What DuckDB and the operating system say, and what a person does about it. The first that fits.
_REMEDIES = (
    (
        ("No space left", "Disk quota exceeded", "File too large"),
        "Free disk space and run again; the tables are as they were.",
    ),
    (
        ("Out of Memory", "could not allocate", "failed to allocate"),
        "Give the machine more memory or load fewer rows at a time; the tables are as they were.",
    ),
    (
        ("Read-only file system", "Permission denied", "Operation not permitted"),
        "Make the file and its folder writable for whoever runs the workflow.",
    ),
    (
        ("different configuration",),
        "This process has it open for writing: close every connection before a step ends.",
    ),
    (
        ("version number",),
        "Use the version of DuckDB that wrote it, or move the file away and run again.",
    ),
)
_DAMAGED = "If it is damaged, restore it from a backup, or move it away and run the workflow again."


class WarehouseError(DataflowError):
    """The warehouse file cannot be opened or written.

    Why: Tables are in a DuckDB file, which one process writes at a time, or in a database or a
    lake; it is held by another program, damaged, full, or cannot be reached.

    What to do: Close the program that holds the file (DuckDB's command line does, unless told
    `-readonly`). Of a damaged file an earlier state is kept: move the file away, then `dataflow
    workflow restore NAME --run RUN`.
    """


def warehouse_fault(path: Path, error: Exception | str) -> WarehouseError:
    """What an error of DuckDB that is about the file, not about a statement, means for a person.

    ``error`` is what DuckDB or the operating system raised, or said.
    """
    known = known_file(path)
    text = " ".join(str(error).split()).replace(str(path), str(known))
    fitting = (
        remedy for signs, remedy in _REMEDIES if any(sign.lower() in text.lower() for sign in signs)
    )
    return WarehouseError(
        f"Working with the warehouse file {known} failed: {text}", next(fitting, _DAMAGED)
    )


def known_file(path: Path) -> Path:
    """The file that people know, of a copy that a run works on; else the path itself.

    What is wrong with the copy is wrong with the file, and there it is put right.
    """
    is_copy = len(path.parents) > 3 and path.parents[2].name == STATES_FOLDER
    return path.parents[3] / path.name if is_copy else path


@contextmanager
def open_database(path: Path, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """Open a DuckDB file in UTC, waiting a while if another process has it open.

    Args:
        path: The file; it and its folder are made if they do not exist, unless ``read_only``.
        read_only: Leave the file as it is, and let other readers in.

    Raises:
        WarehouseError: The file is held by another process, damaged, from a newer DuckDB, or
            cannot be written; also when that shows only while it is used.
    """
    import duckdb

    if read_only and not path.exists():
        raise WarehouseError(
            f"The warehouse file {path} does not exist.",
            f"Run the workflow first: dataflow workflow run {path.stem}",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise warehouse_fault(path, error) from error
    connection = _connect(path, read_only=read_only)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        limit_memory(connection)
        yield connection
    except (
        duckdb.IOException,
        duckdb.FatalException,
        duckdb.InternalException,
        duckdb.OutOfMemoryException,
        duckdb.SerializationException,
    ) as error:
        raise warehouse_fault(path, error) from error
    finally:
        connection.close()


def _connect(path: Path, *, read_only: bool) -> DuckDBPyConnection:
    import duckdb

    give_up = time.monotonic() + _PATIENCE_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.Error as error:
            if "Could not set lock" not in str(error):
                raise warehouse_fault(path, error) from error
            if time.monotonic() > give_up:
                raise WarehouseError(
                    f"The warehouse file {path} is open in another program: {error}",
                    "Close that program; DuckDB lets one process write at a time.",
                ) from error
        time.sleep(pause)
        pause = min(pause * 2, 1.0)
