"""Records on their way to a table, kept on disk as JSON Lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Lines:
    """A JSON Lines file that grows; only the records being added are in memory.

    Args:
        path: The file, which is made anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        path.write_bytes(b"")

    def add(self, records: Iterable[dict[str, Any]]) -> None:
        """Append records."""
        with self.path.open("ab") as file:
            for record in records:
                text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
                file.write(text.encode("utf-8", errors="replace") + b"\n")
                self.count += 1
