"""A backfill as a person starts it in Dagster's UI, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.service_fixtures import Service, until, write_project, write_workflow

pytestmark = pytest.mark.slow


def test_a_person_fills_in_all_partitions(tmp_path: Path, browser: Browser) -> None:
    """The partitions of config.yaml are those of the job's page, and each runs once."""
    root = write_project(tmp_path / "shop")
    partition = "null, partition: {by: [eu, us]}"
    write_workflow(root, "parted", "note(context.partition_key, '')", schedule=partition)
    service = Service(root, "dagster", "api")
    try:
        service.until_ready()
        context = browser.new_context(viewport={"width": 1600, "height": 1400})
        page = context.new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(f"{service.dagster_url}/locations/dataflow/jobs/parted_job/partitions")
        page.get_by_role("button", name="Skip").click()
        page.get_by_role("button", name="Launch backfill").click()
        page.get_by_role("button", name="All", exact=True).click()
        page.get_by_role("button", name="Submit 2 runs").click()

        def both() -> bool:
            journal = (root / "journal").read_text()
            return all(journal.count(f"parted {key} ") == 1 for key in ("eu", "us"))

        until(both, "a run for each partition", seconds=180)
        context.close()
    finally:
        service.stop()
