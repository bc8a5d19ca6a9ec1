"""What `workflow.partition` may say."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from dataflow.shared.partition_settings import Partition


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ({"by": "day", "start": "2024-01-31"}, "2024-01-31T00:00"),
        ({"by": "hour", "start": "2024-01-31T06:00"}, "2024-01-31T06:00"),
        ({"by": "month", "start": date(2024, 1, 1)}, "2024-01-01T00:00"),
        ({"by": "week", "start": datetime(2024, 1, 1, 6), "column": "day"}, "2024-01-01T06:00"),
        ({"by": ["eu", "us"], "column": "region"}, ""),
    ],
)
def test_what_is_taken(values: dict[str, Any], start: str) -> None:
    """A day may be written as YAML's or as text; values of a column have no beginning."""
    assert Partition.model_validate(values).start == start


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"by": "year", "start": "2024-01-01"}, "is no partitioning"),
        ({"by": "day"}, "is missing"),
        ({"by": "day", "start": "soon"}, "is no day or time"),
        ({"by": "day", "start": "2024-01-01T00:00+01:00"}, "is no day or time"),
        ({"by": [], "column": "c"}, "is no list of texts"),
        ({"by": [1, 2]}, "is no list of texts"),
        ({"by": ["a", "a"]}, "names a value twice"),
        ({"by": ["a"], "start": "2024-01-01"}, "is for partitions by time"),
    ],
)
def test_what_is_refused(values: dict[str, Any], reason: str) -> None:
    """Each with the reason, before anything is read."""
    with pytest.raises(ValidationError, match=reason):
        Partition.model_validate(values)
