"""What a step hands to the next one: where the rows are."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataflow.shared.edited_file import EditedFile

_PATH = "path"


@dataclass(frozen=True, repr=False)
class StoredTable:
    """Rows that a step has written down for the next one.

    Args:
        path: A Parquet file of them. If they are those of another file, edited, it is written when
            somebody asks for its path.
        metadata: What ``extract_data`` and ``transform_data`` say about them.
        extracted: The Parquet file of the rows as they came from the source.
        table: The table that they are for; empty for that of a workflow's only source.
        more: The other tables that the run loads.
        edited: What makes these rows of another file, as long as ``path`` is not there.
    """

    path: str
    rows: int
    metadata: dict[str, Any] = field(default_factory=dict)
    extracted: str = ""
    table: str = ""
    more: Sequence[StoredTable] = ()
    edited: EditedFile | None = field(default=None, compare=False)

    @property
    def all(self) -> list[StoredTable]:
        """All tables that the run loads."""
        return [self.changed(more=()), *self.more]

    @property
    def place(self) -> Path:
        """The file of the rows, which need not be there yet."""
        return Path(self.__dict__[_PATH])

    @property
    def unwritten(self) -> EditedFile | None:
        """What makes these rows of which file; None if they are in a file of their own.

        Whoever has that file may have changed it: it is what counts from then on.
        """
        return None if self.edited is None or self.place.exists() else self.edited

    def changed(self, **changes: Any) -> StoredTable:
        """The same with other values of some fields; nothing is written for it."""
        other = copy.copy(self)
        other.__dict__.update(changes)
        return other

    def __getattribute__(self, name: str) -> Any:
        if name == _PATH and (edited := self.unwritten) is not None:
            edited.write(self.place)
        return super().__getattribute__(name)

    def __repr__(self) -> str:
        return f"StoredTable({self.place}, {self.rows:,} rows)"
