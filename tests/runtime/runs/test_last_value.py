"""How far an author's code has read is the same value at the next run."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from dataflow.runs.last_value import last_value_for, shown_value, stored_value, value_like

VALUES = [
    *(7, 1.5, "2024-01-31", None, True),
    *(date(2024, 1, 31), datetime(2024, 1, 31, 12, 30, 1, 5, UTC), time(12, 30), Decimal("1.50")),
]


def next_run(kept: Any, *, disposition: str = "append", is_there: bool = True) -> Any:
    """What the code of the next run is given."""
    warehouse = SimpleNamespace(
        exists=lambda: is_there, read_watermark=lambda table: {"t": kept}[table]
    )
    run: Any = SimpleNamespace(warehouse=warehouse)
    load: Any = SimpleNamespace(write_disposition=disposition, table="t")
    return last_value_for(run, load)


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_comes_back_as_what_it_was(value: Any) -> None:
    """It may be compared with those of the source."""
    again = next_run(json.loads(json.dumps(stored_value(value))))
    assert (again, type(again)) == (value, type(value))


@pytest.mark.parametrize("value", VALUES[5:], ids=str)
def test_a_typed_value_is_kept_like_the_one_before(value: Any) -> None:
    """And is refused where it is not of that kind."""
    kept = stored_value(value)
    assert value_like(kept["text"], kept) == kept
    assert shown_value(kept) == kept["text"]
    with pytest.raises(ValueError, match="abc"):
        value_like("abc", kept)


def test_other_values_are_typed_by_what_they_look_like() -> None:
    """A text stays text, though it looks like a number; the library's own has its own word."""
    assert value_like("7", "6") == "7"
    assert value_like("7", 6) == 7
    assert value_like("7", None) == 7
    assert shown_value({"value": 3}) == 3
    assert shown_value({"other": 3}) == {"other": 3}
    assert shown_value(3) == 3
    assert next_run({"text": "x"}) == {"text": "x"}


def test_numbers_of_numpy_and_times_of_pandas_are_plain_ones() -> None:
    """JSON would not take them."""
    assert stored_value(SimpleNamespace(item=lambda: 7)) == 7
    moment = SimpleNamespace(to_pydatetime=lambda: datetime(2024, 1, 31))
    assert stored_value(moment) == {"dataflow_type": "datetime", "text": "2024-01-31T00:00:00"}


def test_who_replaces_the_table_begins_anew() -> None:
    """And so does the first run."""
    assert next_run(7) == 7
    assert next_run(7, disposition="replace") is None
    assert next_run(7, is_there=False) is None
