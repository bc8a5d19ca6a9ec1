"""Types that transform.py changes without meaning to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from dataflow.runs.transformed_types import refuse_changed_types
from dataflow.shared.errors import BadInputError
from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.tables import write_parquet


def transformed(tmp_path: Path, before: pa.Table, after: Any, *, agreed: bool = True) -> None:
    came, path = tmp_path / "before.parquet", tmp_path / "after.parquet"
    write_parquet(before, came)
    write_parquet(after, path, before.schema)
    refuse_changed_types(came, path, agreed=agreed)


def test_long_whole_numbers_that_pandas_makes_fractions_of(tmp_path: Path) -> None:
    """9007199254740993 would be ...992 in the table; shorter numbers are what they were."""
    before = pa.table({"n": [2**53 + 1, None], "m": [5, None]})
    frame = pd.DataFrame(LazyRows(before))
    with pytest.raises(BadInputError, match="'n' had whole numbers.*9,007,199,254,740,992") as told:
        transformed(tmp_path, before, frame)
    assert "pd.ArrowDtype" in told.value.instruction
    transformed(tmp_path, before, frame[["m"]])
    transformed(tmp_path, before, LazyRows(before).to_pandas(types_mapper=pd.ArrowDtype))


@pytest.mark.parametrize("now", [datetime(2024, 1, 31, 10), date(2024, 1, 31)])
def test_moments_that_lose_their_zone(tmp_path: Path, now: date) -> None:
    """Models would read them as UTC. Under another name, or without a contract, they are free."""
    before = pa.table({"at": [datetime(2024, 1, 31, 9, tzinfo=UTC)]})
    with pytest.raises(BadInputError, match="'at' had a time zone, .* others with none"):
        transformed(tmp_path, before, [{"at": now}])
    with pytest.raises(BadInputError, match="'at' had no time zone, .* others with one"):
        transformed(tmp_path, pa.table({"at": [now]}), before)
    transformed(tmp_path, before, [{"at": now}], agreed=False)
    transformed(tmp_path, before, [{"at_local": now}])


def test_times_by_the_clock_of_utc_may_get_a_zone_or_lose_it(tmp_path: Path) -> None:
    """As of pandas' `to_datetime(..., utc=True)` and `tz_localize(None)`; some rows may be gone."""
    plain = pa.table({"at": [datetime(2024, 1, 31, 9), None, datetime(2024, 7, 1)]})
    zoned = plain.set_column(0, "at", plain["at"].cast(pa.timestamp("us", "UTC")))
    in_utc = pd.to_datetime(plain["at"].to_pandas(), utc=True).to_frame()
    transformed(tmp_path, plain, in_utc)
    transformed(tmp_path, zoned, in_utc["at"].dt.tz_localize(None).iloc[:2].to_frame())
    elsewhere = in_utc["at"].dt.tz_convert("Europe/Berlin")
    transformed(tmp_path, plain, elsewhere.to_frame())
    with pytest.raises(BadInputError, match="'at' had a time zone"):
        transformed(tmp_path, zoned, elsewhere.dt.tz_localize(None).to_frame())
    local = plain["at"].to_pandas().dt.tz_localize("Europe/Berlin").to_frame()
    with pytest.raises(BadInputError, match="'at' had no time zone"):
        transformed(tmp_path, plain, local)


def test_every_column_is_looked_at(tmp_path: Path) -> None:
    """Also after one that is new, and one that is as it was."""
    before = pa.table({"same": [1], "n": [2**53 + 1]})
    after = pa.table({"new": [1], "same": [1], "n": [float(2**53)]})
    with pytest.raises(BadInputError, match="'n' had whole numbers"):
        transformed(tmp_path, before, after)
    edge = pa.table({"same": [1], "n": [float(2**53 - 1)]})
    transformed(tmp_path, before, edge)
    nothing = pa.table({"n": pa.array([None], pa.float64())})
    transformed(tmp_path, before, nothing)
