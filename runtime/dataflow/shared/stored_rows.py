"""Rows that a step finds in a file, and that are read only if somebody asks for them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
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

    def get(self, key: str, default: Any = None) -> Any:
        """As for any dict."""
        if key == _ROWS:
            self._read()
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        # Being there makes `dict(rows)` and `{**rows}` ask `__getitem__` instead of copying.
        return super().__iter__()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """As for any dict."""
        self._read()
        return super().items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """As for any dict."""
        self._read()
        return super().values()

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

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As for any dict."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As for any dict."""
        self._read()
        return super().setdefault(key, default)

    def pop(self, *args: Any) -> Any:
        """As for any dict."""
        if args[:1] == (_ROWS,):
            self._part()
        return super().pop(*args)

    def popitem(self) -> tuple[str, Any]:
        """As for any dict."""
        self._part()
        return super().popitem()

    def clear(self) -> None:
        """As for any dict."""
        self._part()
        super().clear()
