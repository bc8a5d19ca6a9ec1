"""A service whose history is in a Postgres that goes away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.database_fixtures import postgres, proxy
from tests.service_fixtures import running, until, write_project, write_workflow

from dataflow.shared.postgres_address import shown_address

__all__ = ["postgres"]
# Less than Dagster itself goes on trying.
SOON = 8
pytestmark = pytest.mark.slow


def test_a_history_that_is_away_is_named_at_once(tmp_path: Path, postgres: str) -> None:
    """By health and by whoever asks for a run, with its place; not after Dagster's patience."""
    root = write_project(tmp_path / "shop")
    write_workflow(root, "one")
    with proxy(postgres) as (address, cut):
        settings = root / "pyproject.toml"
        settings.write_text('[tool.dataflow]\nhistory = "${HISTORY_URL}"\n')
        with running(root, "dagster", "api", env={"HISTORY_URL": address}) as service:
            assert service.api.get("/healthz").status_code == 200
            launched = service.api.post("/api/v1/workflows/one/run").json()
            run = f"/api/v1/runs/{launched['run_id']}"
            until(lambda: service.api.get(run).json()["status"] == "succeeded", "the run")
            cut()
            launch = ("POST", "/api/v1/workflows/one/run")
            # The second time the webserver has met it, and tries for long.
            looks = [("GET", path) for path in ("/healthz", "/api/v1/runs", run, f"{run}/logs")]
            for method, path in (*looks, launch, launch):
                asked = time.monotonic()
                answer = service.api.request(method, path)
                assert time.monotonic() - asked < SOON
                assert answer.status_code == 503
                assert f"Postgres at {shown_address(address)}" in answer.json()["detail"]
            service.stop()
