"""The fixtures of a project made by hand, and of Dagster's UI on one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.asset_fixtures import Till
from tests.dashboard_fixtures import add_workflow, project
from tests.service_fixtures import Service, running
from tests.source_fixtures import server

__all__ = ["add_workflow", "project", "server"]


@pytest.fixture
def service(till: Till) -> Iterator[Service]:
    """Dagster and the REST API on the `till` of the test."""
    with running(till.root, "dagster", "api") as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of Dagster's UI, as whoever comes for the first time has it."""
    context = browser.new_context(viewport={"width": 1600, "height": 1400})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield opened
    context.close()
