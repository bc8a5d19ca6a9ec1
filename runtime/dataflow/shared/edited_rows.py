"""Rows that stages have left out of a file or added columns to, and that no one has written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.lazy_rows import LazyRows

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.edited_file import EditedFile


class EditedRows(LazyRows):
    """`LazyRows` of an edited file: whoever asks for a row, or for a file, has them written.

    Counting them, and their names, writes nothing.

    Args:
        edited: What is done to which file.
        columns: The names of all columns.
        target: The file that they are written into when somebody asks.
    """

    def __init__(self, edited: EditedFile, columns: list[str], target: Path) -> None:
        super().__init__(target)
        self._edited: EditedFile | None = edited
        self._names = columns
        self._rows = edited.rows
        self._target = target

    @property
    def unwritten(self) -> EditedFile | None:
        """What makes these rows of which file; None once they are in a file of their own."""
        return self._edited

    def __deepcopy__(self, memo: object) -> LazyRows:
        # Frameworks copy what nobody has taken a row of yet.
        return self if self._edited is not None else super().__deepcopy__(memo)

    @property
    def _file(self) -> Path:
        """The file of these rows, which is written now if it was not before.

        Raises:
            TableFileError: It cannot be.
        """
        if self._edited is not None:
            edited = self._edited
            edited.write(self._target)
            self._edited = None
            if edited.left_out is not None:
                edited.left_out.unlink(missing_ok=True)
        return self._target

    @property
    def column_names(self) -> list[str]:
        """The columns' names."""
        return self.schema.names if self._changes else list(self._names)

    def __len__(self) -> int:
        return self._rows
