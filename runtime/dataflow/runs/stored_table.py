"""What a step hands to the next one: where the rows are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class StoredTable:
    """Rows that a step has written down for the next one.

    Args:
        metadata: What ``extract_data`` and ``transform_data`` say about them.
        extracted: The Parquet file of the rows as they came from the source.
        table: The table that they are for; empty for that of a workflow's only source.
        more: The other tables that the run loads.
    """

    path: str
    rows: int
    metadata: dict[str, Any] = field(default_factory=dict)
    extracted: str = ""
    table: str = ""
    more: Sequence[StoredTable] = ()

    @property
    def all(self) -> list[StoredTable]:
        """All tables that the run loads."""
        return [replace(self, more=()), *self.more]
