"""A step's progress that remembers all that was counted."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.shared.step_progress import StepProgress, Work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection


class Recorder(StepProgress):
    """Remembers what was known after each count, and what a statement was watched for."""

    def __init__(self) -> None:
        self.works: list[Work] = []
        self.watched: list[Work] = []
        super().__init__()

    def begin(self, what: str = "", **totals: Any) -> None:
        super().begin(what, **totals)
        self.works.append(self.look())

    def count(self, **counted: Any) -> None:
        super().count(**counted)
        self.works.append(self.look())

    @contextmanager
    def watching(
        self, connection: DuckDBPyConnection, what: str | None = None, **totals: Any
    ) -> Iterator[None]:
        with super().watching(connection, what, **totals):
            self.watched.append(replace(self.look(), **totals))
            yield

    def told(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """The values of some fields, where one of them has become another."""
        last: tuple[Any, ...] | None = None
        for work in self.works:
            values = tuple(getattr(work, name) for name in names)
            if values != last:
                yield values
            last = values
