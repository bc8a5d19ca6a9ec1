"""The refusal of rows that lack columns of their contract, and which new ones these may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import nearest_few
from dataflow.sources.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.shared.contract import Contract


def lost_columns(
    lost: dict[str, str], new: Sequence[str], names: Sequence[str], contract: Contract
) -> ContractError:
    """The refusal of columns that did not come.

    Args:
        lost: By their names at the source, what the contract calls them.
        new: Columns that the contract does not have: one of them may be what one lost was.
        names: All columns that came.
    """
    alone = list(new) if len(lost) == len(new) == 1 else []
    renamed = [(name, near) for name in lost for near in (nearest_few(name, new, 1) or alone)]
    renames = "".join(f" Is {quoted(near)} what was {quoted(name)}?" for name, near in renamed)
    there = f"new is {listed(new)}" if new else f"it has {listed(names)}"
    told = (
        "; ".join(
            f"if {quoted(near)} is what was {quoted(name)}, set `source: {near}` on "
            f"`{lost[name]}` in `{contract.place}.columns`"
            for name, near in renamed
        )
        or "if a column has another name now, set that name as `source` on it in "
        f"`{contract.place}.columns`"
    )
    return ContractError(
        f"{contract.shown} no longer has {listed(list(lost))}, which the contract names; "
        f"{there}.{renames} Nothing was loaded.",
        f"{told[0].upper()}{told[1:]}; if it is gone for good, take it out there"
        + contract.by_inspection(" (`dataflow workflow inspect NAME --accept`)")
        + f", or set `{contract.place}.on_change.lost_column: null`.",
    )


def listed(names: Sequence[str]) -> str:
    """Names of columns, ten at most, and how many more there are."""
    shown = ", ".join(quoted(name) for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
