"""Records on their way to a table, kept on disk as JSON Lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["write_lines"]


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> int:
    """Append records to a JSON Lines file.

    Args:
        path: The file; made if it is not there.
        records: What to write; held one at a time.

    Returns:
        How many there were.
    """
    count = 0
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
            file.write("\n")
            count += 1
    return count
