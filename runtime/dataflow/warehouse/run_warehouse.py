"""The warehouse as one run works on it: the present one, until the run writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.errors import DataflowError
    from dataflow.warehouse.kind import AtomicWarehouse, LoadRequest, LoadResult, Warehouse


class RunWarehouse:
    """A warehouse for the steps of one run, which nobody else sees the changes of.

    A run that only reads, or ends before it writes, costs nothing.

    Args:
        visible: The warehouse as everybody sees it.
        resumes: The failed run that this one goes on from, if it does.
    """

    def __init__(self, visible: AtomicWarehouse, run_id: str, resumes: str = "") -> None:
        self._visible = visible
        self._run_id = run_id
        self._resumes = resumes
        self._own: Warehouse | None = None

    @property
    def _present(self) -> Warehouse:
        """What the run has written, or what it would write on."""
        # A run that another one takes up, or another process of it, may have begun.
        if self._own is None and (self._resumes or self._visible.unfinished(self._run_id)):
            return self._begun
        return self._own or self._visible

    @property
    def _begun(self) -> Warehouse:
        if self._own is None:
            self._own = self._visible.begin(self._run_id, self._resumes)
        return self._own

    @property
    def location(self) -> str:
        """Where the run works."""
        return (self._own or self._visible).location

    def exists(self) -> bool:
        """Whether a run, or this one, has made it yet."""
        return self._present.exists()

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[DuckDBPyConnection]:
        """A connection, for the run alone if it can write."""
        return (self._present if read_only else self._begun).connect(read_only=read_only)

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file."""
        return self._begun.load(rows, request)

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        return self._present.read_watermark(table)

    def dbt_variables(self) -> Mapping[str, str]:
        """Where dbt finds what the run works on."""
        return self._begun.dbt_variables()

    def fault(self, said: str) -> DataflowError:
        """What an error about it means."""
        return (self._own or self._visible).fault(said)
