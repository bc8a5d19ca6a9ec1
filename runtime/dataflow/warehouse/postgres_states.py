"""The states of a workflow's schemas in Postgres: a run's work, the present one, kept ones.

    sales__raw, sales__marts                the last good run's tables
    sales+new+1f0c7a2e__raw, ...           what a run works on, or a failed run's
    sales+old+9b1d33c0__raw, ...           what an earlier run had left
    sales+for+5c21aa07__raw, ...            views for one other workflow, see `PostgresHeld`

Names of workflows have no ``+`` and no ``__``, so none of them can be taken for another's. With 40
characters of an id, and ``rejected``, they have the 63 bytes that Postgres keeps of a name. A run
begins with copies, and its promotion renames schemas in one transaction: views and tables know
each other by number, and readers that are at work go on with the tables that they began with.
What is known of all this lies in one row for each workflow, ``dataflow.workflows``, which changes
in the same transaction.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import KeptState
from dataflow.warehouse.postgres_schemas import (
    copy_schemas,
    drop_schemas,
    is_viewed,
    known_schemas,
    rename_schemas,
    schemas_bytes,
    short_name,
)

if TYPE_CHECKING:
    import psycopg

    from dataflow.warehouse.kind import KeepPolicy
    from dataflow.warehouse.postgres_server import PostgresServer

_REMEMBERED = 100
# By which a process says that a run of a workflow is at work; gone with the process.
_held: dict[tuple[str, str], psycopg.Connection[Any]] = {}


class PostgresStates:
    """The states of one workflow.

    Args:
        server: Where they are.
    """

    def __init__(self, server: PostgresServer, workflow_id: str) -> None:
        self._server = server
        self._id = workflow_id

    @property
    def live(self) -> str:
        """What the schemas of the present state begin with."""
        return f"{self._id}__"

    def exists(self) -> bool:
        """Whether there is a present state."""
        with self._server.connect() as connection:
            return bool(known_schemas(connection, self.live))

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> str:
        """What the schemas begin with that a run works on: copies, made when first asked for.

        Raises:
            WarehouseError: A run of another process is at work, or the work of ``resumes`` is gone.
            BadInputError: The state is not kept.
        """
        with self._server.connect() as connection:
            known = self._read(connection)
            work = known.get("work")
            if work and run_id in work["runs"]:
                self.hold()
                return str(work["prefix"])
            if resumes and work and resumes in work["runs"] and work["base"] == _base(known):
                self.hold()
                work["runs"].append(run_id)
                self._write(connection, known)
                return str(work["prefix"])
            if resumes and resumes in known.get("given_up", []):
                raise WarehouseError(
                    f"What run {resumes} had loaded is gone: another run has begun since it "
                    "failed.",
                    "Run the whole workflow again.",
                )
            self.hold(alone=True)
            if work:
                known["given_up"] = [*known.get("given_up", []), *work["runs"]][-_REMEMBERED:]
            drop_schemas(connection, f"{self._id}+new+")
            source = self._prefix_of(known, state) if state else self.live
            prefix = f"{self._id}+new+{short_name(run_id)}__"
            copy_schemas(connection, source, prefix)
            base = _base(known)
            known["work"] = {"runs": [run_id], "prefix": prefix, "base": base, "state": state}
            self._write(connection, known)
            return prefix

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make a run's work the present state, in one transaction; false if it has none.

        Raises:
            WarehouseError: Another run has changed the present state meanwhile.
        """
        with self._server.connect() as connection:
            known = self._read(connection)
            work = known.get("work")
            if not work or run_id not in work["runs"]:
                return False
            if work["base"] != _base(known):
                raise WarehouseError(
                    f"The tables of {self._id} were changed by another run while this one worked "
                    "on its copy; they stay as that one left them.",
                    "Run the workflow again.",
                )
            live = known.get("live")
            if live:
                name = f"{self._id}+old+{short_name(live['run_id'] + _now())}__"
                rename_schemas(connection, self.live, name)
                earlier = {**live, "prefix": name, "kept_at": _now(), "replaced_by": run_id}
                # Others may read it still; it goes as soon as nobody does.
                earlier["passing"] = not keep.replaced
                known["kept"] = [earlier, *known.get("kept", [])]
            drop_schemas(connection, self.live)
            rename_schemas(connection, work["prefix"], self.live)
            brought = work["state"] and self._kept(known, work["state"])
            made_at = brought["made_at"] if brought else _now()
            known["live"] = {
                "run_id": work["state"] or run_id,
                "made_at": made_at,
                "placed_by": run_id,
            }
            del known["work"]
            self._write(connection, known)
        self.let_go()
        self._prune(keep)
        return True

    def is_promoted(self, run_id: str) -> bool:
        """Whether the present state is this run's work."""
        with self._server.connect() as connection:
            live = self._known(connection).get("live") or {}
        return live.get("placed_by") == run_id

    def unfinished(self, run_id: str) -> str:
        """What the schemas of a run's work begin with, if it is there."""
        with self._server.connect() as connection:
            work = self._known(connection).get("work")
        return str(work["prefix"]) if work and run_id in work["runs"] else ""

    def present(self) -> KeptState | None:
        """The present state."""
        with self._server.connect() as connection:
            live = self._known(connection).get("live")
            if not live:
                return None
            size = schemas_bytes(connection, self.live)
        return KeptState(live["run_id"], live["made_at"], "", size)

    def kept(self) -> list[KeptState]:
        """The earlier states, the one that was replaced last first."""
        with self._server.connect() as connection:
            known = self._known(connection)
            return [
                KeptState(
                    each["run_id"],
                    each["made_at"],
                    each["replaced_by"],
                    schemas_bytes(connection, each["prefix"]),
                )
                for each in known.get("kept", [])
            ]

    def prefix_of(self, run_id: str) -> str:
        """What the schemas of a kept state begin with."""
        with self._server.connect() as connection:
            return self._prefix_of(self._known(connection), run_id)

    def _prefix_of(self, known: dict[str, Any], run_id: str) -> str:
        found = self._kept(known, run_id)
        if found is None:
            there = sorted(each["run_id"] for each in known.get("kept", []))
            raise BadInputError(
                f"The state of run {run_id} is not kept.",
                f"Kept are: {', '.join(there) or 'none'}. The settings kept_states and "
                "kept_states_gb say how many are.",
            )
        return str(found["prefix"])

    def _kept(self, known: dict[str, Any], run_id: str) -> dict[str, Any] | None:
        return next((each for each in known.get("kept", []) if each["run_id"] == run_id), None)

    def _prune(self, keep: KeepPolicy) -> None:
        """Drop the states beyond the policy, but for those that somebody reads or has views of."""
        import psycopg

        with self._server.connect() as connection:
            known = self._read(connection)
            room = keep.gigabytes * 1e9
            stay: list[dict[str, Any]] = []
            go: list[dict[str, Any]] = []
            for each in known.get("kept", []):
                is_kept = not each.get("passing") and len(stay) < keep.states
                room -= schemas_bytes(connection, each["prefix"]) if is_kept else 0.0
                (stay if is_kept and room >= 0 else go).append(each)
            for each in go:
                if is_viewed(connection, each["prefix"]):
                    stay.append(each)
                    continue
                try:
                    with connection.transaction():
                        connection.execute("SET LOCAL lock_timeout = '2s'")
                        drop_schemas(connection, each["prefix"])
                except psycopg.errors.LockNotAvailable:
                    # The next run tries again.
                    stay.append(each)
            known["kept"] = stay
            self._write(connection, known)

    def _known(self, connection: psycopg.Connection[Any]) -> dict[str, Any]:
        """What is known, for whoever only reads."""
        there = connection.execute("SELECT to_regclass('dataflow.workflows') IS NOT NULL")
        if not (there.fetchone() or (False,))[0]:
            return {}
        return self._row(connection)

    def _read(self, connection: psycopg.Connection[Any]) -> dict[str, Any]:
        """What is known, held against others to the end of the transaction."""
        _lock(connection, "dataflow")
        connection.execute("CREATE SCHEMA IF NOT EXISTS dataflow")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS dataflow.workflows "
            "(workflow_id text PRIMARY KEY, known text NOT NULL)"
        )
        _lock(connection, f"states of {self._id}")
        return self._row(connection)

    def _row(self, connection: psycopg.Connection[Any]) -> dict[str, Any]:
        row = connection.execute(
            "SELECT known FROM dataflow.workflows WHERE workflow_id = %s", [self._id]
        ).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def _write(self, connection: psycopg.Connection[Any], known: dict[str, Any]) -> None:
        connection.execute(
            "INSERT INTO dataflow.workflows VALUES (%s, %s) "
            "ON CONFLICT (workflow_id) DO UPDATE SET known = excluded.known",
            [self._id, json.dumps(known)],
        )

    def hold(self, *, alone: bool = False) -> None:
        """Say, for as long as this process lives, that a run of the workflow is at work.

        Args:
            alone: Nobody else may be.
        """
        held = _held.get((self._server.url, self._id))
        if held is not None and not held.closed and not alone:
            return
        self.let_go()
        own = self._server.open(autocommit=True)
        number = _number(f"work of {self._id}")
        if alone:
            row = own.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
            if not row or not row[0]:
                own.close()
                raise WarehouseError(
                    f"Another run of {self._id} is working on its tables, on this machine or on "
                    "another one.",
                    "Wait until it has ended, and run again; the tables are as they were.",
                )
        own.execute("SELECT pg_advisory_lock_shared(%s)", [number])
        if alone:
            own.execute("SELECT pg_advisory_unlock(%s)", [number])
        _held[self._server.url, self._id] = own

    def let_go(self) -> None:
        """Say so no longer."""
        held = _held.pop((self._server.url, self._id), None)
        if held is not None:
            held.close()


def _base(known: dict[str, Any]) -> str:
    """What tells the present state from others."""
    return str((known.get("live") or {}).get("placed_by", ""))


def _number(text: str) -> int:
    return int.from_bytes(blake2b(f"dataflow {text}".encode(), digest_size=8).digest(), signed=True)


def _lock(connection: psycopg.Connection[Any], what: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_number(what)])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
