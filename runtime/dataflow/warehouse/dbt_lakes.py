"""Which lakes the dbt of this process attaches, under which names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.warehouse.lake_place import LakePlace


@dataclass(frozen=True)
class LakeOfDbt:
    """A lake that dbt attaches."""

    place: LakePlace
    is_read_only: bool


_known: dict[str, LakeOfDbt] = {}


def let_dbt_attach(name: str, place: LakePlace, *, is_read_only: bool) -> str:
    """Name a lake for the connections of dbt that are made from now on.

    Returns:
        What stands for its path in a profile.
    """
    path = f"ducklake:{name}"
    _known[path] = LakeOfDbt(place, is_read_only)
    return path


def lake_of_dbt(path: str) -> LakeOfDbt | None:
    """The lake that a path in a profile stands for; None if it is something else."""
    return _known.get(path)
