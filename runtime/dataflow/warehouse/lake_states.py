"""The states of a workflow's lake whose catalog is in Postgres.

Each state is a DuckLake catalog in a schema of its own, a few dozen small tables; the files of its
tables are beside those of the others, and are never changed:

    dataflow_lake.states   which schema is the present state of a workflow, a run's work, a kept one
    sales__5f0c…           a state: DuckLake's own tables

A run works on a copy of the present state's schema, which names the same files, and adds its own.
At the end one row says that the copy is the present state now: whoever has the other one open goes
on reading that. Whoever calls holds the workflow's lock, where machines share one; where they do
not, the rows of ``states`` are changed by one at a time all the same, and a run whose work another
one has cleared away is told so.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import KeptState
from dataflow.warehouse.lake_database import (
    HOME,
    LakeDatabase,
    alone,
    base_of,
    copy_catalog,
    drop_catalogs,
    give_up,
    is_given_up,
    is_made,
    lake_database,
    named_in,
)
from dataflow.warehouse.lake_place import LakePlace
from dataflow.warehouse.lake_rename import folder_of, rename_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.warehouse.kind import KeepPolicy
    from dataflow.warehouse.lake_database import Database

_PATIENCE = "30s"


@dataclass(frozen=True)
class PostgresStates:
    """The states of one workflow's lake.

    Args:
        data: The folder or address that each workflow has a folder of its files in.
        cache: A folder of this machine for what can be made again.
    """

    database: LakeDatabase
    workflow_id: str
    data: str
    cache: Path

    @classmethod
    def of(cls, catalog: str, workflow_id: str, data: str, cache: Path) -> PostgresStates:
        """The states of a workflow in the database at an address.

        Raises:
            BadInputError: It is no address of a database.
            MissingDependencyError: The driver of Postgres is missing.
        """
        return cls(lake_database(catalog), workflow_id, data, cache)

    @property
    def shown(self) -> str:
        """Where catalog and files are, for people."""
        return f"{self.database.shown}, files in {self.data}"

    def _place(self, row: dict[str, Any]) -> LakePlace:
        data = f"{self.data}/{row.get('folder') or self.workflow_id}/"
        shown = f"{self.database.shown}, files in {data}"
        metadata, password = f"postgres:{self.database.conninfo}", self.database.password
        return LakePlace(shown, metadata, row["schema_name"], data, self.cache, password)

    def present_place(self, *, make: bool = False) -> LakePlace | None:
        """The present state; None if there is none, unless one is to be made."""
        with self._changing() if make else self.database.open() as database:
            row = self._row(database, "present")
            if row:
                return self._place(row)
            if make:
                return self._place(self._add(database, "present", made_at=_now()))
        return None

    def any_place(self) -> LakePlace:
        """Where a state would be, if it had a schema."""
        return self._place({"schema_name": ""})

    def is_made(self, place: LakePlace) -> bool:
        """Whether there is a catalog."""
        with self.database.open() as database:
            return is_made(database, place.schema)

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> LakePlace:
        """The state that a run works on: a copy of the present one, made when first asked for.

        Raises:
            WarehouseError: The work of ``resumes``, or that of the run itself, is gone.
            BadInputError: The state to begin from is not kept.
        """
        with self._changing() as database:
            present, work = self._row(database, "present"), self._row(database, "working")
            if work and run_id in work["runs"]:
                return self._place(work)
            self._refuse_given_up(database, run_id)
            base = base_of(database, present)
            if resumes and work and resumes in work["runs"] and work["base"] == base:
                self._set(database, work, runs=[*work["runs"], run_id])
                return self._place(work)
            if resumes and is_given_up(database, self.workflow_id, resumes, with_work=True):
                raise WarehouseError(
                    f"What run {resumes} had loaded is gone: another run has begun since it "
                    "failed.",
                    "Run the whole workflow again.",
                )
            source = self._kept_row(database, state) if state else present
            if work:
                had_work = is_made(database, work["schema_name"])
                give_up(database, self.workflow_id, work["runs"], had_work=had_work)
                self._set(database, work, role="dropped")
            new = self._add(database, "working", runs=[run_id], state=state, base=base)
            if source:
                copy_catalog(database, source["schema_name"], new["schema_name"])
            return self._place(new)

    def work_of(self, run_id: str) -> LakePlace | None:
        """The work of a run, if there is any and it can become the present state.

        Raises:
            WarehouseError: The present state was changed since the run began.
        """
        with self.database.open() as database:
            work = self._row(database, "working")
            if work is None or run_id not in work["runs"]:
                self._refuse_given_up(database, run_id)
                return None
            if not is_made(database, work["schema_name"]):
                return None
            self._refuse_changed(database, work)
            return self._place(work)

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make a run's work the present state, at one moment; false if it has none.

        Raises:
            WarehouseError: The present state was changed since the run began.
        """
        with self._changing() as database:
            work = self._row(database, "working")
            if work is None or run_id not in work["runs"]:
                self._refuse_given_up(database, run_id)
                return False
            if not is_made(database, work["schema_name"]):
                return False
            present = self._refuse_changed(database, work)
            if present:
                self._keep(database, present, run_id, keep)
            brought_back = self._kept_row(database, work["state"]) if work["state"] else None
            self._set(
                database,
                work,
                role="present",
                run_id=work["state"] or run_id,
                made_at=brought_back["made_at"] if brought_back else _now(),
                placed_by=run_id,
                runs=[],
                base="",
            )
            self._prune(database, keep)
        return True

    def is_promoted(self, run_id: str) -> bool:
        """Whether the present state is the work of this run."""
        with self.database.open() as database:
            row = self._row(database, "present")
        return row is not None and row["placed_by"] == run_id

    def unfinished(self, run_id: str) -> str:
        """Where the work of a run is that has left some; empty if there is none."""
        with self.database.open() as database:
            work = self._row(database, "working")
            if work is None or run_id not in work["runs"]:
                return ""
            schema = work["schema_name"]
            has_work = is_made(database, schema)
        return f"the schema {schema} of {self.database.shown}" if has_work else ""

    def present(self) -> KeptState | None:
        """The present state."""
        with self.database.open() as database:
            row = self._row(database, "present")
            if row is None or not is_made(database, row["schema_name"]):
                return None
            size = sum(named_in(database, row["schema_name"]).values())
        return KeptState(row["run_id"], row["made_at"], "", size)

    def kept(self) -> list[KeptState]:
        """The earlier states, the one that was replaced last first, each with its own bytes."""
        with self.database.open() as database:
            return [state for _, state in self._kept(database)]

    def kept_place(self, run_id: str) -> LakePlace:
        """Where a kept state is.

        Raises:
            BadInputError: It is not kept.
        """
        with self.database.open() as database:
            return self._place(self._kept_row(database, run_id))

    def hold(self, reader: str) -> None:
        """Keep the present state for the runs of another workflow until it holds another one."""
        with self._changing() as database:
            row = self._row(database, "present")
            self._release(database, reader)
            if row and is_made(database, row["schema_name"]):
                database.execute(
                    f"INSERT INTO {HOME}.held VALUES (%s, %s, %s)",
                    [self.workflow_id, reader, row["schema_name"]],
                )

    def release(self, reader: str) -> None:
        """Let go of the state that the runs of another workflow hold."""
        with self._changing() as database:
            self._release(database, reader)

    def held_place(self, reader: str) -> LakePlace | None:
        """The state that the runs of another workflow hold, if they hold any."""
        with self.database.open() as database:
            row = database.execute(
                f"SELECT * FROM {HOME}.states WHERE schema_name = (SELECT schema_name "
                f"FROM {HOME}.held WHERE workflow_id = %s AND reader = %s)",
                [self.workflow_id, reader],
            ).fetchone()
        return self._place(row) if row else None

    def drop_leftovers(self) -> bool:
        """Remove the catalogs that are no state any more; whether any was.

        One that somebody has open for reading stays until the next time.
        """
        with self.database.open() as database:
            return drop_catalogs(database, self.workflow_id)

    def rename(self, new: str) -> None:
        """Give all of it to another workflow; the files stay in the folder that they are in.

        Raises:
            BadInputError: That one has tables.
        """
        with self._changing() as database:
            alone(database, new)
            rename_rows(database, self.workflow_id, new)

    def named_files(self) -> set[str]:
        """The paths, below the lake's folder, of all files that any state still names."""
        found: set[str] = set()
        with self._changing() as database:
            for row in self._rows(database):
                if is_made(database, row["schema_name"]):
                    found |= set(named_in(database, row["schema_name"]))
        return found

    @contextmanager
    def _changing(self) -> Iterator[Database]:
        """A transaction, of which there is one at a time for a workflow."""
        with self.database.open() as database, database.transaction():
            database.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
            alone(database, self.workflow_id)
            yield database

    def _rows(self, database: Database) -> list[dict[str, Any]]:
        return database.execute(
            f"SELECT * FROM {HOME}.states WHERE workflow_id = %s", [self.workflow_id]
        ).fetchall()

    def _row(self, database: Database, role: str) -> dict[str, Any] | None:
        return next((row for row in self._rows(database) if row["role"] == role), None)

    def _kept_row(self, database: Database, run_id: str) -> dict[str, Any]:
        rows = {row["run_id"]: row for row in self._rows(database) if row["role"] == "kept"}
        if run_id not in rows:
            raise BadInputError(
                f"The state of run {run_id} is not kept.",
                f"Kept are: {', '.join(sorted(rows)) or 'none'}. The settings kept_states and "
                "kept_states_gb say how many are.",
            )
        return rows[run_id]

    def _add(self, database: Database, role: str, **values: Any) -> dict[str, Any]:
        schema = f"{self.workflow_id[:40]}__{secrets.token_hex(8)}"
        if folder := folder_of(database, self.workflow_id):
            values["folder"] = folder
        names = ["schema_name", "workflow_id", "role", *values]
        database.execute(
            f"INSERT INTO {HOME}.states ({', '.join(names)}) "
            f"VALUES ({', '.join(['%s'] * len(names))})".encode(),
            [schema, self.workflow_id, role, *values.values()],
        )
        return {"schema_name": schema, **values}

    def _set(self, database: Database, row: dict[str, Any], **values: Any) -> None:
        changes = ", ".join(f"{name} = %s" for name in values)
        database.execute(
            f"UPDATE {HOME}.states SET {changes} WHERE schema_name = %s".encode(),
            [*values.values(), row["schema_name"]],
        )

    def _refuse_given_up(self, database: Database, run_id: str) -> None:
        if is_given_up(database, self.workflow_id, run_id):
            raise WarehouseError(
                f"What run {run_id} had written to the lake at {self.database.shown} is gone: "
                f"another run of {self.workflow_id} has begun meanwhile, here or elsewhere.",
                "Run the workflow again when no other run of it is going on; the tables are those "
                "of the last good run.",
            )

    def _refuse_changed(self, database: Database, work: dict[str, Any]) -> dict[str, Any] | None:
        present = self._row(database, "present")
        if base_of(database, present) != work["base"]:
            raise WarehouseError(
                f"The tables of {self.workflow_id} in the lake at {self.database.shown} were "
                "changed by another program while the run worked on its copy; they stay as that "
                "program left them.",
                "Run the workflow again. If a step of the workflow itself did it, let the step "
                "open the warehouse by `dataflow.authoring.open_warehouse`.",
            )
        return present

    def _keep(
        self, database: Database, present: dict[str, Any], replaced_by: str, keep: KeepPolicy
    ) -> None:
        is_kept = keep.states > 0 and keep.replaced
        if not is_kept or not is_made(database, present["schema_name"]):
            self._set(database, present, role="dropped")
            return
        run_id = present["run_id"] or f"before-{replaced_by[:8]}"
        for row in self._rows(database):
            # The same state again, after it was brought back.
            if row["role"] == "kept" and row["run_id"] == run_id:
                self._set(database, row, role="dropped")
        values = {"run_id": run_id, "replaced_by": replaced_by, "kept_at": _now()}
        self._set(database, present, role="kept", **values)

    def _kept(self, database: Database) -> list[tuple[dict[str, Any], KeptState]]:
        rows = [row for row in self._rows(database) if row["role"] == "kept"]
        rows.sort(key=lambda row: row["kept_at"], reverse=True)
        present = self._row(database, "present")
        # What newer states name as well costs nothing.
        known = set(named_in(database, present["schema_name"])) if present else set()
        found = []
        for row in rows:
            own = named_in(database, row["schema_name"])
            size = sum(bytes_ for path, bytes_ in own.items() if path not in known)
            known |= set(own)
            state = KeptState(row["run_id"], row["made_at"], row["replaced_by"], size)
            found.append((row, state))
        return found

    def _prune(self, database: Database, keep: KeepPolicy) -> None:
        room = keep.gigabytes * 1e9
        for number, (row, state) in enumerate(self._kept(database)):
            room -= state.bytes
            if number >= keep.states or room < 0:
                self._set(database, row, role="dropped")

    def _release(self, database: Database, reader: str) -> None:
        # Also what is held under an earlier name of the workflow.
        database.execute(
            f"DELETE FROM {HOME}.held WHERE reader = %s AND (workflow_id = %s OR schema_name IN "
            f"(SELECT schema_name FROM {HOME}.states WHERE workflow_id = %s))",
            [reader, self.workflow_id, self.workflow_id],
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
