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


@dataclass(frozen=True)
class StoredTable:
    """Rows that a step has written down for the next one.

    Args:
        path: A Parquet file of them. If they are those of another file, edited, it is written when
            somebody asks for its path.
        metadata: What ``extract_data`` and ``transform_data`` say about them.
        extracted: The Parquet file of the rows as they came from the source.
        table: The table that they are for; empty for that of a workflow's only source.
        more: The other tables that the run loads.
    """

    path: str = field(repr=False)
    rows: int
    metadata: dict[str, Any] = field(default_factory=dict)
    extracted: str = ""
    table: str = ""
    more: Sequence[StoredTable] = ()
    # Not handed on by `dataclasses.replace`, which has asked for the path.
    _edited: EditedFile | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def all(self) -> list[StoredTable]:
        """All tables that the run loads."""
        return [changed(self, more=()), *self.more]

    def __getattribute__(self, name: str) -> Any:
        if name == _PATH and (edited := unwritten_rows(self)) is not None:
            edited.write(place_of(self))
        return super().__getattribute__(name)


def place_of(stored: StoredTable) -> Path:
    """The file of the rows, which need not be there yet."""
    return Path(stored.__dict__[_PATH])


def unwritten_rows(stored: StoredTable) -> EditedFile | None:
    """What makes the rows of which file; None if they are in a file of their own.

    Whoever has that file may have changed it: it is what counts from then on.
    """
    edited = stored._edited
    return None if edited is None or place_of(stored).exists() else edited


def edited_table(stored: StoredTable, edited: EditedFile) -> StoredTable:
    """A table whose rows are made of another file as long as its own is not there."""
    return changed(stored, _edited=edited)


def changed(stored: StoredTable, **changes: Any) -> StoredTable:
    """A table with other values of some fields; nothing is written for it."""
    other = copy.copy(stored)
    other.__dict__.update(changes)
    return other
