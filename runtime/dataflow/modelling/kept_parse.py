"""What dbt has parsed of a project, handed on from one temporary project to the next.

dbt reads a whole project anew when anything of its connection differs, also the path of the
database file alone. Tests build the same models in one temporary project after the other: dbt is
shown each database under one path, and finds what it had parsed of the models; whether they are
still as they were, it looks for itself. What the tests of yesterday have parsed serves those of
today in the same way.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.warehouse.duckdb_file import DATABASE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# dbt's own name for it, in the folder of its artefacts.
_PARSED = "partial_parse.msgpack"
_PLACE = "database"
_LOCK = "in-use.lock"


@dataclass(frozen=True)
class _KeptParse:
    """What is known of one dbt project.

    Args:
        folder: Of nobody else: no other process and no other project may use it meanwhile.
    """

    folder: Path

    def show(self, variables: Mapping[str, str], target: Path) -> dict[str, str]:
        """The variables by which dbt finds the database under the path that it always has.

        Args:
            target: Where dbt looks for what it had parsed; it is put there.
        """
        database = variables.get(DATABASE_VARIABLE)
        if database is None:
            return dict(variables)
        place = self.folder / _PLACE
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            # Of the folder, not of the file: DuckDB writes others beside it.
            place.symlink_to(Path(database).parent, target_is_directory=True)
        except OSError:
            # A system that lets nobody make links: dbt parses again.
            return dict(variables)
        _copy(self.folder / _PARSED, target / _PARSED)
        return {**variables, DATABASE_VARIABLE: str(place / Path(database).name)}

    def keep(self, target: Path) -> None:
        """Keep what dbt has parsed for the next project."""
        _copy(target / _PARSED, self.folder / _PARSED)


_kept: _KeptParse | None = None


@contextmanager
def keeping_parse(folder: Path, otherwise: Path | None = None) -> Iterator[None]:
    """Let builds in this process begin with what those before have parsed.

    Args:
        folder: What is kept; for one dbt project, and for one process at a time.
        otherwise: What is used while another process has that folder, or if it cannot be written;
            of this process alone.
    """
    global _kept
    with ExitStack() as held:
        if otherwise is not None and not _is_taken(folder, held):
            folder = otherwise
        before, _kept = _kept, _KeptParse(folder)
        try:
            yield
        finally:
            _kept = before


@contextmanager
def known_to_dbt(variables: Mapping[str, str], target: Path) -> Iterator[Mapping[str, str]]:
    """The variables by which dbt is to find a warehouse, while it builds with a target folder."""
    kept = _kept
    if kept is None:
        yield variables
        return
    try:
        yield kept.show(variables, target)
    finally:
        kept.keep(target)


def with_real_paths(said: str) -> str:
    """What dbt has said of a database, with the path that everybody else knows it by."""
    if _kept is None:
        return said
    place = _kept.folder / _PLACE
    with suppress(OSError):
        said = said.replace(str(place), str(place.readlink()))
    return said


def _is_taken(folder: Path, held: ExitStack) -> bool:
    """Take a folder for this process, until the end of what is held; not if another has it."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One lock for this process: a test may have two projects.
        held.enter_context(FileLock(folder / _LOCK, timeout=0, is_singleton=True))
    except (OSError, Timeout):
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    # Without it dbt parses the project, which only takes longer.
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a process may be killed.
        partial = target.with_suffix(".part")
        shutil.copyfile(source, partial)
        partial.replace(target)
