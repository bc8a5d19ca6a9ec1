"""Which columns tell success from failure, and how."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from tests.tools.inspection.small_tables import N, csv_of, roles, shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values", "rate"),
    [
        ("status", ["ok", "ok", "error", "ok"], 0.75),
        ("result", ["Succeeded", "Failed", "running", "Succeeded"], 2 / 3),
        ("status_code", [200, 301, 404, 503], 0.5),
        ("success", ["true", "true", "true", "false"], 0.75),
        ("failed", ["true", "false", "false", "false"], 0.75),
        # Nobody can tell what these are.
        ("status", ["ok", "error", "frozen", "ok"], None),
        ("status", ["new", "open", "shipped", "new"], None),
        ("active", ["true", "false", "true", "true"], None),
        ("status", [1, 2, 3, 4], None),
    ],
)
def test_success_is_told_by_words(
    look: Any, name: str, values: list[Any], rate: float | None
) -> None:
    """The rate is over those that succeeded or failed; where a word is open there is none."""
    column = values * (N // 4)
    facts = shown(look(csv_of(("id", list(range(N))), (name, column))))[name]
    assert ("success" in facts) == (rate is not None)
    if rate is not None:
        sql = facts["success"]["sql"].replace("{column}", "value")
        kinds = {"true": True, "false": False}
        with duckdb.connect() as connection:
            given = ", ".join(f"({kinds.get(one, one)!r})" for one in column)
            query = f"SELECT avg({sql}) FROM (VALUES {given}) AS t (value)"
            assert connection.execute(query).fetchone() == (pytest.approx(rate),)


def test_http_status_is_a_category(look: Any) -> None:
    """404 is no amount: it is counted, not averaged."""
    text = csv_of(("id", list(range(N))), ("status", [200, 404, 500] * (N // 3)))
    assert roles(look(text))["status"] == "category"
