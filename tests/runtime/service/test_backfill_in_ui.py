"""A backfill as a person starts it in Dagster's UI, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.service_fixtures import Service, running, until, write_project, write_workflow

pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Of a project with one workflow that has two partitions."""
    root = write_project(tmp_path / "shop")
    partition = "null, partition: {by: [eu, us]}"
    write_workflow(root, "parted", "note(context.partition_key, '')", schedule=partition)
    with running(root, "dagster", "api") as started:
        yield started


def test_a_person_fills_in_all_partitions(service: Service, page: Page) -> None:
    """The partitions of config.yaml are those of the job's page, and each runs once."""
    page.goto(f"{service.dagster_url}/locations/dataflow/jobs/parted_job/partitions")
    page.get_by_role("button", name="Launch backfill").click()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Submit 2 runs").click()

    def both() -> bool:
        journal = (service.root / "journal").read_text()
        return all(journal.count(f"parted {key} ") == 1 for key in ("eu", "us"))

    until(both, "a run for each partition", seconds=180)
