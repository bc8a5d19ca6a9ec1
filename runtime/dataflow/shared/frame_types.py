"""Types of pandas' DataFrames that the warehouse does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def is_period(kind: Any) -> bool:
    """Whether values of a column's type are periods, such as months."""
    return str(kind).startswith("period[")


def with_periods_as_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in which a month is ``2024-01``. Arrow has the number of months since 1970."""
    periods = [name for name in frame.columns if is_period(frame[name].dtype)]
    return frame.astype(dict.fromkeys(periods, "string")) if periods else frame


def without_periods(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame without such columns: pandas would make other periods of their texts."""
    return frame.loc[:, [not is_period(kind) for kind in frame.dtypes]]
