"""What runs have made of a workflow's tables: which state is shown, and which are kept.

How states are held apart is each warehouse's own: files, schemas or rows of a table. What a run
asks of them is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dataflow.warehouse.kind import KeepPolicy, KeptState


class RunStates(Protocol):
    """Where a warehouse holds its states; see `AtomicWarehouse` for what each method does."""

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make the run's work the present state; false if it has none."""

    def is_promoted(self, run_id: str) -> bool:
        """Whether the present state is the run's work."""

    def unfinished(self, run_id: str) -> str:
        """Where the work of a failed run is; empty if there is none."""

    def present(self) -> KeptState | None:
        """The present state, or None before the first run."""

    def kept(self) -> list[KeptState]:
        """The earlier states, the one that was replaced last first."""


class WithRunStates:
    """The part of an `AtomicWarehouse` that its states answer for."""

    @property
    def _states(self) -> RunStates:
        raise NotImplementedError

    def promote(self, run_id: str, keep: KeepPolicy) -> bool:
        """Make a run's tables the present ones, all at once."""
        return self._states.promote(run_id, keep)

    def is_promoted(self, run_id: str) -> bool:
        """Whether the present tables are this run's work."""
        return self._states.is_promoted(run_id)

    def unfinished(self, run_id: str) -> str:
        """Where the tables of a failed run are; empty if it left none."""
        return self._states.unfinished(run_id)

    def present(self) -> KeptState | None:
        """What the tables hold now."""
        return self._states.present()

    def kept(self) -> list[KeptState]:
        """The states that were replaced and are kept."""
        return self._states.kept()
