"""Rows that a step finds in a file, and that are read only if somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from dataflow.shared.tables import read_table

_ROWS = "data"


class StoredRows(dict[str, Any]):
    """The dict that ``transform_data`` gets, whose ``"data"`` is read from a file on first use.

    It behaves as a plain dict with an Arrow table in it. What works on the file itself, as the
    built-in stages can, never holds the rows in memory. ``write_parquet`` or DuckDB wrote it.
    """

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        super().__init__({_ROWS: None, "metadata": metadata})
        self._path: Path | None = path
        self._is_read = False

    @property
    def path(self) -> Path | None:
        """The file that has exactly the rows, or None once other rows have taken their place."""
        return self._path

    def count(self) -> int:
        """How many rows the file has."""
        import pyarrow.parquet as pq

        if self._path is None:
            raise ValueError("These rows have no file.")
        with pq.ParquetFile(str(self._path)) as file:
            return int(file.metadata.num_rows)

    def _read(self) -> None:
        if not self._is_read and self._path is not None:
            super().__setitem__(_ROWS, read_table(self._path))
            self._is_read = True

    def _part(self) -> None:
        """Before a change: what happens to the dict no longer concerns the file."""
        self._read()
        self._path = None

    def __getitem__(self, key: str) -> Any:
        if key == _ROWS:
            self._read()
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        # Being there makes `dict(rows)` and `{**rows}` ask `__getitem__` instead of copying.
        return super().__iter__()

    def copy(self) -> dict[str, Any]:
        """As for any dict."""
        return dict(self)

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)

    def __eq__(self, other: object) -> bool:
        self._read()
        return super().__eq__(other)

    __hash__ = None

    def __repr__(self) -> str:
        self._read()
        return super().__repr__()

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == _ROWS:
            self._part()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        if key == _ROWS:
            self._part()
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    # Those of any mapping go through the methods above; a dict's own go past them.
    get = MutableMapping.get  # type: ignore[assignment]
    items = MutableMapping.items  # type: ignore[assignment]
    values = MutableMapping.values  # type: ignore[assignment]
    update = MutableMapping.update
    setdefault = MutableMapping.setdefault
    pop = MutableMapping.pop

    def popitem(self) -> tuple[str, Any]:
        """As for any dict."""
        self._part()
        return super().popitem()

    def clear(self) -> None:
        """As for any dict."""
        self._part()
        super().clear()
