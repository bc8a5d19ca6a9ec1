"""The warehouse as one run works on it: the present one, until the run writes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dataflow.warehouse.kind import dbt_output_of, is_about
from dataflow.warehouse.upstream_tables import attach_upstream_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.errors import DataflowError
    from dataflow.warehouse.kind import (
        AtomicWarehouse,
        HeldTables,
        LoadRequest,
        LoadResult,
        Warehouse,
    )


class RunWarehouse:
    """A warehouse for the steps of one run, which nobody else sees the changes of.

    A run that only reads, or ends before it writes, costs nothing.

    Args:
        visible: The warehouse as everybody sees it.
        resumes: The failed run that this one goes on from, if it does.
        upstream: The tables of other workflows that the run reads, by the ids of those.
    """

    def __init__(
        self,
        visible: AtomicWarehouse,
        run_id: str,
        resumes: str = "",
        upstream: Mapping[str, HeldTables] | None = None,
    ) -> None:
        self._visible = visible
        self._run_id = run_id
        self._resumes = resumes
        self._upstream = upstream or {}
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

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """A connection, for the run alone if it can write.

        The tables of the workflows that it comes after are there as ``<id>.<schema>.<table>``.
        """
        warehouse = self._present if read_only else self._begun
        with warehouse.connect(read_only=read_only) as connection:
            attach_upstream_tables(connection, self._upstream)
            yield connection

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a Parquet file."""
        return self._begun.load(rows, request)

    def read_watermark(self, table: str) -> Any:
        """How far the source of a table has been read."""
        return self._present.read_watermark(table)

    def dbt_variables(self) -> Mapping[str, str]:
        """Where dbt finds what the run works on."""
        return self._begun.dbt_variables()

    def dbt_output(self) -> Mapping[str, Any] | None:
        """How dbt reaches it, where the workflow's own profile does not say."""
        return dbt_output_of(self._begun)

    def on_its_own(self) -> Warehouse:
        """What the run works on, without what is attached for it."""
        return self._begun

    def fault(self, said: str) -> DataflowError:
        """What an error about it means."""
        return (self._own or self._visible).fault(said)

    def is_about(self, said: str) -> bool:
        """Whether an error is about it."""
        return is_about(self._own or self._visible, said)
