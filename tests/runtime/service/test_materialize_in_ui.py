"""Making one table, a part of a run, and what failed again, as a person does it in Dagster's UI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.asset_fixtures import Till, write_till
from tests.service_fixtures import Service, until

pytestmark = pytest.mark.slow

RUNS = "{runsOrError {... on Runs {results {runId status tags {key value}}}}}"
MADE = "{assetNodes {assetKey {path} assetMaterializations(limit: 1) {runId}}}"
ALL = {"raw/sales", "staging/stg_sales", "marts/sales", "dashboard"}


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = write_till(tmp_path / "shop")
    assert made.run()["success"]
    return made


class Runs:
    """The runs that the service has, by when they were started."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known = {run["runId"] for run in self._all()}

    def _all(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._service.graphql(RUNS)["runsOrError"]["results"]
        return found

    def next_one(self) -> tuple[str, set[str]]:
        """The next run, once it has succeeded, and the tables that it made."""

        def new() -> dict[str, Any] | None:
            runs = [run for run in self._all() if run["runId"] not in self._known]
            assert all(run["status"] != "FAILURE" for run in runs), runs
            return next((run for run in runs if run["status"] == "SUCCESS"), None)

        run_id = until(new, "a run that succeeds")["runId"]
        self._known.add(run_id)
        made = {
            "/".join(node["assetKey"]["path"][1:])
            for node in self._service.graphql(MADE)["assetNodes"]
            if run_id in {each["runId"] for each in node["assetMaterializations"]}
        }
        return run_id, made

    def failed(self) -> str:
        """Start a run of the workflow that fails."""
        ran = self._service.api.post("/api/v1/workflows/till/run", params={"wait": 100}).json()
        assert ran["status"] == "failed", ran
        self._known.add(ran["run_id"])
        return str(ran["run_id"])


def test_a_person_makes_what_is_selected_and_takes_up_what_failed(
    till: Till, service: Service, page: Page
) -> None:
    """A model, the dashboard, all; a part by typed config in the launchpad; and from failure."""
    runs = Runs(service)
    for asset in ("staging/stg_sales", "dashboard"):
        page.goto(f"{service.dagster_url}/assets/till/{asset}")
        page.get_by_role("button", name="Materialize").first.click()
        assert runs.next_one()[1] == {asset}

    page.goto(f"{service.dagster_url}/asset-groups/till")
    page.get_by_role("button", name="Materialize all (4)").click()
    assert runs.next_one()[1] == ALL

    page.goto(f"{service.dagster_url}/locations/dataflow/jobs/till_job/playground")
    launch = page.get_by_role("button", name="Launch Run")
    expect(launch).to_be_enabled()
    _write(page, "{resources: {dataflow: {config: {only: [models, page]}}}}")
    expect(launch).to_be_disabled()
    _write(page, "{resources: {dataflow: {config: {only: [models]}}}}")
    expect(launch).to_be_enabled()
    launch.click()
    assert runs.next_one()[1] == {"staging/stg_sales", "marts/sales"}

    (till.root / "fail").touch()
    failed = runs.failed()
    (till.root / "fail").unlink()
    page.goto(f"{service.dagster_url}/runs/{failed}")
    whole = page.get_by_role("button", name="Re-execute all (*)")
    whole.locator("xpath=following::button[1]").click()
    page.get_by_text("From failure").click()
    again, made = runs.next_one()
    assert made == ALL
    steps = service.api.get(f"/api/v1/runs/{again}").json()["steps"]
    assert [step["name"] for step in steps if step["status"] == "succeeded"] == ["publish"]


def _write(page: Page, config: str) -> None:
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(config)
