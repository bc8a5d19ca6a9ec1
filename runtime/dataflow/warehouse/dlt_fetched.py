"""Files of rows that are fetched from a destination of dlt's when DuckDB first reads them.

DuckDB has no tables that ask a Python function, but it reads files of a file system that is written
in Python. So each table is a file of one, which is fetched when it is opened, once; every cursor of
the connection sees it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Fetch = Callable[[Path], None]

_numbers = count(1)


def fetched_files() -> Any:
    """A file system without files, to be registered on one DuckDB connection."""
    return _file_system()()


@cache
def _file_system() -> type[Any]:
    """The class, made when it is first asked for: fsspec need not be there for other warehouses."""
    import fsspec

    class FetchedFiles(fsspec.AbstractFileSystem):  # type: ignore[misc]
        """Files that are fetched when they are opened, from the moment on that they may be.

        DuckDB reads a file's columns when a view on it is made: until then they are without rows.
        """

        cachable = False

        def __init__(self) -> None:
            super().__init__()
            self.protocol = f"dltrows{next(_numbers)}"
            self.is_open = False
            self._folder = TemporaryDirectory(prefix="dataflow-rows-")
            self._fetches: list[tuple[pa.Schema, Fetch]] = []
            self._there: dict[int, Path] = {}
            self._lock = Lock()

        def add(self, schema: pa.Schema, fetch: Fetch) -> str:
            """A new file; its address.

            Args:
                fetch: Writes it to a path.
            """
            self._fetches.append((schema, fetch))
            return f"{self.protocol}://{len(self._fetches) - 1}.parquet"

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            """How large it is, which has to be known before it is read."""
            return {"name": path, "size": self._file(path).stat().st_size, "type": "file"}

        def exists(self, path: str, **_: Any) -> bool:
            """Whether it was added."""
            del path
            return True

        def glob(self, path: str, **_: Any) -> list[str]:
            """No name stands for several."""
            return [path]

        def modified(self, path: str) -> datetime:
            """One time before the rows are there, another one afterwards."""
            del path
            return datetime.fromtimestamp(2 if self.is_open else 1, UTC)

        def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
            del mode
            return self._file(path).open("rb")

        def _file(self, path: str) -> Path:
            import pyarrow.parquet as pq

            number = int(Path(path.partition("://")[2] or path).stem)
            schema, fetch = self._fetches[number]
            if not self.is_open:
                empty = Path(self._folder.name) / f"{number}.empty"
                pq.write_table(schema.empty_table(), empty)
                return empty
            with self._lock:
                if number not in self._there:
                    full = Path(self._folder.name) / f"{number}.parquet"
                    fetch(full)
                    self._there[number] = full
            return self._there[number]

    return FetchedFiles
