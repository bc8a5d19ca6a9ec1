"""Making one table, a part of a run, and what failed again, as a person does it in Dagster's UI."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, expect
from tests.asset_fixtures import Till, write_till
from tests.service_fixtures import Service, until

pytestmark = pytest.mark.slow

RUNS = "{runsOrError {... on Runs {results {runId status tags {key value}}}}}"
MADE = "{assetNodes {assetKey {path} assetMaterializations(limit: 1) {runId}}}"
CHECKED = """{assetNodes {assetKey {path} assetChecksOrError {... on AssetChecks {
    checks {executionForLatestMaterialization {runId}}}}}}"""
ALL = {"till/raw/sales", "till/staging/stg_sales", "till/marts/sales", "till/dashboard"}


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """The till, which has run, and another one called stall whose rows are not there yet."""
    made = write_till(tmp_path / "shop")
    stall = made.folder.with_name("stall")
    shutil.copytree(made.folder, stall)
    for path in [each for each in stall.rglob("*") if each.is_file()]:
        path.write_text(path.read_text().replace("till", "stall").replace("rows.csv", "stall.csv"))
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
        return run_id, _made_in(self._service, run_id)

    def failed(self) -> str:
        """Start a run of the workflow that fails."""
        self._service.api.post("/api/v1/workflows/till/run")
        return self.next_failed()

    def next_failed(self) -> str:
        """The next run, once it has failed."""

        def new() -> str | None:
            of = {each["runId"]: each["status"] for each in self._all()}
            return next((i for i in of.keys() - self._known if of[i] == "FAILURE"), None)

        run_id = str(until(new, "a run that fails"))
        self._known.add(run_id)
        return run_id

    def listed(self, run_id: str) -> list[tuple[str, str, str, int | None]]:
        """The steps of a run, as the list of runs has them: name, status, summary, rows."""
        runs = self._service.api.get("/api/v1/runs").json()["runs"]
        steps = next(run["steps"] for run in runs if run["run_id"] == run_id)
        return [(step["name"], step["status"], step["summary"], step["rows"]) for step in steps]


def test_a_person_makes_what_is_selected_and_takes_up_what_failed(
    till: Till, service: Service, page: Page
) -> None:
    """A model, the dashboard, all; a part by typed config in the launchpad; and from failure."""
    runs = Runs(service)
    dashboard = "1 table for the dashboards: sales (3)"
    for asset, said in (("staging/stg_sales", "1 model, 2 tests passed"), ("dashboard", dashboard)):
        page.goto(f"{service.dagster_url}/assets/till/{asset}")
        page.get_by_role("button", name="Materialize").first.click()
        run_id, made = runs.next_one()
        assert made == {f"till/{asset}"}
        assert runs.listed(run_id) == [("build", "succeeded", said, None)]

    of_till = "locations/__repository__@dataflow/asset-groups/till/lineage"
    page.goto(f"{service.dagster_url}/{of_till}")
    page.get_by_role("button", name="Materialize all (4)").click()
    run_id, made = runs.next_one()
    assert made == ALL
    [(*_, summary, rows)] = runs.listed(run_id)
    assert (summary.partition("; ")[2], rows) == (
        f"3 rows into raw.sales (replace; 3 now); 2 models, 2 tests passed; {dashboard}",
        3,
    )

    page.goto(f"{service.dagster_url}/locations/dataflow/jobs/till_job/playground")
    launch = page.get_by_role("button", name="Launch Run")
    expect(launch).to_be_enabled()
    _write(page, "{resources: {dataflow: {config: {only: [models, page]}}}}")
    expect(launch).to_be_disabled()
    _write(page, "{resources: {dataflow: {config: {only: [models]}}}}")
    expect(launch).to_be_enabled()
    launch.click()
    assert runs.next_one()[1] == {"till/staging/stg_sales", "till/marts/sales"}

    (till.root / "fail").touch()
    failed = runs.failed()
    (till.root / "fail").unlink()
    _take_up(page, f"{service.dagster_url}/runs/{failed}")
    again, made = runs.next_one()
    assert made == ALL
    steps = service.api.get(f"/api/v1/runs/{again}").json()["steps"]
    assert [step["name"] for step in steps if step["status"] == "succeeded"] == ["publish"]

    # Two workflows in one run, of which one fails, and is taken up alone.
    both = ALL | {asset.replace("till", "stall") for asset in ALL}
    page.goto(f"{service.dagster_url}/assets")
    for asset in both:
        page.get_by_test_id(f"checkbox-{asset}").dispatch_event("click")
    page.get_by_role("button", name="Materialize selected").click()
    failed = runs.next_failed()
    assert _made_in(service, failed) == ALL
    assert {step[:2] for step in runs.listed(failed)} == {
        ("build_till", "succeeded"),
        ("build_stall", "failed"),
    }
    (till.root / "stall.csv").write_text("id,amount\n7,1.00\n8,2.00\n")
    _take_up(page, f"{service.dagster_url}/runs/{failed}")
    again, made = runs.next_one()
    assert made == both - ALL
    [(*_, rows)] = runs.listed(again)
    assert rows == 2
    for name, sold in (("till", 3), ("stall", 2)):
        with duckdb.connect(str(till.root / "data" / f"{name}.duckdb"), read_only=True) as tables:
            assert tables.execute("select count(*) from marts.sales").fetchone() == (sold,)
    checks = {key: of for key, of in _checked(service).items() if of}
    assert checks == {
        "till/raw/sales": {failed},
        "till/staging/stg_sales": {failed},
        "stall/raw/sales": {again},
        "stall/staging/stg_sales": {again},
    }


def _take_up(page: Page, run: str) -> None:
    page.goto(run)
    whole = page.get_by_role("button", name="Re-execute all (*)")
    whole.locator("xpath=following::button[1]").click()
    page.get_by_text("From failure").click()


def _made_in(service: Service, run_id: str) -> set[str]:
    """The assets that a run was the last to make."""
    return {
        "/".join(node["assetKey"]["path"])
        for node in service.graphql(MADE)["assetNodes"]
        if run_id in {each["runId"] for each in node["assetMaterializations"]}
    }


def _checked(service: Service) -> dict[str, set[str]]:
    """By asset the runs in which its checks were last executed."""
    found = {}
    for node in service.graphql(CHECKED)["assetNodes"]:
        checks = node["assetChecksOrError"].get("checks", [])
        last = {each["executionForLatestMaterialization"]["runId"] for each in checks}
        found["/".join(node["assetKey"]["path"])] = last
    return found


def _write(page: Page, config: str) -> None:
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(config)
