"""What a dashboard shows of a config.yaml."""

from __future__ import annotations

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.config_values import ConfigValues, read_config_values
from dataflow.shared.project import Project

SEVERAL = """
workflow: {name: Shop, timezone: "${SHOP_ZONE}"}
ingestion:
  sources:
    orders: {columns: {Amount: {type: double, unit: EUR}, id: {type: bigint}}}
    boxes: {columns: {weight: {type: double, unit: kg}}}
"""


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (SEVERAL, ConfigValues("Asia/Tokyo", {"amount": "EUR", "weight": "kg"})),
        ("ingestion: {columns: {a: {unit: km}, b: text}}", ConfigValues("UTC", {"a": "km"})),
        ("workflow: {timezone: Nowhere/At_All}", ConfigValues()),
        ("workflow: {timezone: 7}\ningestion: 3", ConfigValues()),
        ("a: [", ConfigValues()),
        ("- 1", ConfigValues()),
    ],
)
def test_the_time_zone_and_units_are_read(
    config: str,
    expected: ConfigValues,
    project: Project,
    add_workflow: AddWorkflow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be read has its default, so that a mistake elsewhere takes no dashboard down."""
    monkeypatch.setenv("SHOP_ZONE", "Asia/Tokyo")
    add_workflow("shop", config=config)
    assert read_config_values(project, "shop") == expected
