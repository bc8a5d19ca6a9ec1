"""What is known of a workflow's tables in a destination of dlt's: one document, which is replaced.

Not every destination has transactions over several tables, renames of schemas, or updates. All of
them add a row at one moment. So what is known is the newest row of one table, ``states`` in the
dataset ``<workflow>__dataflow``: which tables the present state has and where they are, how far
sources were read, what is kept. A new row changes all of it at once.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dlt_types import told_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from dataflow.warehouse.dlt_destination import DltClient, DltDestination

    Outcome = TypeVar("Outcome")

# The tables of one state, and where they are.
State = dict[str, Any]

_TABLE = "states"
_COLUMNS = {
    "version": "BIGINT",
    "part": "BIGINT",
    "parts": "BIGINT",
    "written_by": "VARCHAR",
    "written_at": "VARCHAR",
    "document": "VARCHAR",
}
# Some destinations keep no longer texts.
_PART_LENGTH = 30_000
_PATIENCE_SECONDS = 5.0


class DltKnown:
    """The document of one workflow.

    Args:
        destination: Where it is.
    """

    def __init__(self, destination: DltDestination, workflow_id: str) -> None:
        self._destination = destination
        self.workflow_id = workflow_id
        self.dataset = f"{workflow_id}__dataflow"

    def read(self, client: DltClient) -> dict[str, Any]:
        """The document; empty if there is none."""
        return self._read(client)[1] if client.has(self.dataset) else {}

    def change(self, client: DltClient, change: Callable[[dict[str, Any]], Outcome]) -> Outcome:
        """Read the document, have it changed, and write it.

        Raises:
            WarehouseError: Another process has changed it meanwhile; nothing was written.
        """
        if not client.has(self.dataset):
            client.create_table(self.dataset, _TABLE, told_columns(_COLUMNS))
        version, known, places = self._read(client)
        outcome = change(known)
        me = secrets.token_hex(8)
        self._write(client, version + 1, me, known)
        others = {row[0] for row in self._rows(client, f"version = {version + 1}", "written_by")}
        if others != {me}:
            self._forget(client, f"version = {version + 1} AND written_by = '{me}'")
            raise WarehouseError(
                f"Another process has changed what {self._destination.location} knows of "
                f"{self.workflow_id} at the same moment.",
                "Wait until it has ended, and run again; the tables are as they were.",
            )
        if places:
            # The one before stays, for whoever is reading now.
            self._forget(client, f"version < {version}")
        return outcome

    def replace(self, client: DltClient, known: Mapping[str, Any]) -> None:
        """Write a document in place of what there is."""

        def put(there: dict[str, Any]) -> None:
            there.clear()
            there.update(known)

        self.change(client, put)

    def drop(self, client: DltClient) -> None:
        """Forget all of it."""
        client.drop(self.dataset)

    def _read(self, client: DltClient) -> tuple[int, dict[str, Any], int]:
        """The newest version, its document, and how many rows there are of others."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while True:
            rows = self._rows(client, "version >= 0", ", ".join(map(client.quoted, _COLUMNS)))
            whole: dict[tuple[int, str, str], dict[int, str]] = {}
            parts: dict[tuple[int, str, str], int] = {}
            for version, part, number, by, at, text in rows:
                key = (int(version), str(at), str(by))
                whole.setdefault(key, {})[int(part)] = str(text or "")
                parts[key] = int(number)
            complete = [key for key, found in whole.items() if len(found) == max(parts[key], 1)]
            newest = max((key[0] for key in complete), default=0)
            those = sorted(key for key in complete if key[0] == newest)
            if len(those) < 2 or time.monotonic() > give_up:
                break
            # Two wrote at one moment: at least one of them takes its own away.
            time.sleep(0.1)
        if not those or not newest:
            return 0, {}, 0
        # The first one, if one of them was killed before it could.
        text = "".join(text for _, text in sorted(whole[those[0]].items()))
        known = json.loads(zlib.decompress(base64.b64decode(text)))
        return newest, known, len(rows)

    def _write(self, client: DltClient, version: int, me: str, known: dict[str, Any]) -> None:
        text = base64.b64encode(zlib.compress(json.dumps(known).encode())).decode()
        pieces = [text[at : at + _PART_LENGTH] for at in range(0, len(text), _PART_LENGTH)]
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        values = [
            value
            for number, piece in enumerate(pieces)
            for value in (version, number, len(pieces), me, now, piece)
        ]
        row = f"({', '.join(['%s'] * len(_COLUMNS))})"
        columns = ", ".join(map(client.quoted, _COLUMNS))
        # One statement: all parts or none.
        rows = ", ".join([row] * len(pieces))
        place = self._place(client)
        client.execute(f"INSERT INTO {place} ({columns}) VALUES {rows}", *values)

    def _rows(self, client: DltClient, where: str, columns: str) -> list[Any]:
        return list(client.execute(f"SELECT {columns} FROM {self._place(client)} WHERE {where}"))

    def _forget(self, client: DltClient, where: str) -> None:
        client.execute(f"DELETE FROM {self._place(client)} WHERE {where}")

    def _place(self, client: DltClient) -> str:
        return client.relation(self.dataset, _TABLE)
