"""The states of a workflow's lake whose catalog is a DuckDB file of this machine.

The catalog's file is copied and replaced like a warehouse that is one: see `states`. The files of
the tables are named by several catalogs, and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.warehouse.database import STATES_FOLDER
from dataflow.warehouse.held_file import HeldFile
from dataflow.warehouse.lake_files import named_by_file
from dataflow.warehouse.lake_place import LakePlace
from dataflow.warehouse.lake_rename import rename_files
from dataflow.warehouse.run_states import WithRunStates
from dataflow.warehouse.states import DuckDBStates

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class FileStates(WithRunStates):
    """The states of one workflow's lake.

    Args:
        path: The file of the catalog that everybody sees.
        data: The folder or address of the tables' files.
        cache: A folder of this machine for what can be made again.
    """

    path: Path
    workflow_id: str
    data: str
    cache: Path

    @property
    def shown(self) -> str:
        """Where the catalog is, for people."""
        return str(self.path)

    def present_place(self, *, make: bool = False) -> LakePlace | None:
        """The present state; None if there is none, unless it is to be made."""
        return self._place(self.path) if make or self.path.exists() else None

    def any_place(self) -> LakePlace:
        """Where the catalog is, or would be."""
        return self._place(self.path)

    def begin(self, run_id: str, resumes: str = "", state: str = "") -> LakePlace:
        """The copy of the catalog that a run works on."""
        return self._place(self._states.begin(run_id, resumes, state))

    def work_of(self, run_id: str) -> LakePlace | None:
        """That copy, if there is one."""
        found = self._states.working_copy(run_id)
        return self._place(found) if found else None

    def kept_place(self, run_id: str) -> LakePlace:
        """Where a kept one is."""
        return self._place(self._states.file_of(run_id))

    def is_made(self, place: LakePlace) -> bool:
        """Whether there is a catalog."""
        return self._file_of(place).exists()

    def drop_leftovers(self) -> bool:
        """Nothing: a catalog that is no state any more is gone. Files may have lost their name."""
        return True

    def named_files(self) -> set[str]:
        """The files that any state names, also those that runs of other workflows hold."""
        home = self.path.parent / STATES_FOLDER
        catalogs = [self.path, *home.glob(f"{self.path.stem}/*/{self.path.name}")]
        catalogs += home.glob(f"{self.path.stem}/kept/*/{self.path.name}")
        catalogs += home.glob(f"*/upstream/{self.path.name}")
        found: set[str] = set()
        for catalog in catalogs:
            if catalog.exists():
                found |= named_by_file(self._place(catalog))
        return found

    def hold(self, reader: str) -> None:
        """Keep the present state for the runs of another workflow."""
        self._held(reader).hold()

    def release(self, reader: str) -> None:
        """Let go of it."""
        self._held(reader).release()

    def held_place(self, reader: str) -> LakePlace | None:
        """Where it is."""
        held = self._held(reader)
        return self._place(held.path) if held.exists() else None

    def rename(self, new: str) -> None:
        """Give the catalogs and the folder of the files to another workflow."""
        before = self.data.rstrip("/")
        after = f"{before.rpartition('/')[0]}/{new}/"
        rename_files(self.path, self.path.with_stem(new), (self.data, after))

    def _held(self, reader: str) -> HeldFile:
        folder = self.path.parent / STATES_FOLDER / reader / "upstream"
        return HeldFile(folder / self.path.name, self.path)

    def _place(self, file: Path) -> LakePlace:
        return LakePlace(self.shown, str(file), "", self.data, self.cache)

    @staticmethod
    def _file_of(place: LakePlace) -> Path:
        from pathlib import Path

        return Path(place.metadata)

    @property
    def _states(self) -> DuckDBStates:
        return DuckDBStates(self.path)
