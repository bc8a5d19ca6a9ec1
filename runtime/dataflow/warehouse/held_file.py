"""A DuckDB file of one workflow as the runs of another one read it.

A run of `b` reads the tables of `a` in a file of its own, ``data/.runs/b/upstream/a.duckdb``: a
second name of the file that the last good run of `a` has left, which costs nothing. When a run of
`a` puts another file in its place meanwhile, this one stays. The path is the same for each run,
since dbt parses all models anew when it changes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.database import open_database, warehouse_fault
from dataflow.warehouse.file_copy import copy_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class HeldFile:
    """A DuckDB file that is read under a name of its own.

    Args:
        path: That name; the file need not be there.
        live: The file as everybody sees it; None where the tables need no holding.
        is_replaced: Whether that file is only ever replaced whole, not written in place.
    """

    path: Path
    live: Path | None = None
    is_replaced: bool = True

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def hold(self) -> None:
        """Give the live file, as it is now, the other name too."""
        if self.live is None:
            return
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise warehouse_fault(self.path, error) from error
        if not self.live.exists():
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _hold(self.live, self.path, is_replaced=self.is_replaced)
        except OSError as error:
            raise warehouse_fault(self.live, error) from error

    def release(self) -> None:
        """Take the other name away, with the folder, which one run has for all that it reads."""
        if self.live is not None:
            shutil.rmtree(self.path.parent, ignore_errors=True)

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Attach the file for reading."""
        connection.execute(
            f"ATTACH IF NOT EXISTS {quote_literal(self.path)} AS {quote_identifier(name)} "
            "(READ_ONLY)"
        )

    def connect(self) -> AbstractContextManager[DuckDBPyConnection]:
        """Open the file for reading."""
        return open_database(self.path, read_only=True)

    def dbt_attachment(self, name: str) -> dict[str, Any]:
        """What dbt-duckdb attaches."""
        return {"path": str(self.path), "alias": quote_identifier(name), "read_only": True}


def _hold(live: Path, target: Path, *, is_replaced: bool) -> None:
    resolved = live.resolve()
    if any(path.with_name(f"{path.name}.wal").exists() for path in (live, resolved)):
        # What a writer that was killed has left belongs into the file.
        with open_database(live) as connection:
            connection.execute("CHECKPOINT")
    if is_replaced:
        try:
            os.link(resolved, target)
        except OSError:
            # This file system has no hard links, or the two are on different ones.
            pass
        else:
            return
    # While it is open for reading, nobody can write it.
    with open_database(live, read_only=True):
        copy_file(resolved, target)
