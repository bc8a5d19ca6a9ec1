"""A CSV file as Python's dicts, without repetitions and with the time."""

import csv
from datetime import UTC, datetime
from pathlib import Path

KINDS = {"id": int, "created_at": datetime.fromisoformat, "quantity": int, "amount": float}


def read(path):
    """All rows, each value in its type."""
    with Path(path).open(newline="") as file:
        return [
            {name: KINDS.get(name, str)(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def clean(rows):
    """One of each row, with the time."""
    seen, kept, now = set(), [], datetime.now(UTC)
    for row in rows:
        key = tuple(row.values())
        if key not in seen:
            seen.add(key)
            kept.append({**row, "processed_at": now})
    return kept
