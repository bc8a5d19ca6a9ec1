"""The states of a workflow's tables in a destination of dlt's.

A table is written once and never changed: a load makes another one. So a state is a list of tables
and of where they are, and states share those that they have in common. A run begins with the list
of the present state, and its promotion makes the run's list the present one, by one row.

    orders__dataflow              what is known, see `dlt_known`
    orders__1f0c7a2e__raw, ...    what one run has written
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.dlt_known import DltKnown, State
from dataflow.warehouse.dlt_views import drop, follow
from dataflow.warehouse.kind import KeptState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.warehouse.dlt_destination import DltClient, DltDestination
    from dataflow.warehouse.kind import KeepPolicy

_REMEMBERED = 100


def empty_state() -> State:
    """A state without tables."""
    return {"tables": {}, "schemas": {}, "log": {}}


def copied(state: State) -> State:
    """A state that can be changed apart."""
    return {**empty_state(), **{name: dict(part) for name, part in state.items()}}


def new_token() -> str:
    """What the datasets of a run have in their names."""
    return secrets.token_hex(4)


class DltStates:
    """The states of one workflow.

    Args:
        destination: Where they are.
    """

    def __init__(self, destination: DltDestination, workflow_id: str) -> None:
        self.destination = destination
        self.workflow_id = workflow_id
        self.known = DltKnown(destination, workflow_id)

    def open(self) -> Any:
        """A connection to the destination."""
        return self.destination.open(self.known.dataset)

    def dataset(self, token: str, schema: str) -> str:
        """The dataset in which a run has the tables of a schema."""
        return f"{self.workflow_id}__{token}__{schema}"

    def state(self, client: DltClient, run_id: str = "") -> State:
        """The present state, or the work of a run.

        Raises:
            WarehouseError: The work of the run is gone.
        """
        known = self.known.read(client)
        if not run_id:
            return dict((known.get("live") or {}).get("state") or empty_state())
        return dict(self._work(known, run_id)["state"])

    def change(self, client: DltClient, run_id: str, change: Callable[[State, str], Any]) -> None:
        """Change the present state, or the work of a run, by one row.

        Args:
            run_id: The run; empty for the present state.
            change: What changes it.
        """

        def within(known: dict[str, Any]) -> None:
            if run_id:
                change(self._work(known, run_id)["state"], run_id)
                return
            live = known.setdefault("live", {"run_id": "", "made_at": _now(), "placed_by": ""})
            live["state"] = copied(live.get("state") or {})
            change(live["state"], run_id)

        self.known.change(client, within)

    def token(self, client: DltClient, run_id: str = "") -> str:
        """What the datasets have in their names into which a run writes, or a step without one."""
        if run_id:
            return str(self._work(self.known.read(client), run_id)["token"])
        token = new_token()

        def note(known: dict[str, Any]) -> None:
            known["made"] = [*known.get("made", []), token]

        # Before anything is written: what is left behind by whoever is killed is found by it.
        self.known.change(client, note)
        return token

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> None:
        """Note what a run works on.

        Raises:
            WarehouseError: The work of ``resumes`` is gone.
            BadInputError: The state is not kept.
        """

        def note(known: dict[str, Any]) -> None:
            work = known.get("work")
            if resumes and work and resumes in work["runs"] and work["base"] == _base(known):
                work["runs"].append(run_id)
                return
            if resumes and resumes in known.get("given_up", []):
                raise WarehouseError(
                    f"What run {resumes} had loaded is gone: another run has begun since it "
                    "failed.",
                    "Run the whole workflow again.",
                )
            if work:
                known["given_up"] = [*known.get("given_up", []), *work["runs"]][-_REMEMBERED:]
            begins = self._kept(known, state) if state else known.get("live") or {}
            token = new_token()
            known["made"] = [*known.get("made", []), token]
            known["work"] = {
                "runs": [run_id],
                "token": token,
                "base": _base(known),
                "brings": state,
                "state": copied(begins.get("state") or {}),
            }

        with self.open() as client:
            work = self.known.read(client).get("work")
            if work and run_id in work["runs"]:
                return
            self.known.change(client, note)
            self._clear(client)

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make a run's work the present state, by one row; false if it has none.

        Raises:
            WarehouseError: Another run has changed the present state meanwhile.
        """

        def place(known: dict[str, Any]) -> None:
            work = self._work(known, run_id)
            if work["base"] != _base(known):
                raise WarehouseError(
                    f"The tables of {self.workflow_id} were changed by another run while this one "
                    "worked; they stay as that one left them.",
                    "Run the workflow again.",
                )
            live, brings = known.get("live"), work["brings"]
            made_at = self._kept(known, brings)["made_at"] if brings else _now()
            if live and keep.replaced:
                known["kept"] = [{**live, "replaced_by": run_id}, *known.get("kept", [])]
            stay = keep.states if keep.gigabytes else 0
            # Whoever reads the one that was replaced just now reads on, until the next promotion.
            known["passing"] = live
            known["kept"] = known.get("kept", [])[:stay]
            known["live"] = {
                "run_id": brings or run_id,
                "made_at": made_at,
                "placed_by": run_id,
                "state": work["state"],
            }
            del known["work"]

        with self.open() as client:
            known = self.known.read(client)
            if run_id in known.get("given_up", []):
                raise WarehouseError(
                    f"Another run of {self.workflow_id} has begun while this one worked, and what "
                    "it had loaded is given up.",
                    "Run the workflow again; the tables are as they were.",
                )
            if run_id not in (known.get("work") or {}).get("runs", []):
                return False
            self.known.change(client, place)
            follow(client, self.workflow_id, self.state(client))
            self._clear(client)
        return True

    def is_promoted(self, run_id: str) -> bool:
        """Whether the present state is this run's work."""
        with self.open() as client:
            return _base(self.known.read(client)) == run_id

    def unfinished(self, run_id: str) -> str:
        """Where a run's work is, if it is there."""
        with self.open() as client:
            work = self.known.read(client).get("work")
        found = work and run_id in work["runs"]
        return f"{self.workflow_id}__{work['token']}__*" if work and found else ""

    def present(self) -> KeptState | None:
        """The present state."""
        with self.open() as client:
            live = self.known.read(client).get("live")
        return KeptState(live["run_id"], live["made_at"], "", 0) if live else None

    def kept(self) -> list[KeptState]:
        """The earlier states, the one that was replaced last first."""
        with self.open() as client:
            kept = self.known.read(client).get("kept", [])
        return [KeptState(each["run_id"], each["made_at"], each["replaced_by"], 0) for each in kept]

    def kept_state(self, client: DltClient, run_id: str) -> State:
        """A state that is kept.

        Raises:
            BadInputError: It is not.
        """
        return dict(self._kept(self.known.read(client), run_id)["state"])

    def rename(self, new: str) -> None:
        """Give what is known to another workflow; what a failed run has left is given up.

        The datasets keep their names: what is known says where tables are.

        Raises:
            BadInputError: There are tables of that one.
        """
        with self.open() as client:
            known = self.known.read(client)
            if not known.get("live"):
                return
            other = DltKnown(self.destination, new)
            there = other.read(client)
            # A rename that was killed has left both, with the same tables.
            if there.get("live") and there["live"] != known["live"]:
                raise BadInputError(
                    f"There are tables of {new} in {self.destination.location} already.",
                    "Choose another name, or drop them.",
                )
            known.pop("work", None)
            known.pop("held", None)
            # From this row on there are two that know of the tables, until the first is gone.
            other.replace(client, known)
            self.known.drop(client)
            drop(client, self.workflow_id, known["live"]["state"])
            follow(client, new, known["live"]["state"])

    def held(self, client: DltClient, reader: str) -> State | None:
        """The state that another workflow holds; None if it holds none."""
        found = self.known.read(client).get("held", {}).get(reader)
        return dict(found) if found else None

    def hold(self, client: DltClient, reader: str) -> None:
        """Hold the present state for another workflow."""

        def note(known: dict[str, Any]) -> None:
            live = known.get("live")
            if live:
                known.setdefault("held", {})[reader] = copied(live["state"])

        self.known.change(client, note)
        self._clear(client)

    def release(self, client: DltClient, reader: str) -> None:
        """Let go of what another workflow holds."""

        def note(known: dict[str, Any]) -> None:
            known.get("held", {}).pop(reader, None)

        self.known.change(client, note)
        self._clear(client)

    def _work(self, known: dict[str, Any], run_id: str) -> dict[str, Any]:
        work = known.get("work")
        if not work or run_id not in work["runs"]:
            raise WarehouseError(
                f"What run {run_id} had loaded is gone: another run has begun since.",
                "Run the whole workflow again; the tables are as they were.",
            )
        return dict(work)

    def _kept(self, known: dict[str, Any], run_id: str) -> dict[str, Any]:
        kept = known.get("kept", [])
        found = next((each for each in kept if each["run_id"] == run_id), None)
        if found is None:
            raise BadInputError(
                f"The state of run {run_id} is not kept.",
                f"Kept are: {', '.join(sorted(each['run_id'] for each in kept)) or 'none'}. The "
                "setting kept_states says how many are.",
            )
        return dict(found)

    def _clear(self, client: DltClient) -> None:
        """Drop what no state has, and no reader holds, of what was written before."""
        known = self.known.read(client)
        used = {name for state in _all_states(known) for name in _datasets(state)}
        stay: list[str] = []
        gone: list[str] = []
        for token in known.get("made", []):
            working = (known.get("work") or {}).get("token") == token
            own = set(known.get("datasets", {}).get(token, []))
            (stay if working or own & used else gone).append(token)
        for token in gone:
            for dataset in known.get("datasets", {}).get(token, []):
                client.drop(dataset)
        if gone:

            def forget(known: dict[str, Any]) -> None:
                known["made"] = [each for each in known.get("made", []) if each not in gone]
                for token in gone:
                    known.get("datasets", {}).pop(token, None)

            self.known.change(client, forget)

    def note_dataset(self, client: DltClient, token: str, dataset: str) -> None:
        """Note a dataset before it is made, so that it can be dropped some day."""
        if dataset in self.known.read(client).get("datasets", {}).get(token, []):
            return

        def note(known: dict[str, Any]) -> None:
            known.setdefault("datasets", {}).setdefault(token, []).append(dataset)

        self.known.change(client, note)


def _all_states(known: dict[str, Any]) -> Iterator[State]:
    for each in (
        known.get("live"),
        known.get("work"),
        known.get("passing"),
        *known.get("kept", []),
    ):
        if each:
            yield each["state"]
    yield from known.get("held", {}).values()


def _datasets(state: State) -> Iterator[str]:
    for table in state["tables"].values():
        yield str(table["dataset"])
    yield from map(str, state["schemas"].values())


def _base(known: dict[str, Any]) -> str:
    return str((known.get("live") or {}).get("placed_by", ""))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
