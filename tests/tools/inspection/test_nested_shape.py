"""The shape of lists and objects, of which samples are made."""

from __future__ import annotations

import pyarrow as pa

from dataflow_tools.inspection.nested_shape import shape_of


def test_lists_objects_and_moments_are_told_apart() -> None:
    """Items, keys and types stay; texts that are all days are days; empty lists are empty."""
    row = {"lines": [{"n": 1, "on": "2026-01-02"}], "none": [], "who": {"name": "Ann", "ok": True}}
    kind = pa.array([row]).type
    assert shape_of(kind, [row, None]) == {
        "lines": [{"n": "BIGINT", "on": "DATE"}],
        "none": [],
        "who": {"name": "VARCHAR", "ok": "BOOLEAN"},
    }
