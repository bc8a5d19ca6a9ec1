"""How many rows a run may put aside before it is refused instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.contract import SMALL_REJECTION, share_of
from dataflow.shared.shown import counted, shortened
from dataflow.sources.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.shared.contract import Contract

_MOST_TOLD = 3
_LONGEST_TOLD = 160


def refuse_many_rejected(contract: Contract, rejected: int, rows: int, told: Sequence[str]) -> None:
    """Refuse a run of whose rows more do not fit than the contract takes.

    Args:
        rejected: How many rows would be put aside.
        rows: How many came.
        told: What did not fit, one sentence for each column.

    Raises:
        ContractError: There are more than `on_change.max_rejected`.
    """
    limit = contract.on_change.max_rejected
    share = share_of(limit)
    if share is None:
        is_too_many = rejected > int(limit)
    else:
        # The few rows of an hourly run say nothing in per cent.
        is_too_many = rejected > SMALL_REJECTION and rejected * 100 > share * rows
    if not is_too_many:
        return
    shown = "; ".join(shortened(each, _LONGEST_TOLD) for each in told[:_MOST_TOLD])
    more = f"; and in {len(told) - _MOST_TOLD} more columns" if len(told) > _MOST_TOLD else ""
    percent = rejected * 100 / rows
    error = ContractError(
        f"{contract.shown}: {rejected:,} of {counted(rows, 'row')} ({percent:.0f} %) do not fit "
        f"the contract, and `on_change.max_rejected` lets {limit} be put aside. {shown}{more}. "
        "Nothing was loaded.",
        f"Correct the source, or what `{contract.place}.columns` says of the column ("
        + contract.by_inspection("`dataflow workflow inspect NAME` compares the two; ")
        + "`decimal` and `format` say how numbers and dates are written); or, if so many are to be "
        f"put aside, set `{contract.place}.on_change.max_rejected` to a number of rows or a share, "
        "such as 500 or 50%.",
    )
    error.failing_rows = rejected
    raise error
