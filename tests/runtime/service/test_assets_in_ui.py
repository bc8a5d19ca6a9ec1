"""The assets of a workflow as a person sees them in Dagster's UI, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.asset_fixtures import Till, write_till
from tests.service_fixtures import Service, until

pytestmark = pytest.mark.slow

FRESHNESS = "{assetNodes {freshnessStatusInfo {freshnessStatus}}}"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = write_till(tmp_path / "shop")
    made.make_old("dashboard", days=3)
    return made


def test_a_person_sees_lineage_rows_columns_and_checks(
    till: Till, service: Service, page: Page
) -> None:
    """Before a run the graph, and what is overdue; after it what was made, and the checks."""
    page.goto(f"{service.dagster_url}/asset-groups/till?expanded=till")
    for name in ("source", "stg_sales", "dashboard"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    # Dagster's dialog about its newsletter would stand before it.
    assert service.graphql("{shouldShowNux}") == {"shouldShowNux": False}
    # Dagster's daemon looks each half minute.
    until(lambda: "DEGRADED" in str(service.graphql(FRESHNESS)), "an overdue dashboard")
    page.goto(f"{service.dagster_url}/assets/till/dashboard")
    expect(page.get_by_text("3 days ago").first).to_be_visible()
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()

    till.rows("1,1.50", "2,", "x,9")
    ran = service.api.post("/api/v1/workflows/till/run", params={"wait": 100}).json()
    assert ran["status"] == "succeeded", ran

    page.goto(f"{service.dagster_url}/assets/till/staging/stg_sales")
    expect(page.get_by_text("What the till says.")).to_be_visible()
    expect(page.get_by_text("Row count")).to_be_visible()
    expect(page.get_by_text("DECIMAL(12,2)")).to_be_visible()
    expect(page.get_by_text("The number of the receipt.")).to_be_visible()
    expect(page.get_by_text("till / raw / sales").first).to_be_visible()

    page.goto(f"{service.dagster_url}/assets/till/staging/stg_sales?view=checks")
    expect(page.get_by_text("Checks (2)")).to_be_visible()
    page.get_by_text("not_null_amount").first.click()
    expect(page.get_by_text("failing_rows").first).to_be_visible()
    expect(page.get_by_text("Got 1 result, configured to warn if != 0")).to_be_visible()

    page.goto(f"{service.dagster_url}/assets/till/raw/sales")
    row = page.get_by_role("row").or_(page.locator("tr")).filter(has_text="rejected_rows")
    expect(row.first).to_contain_text("1")
    row = page.locator("tr").filter(has_text="sample")
    expect(row.first).to_contain_text("amount1.50")
