"""Cancelling many runs over the REST API, by a real Dagster."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service_fixtures import Service, until

pytestmark = pytest.mark.slow

API = "/api/v1"


def launch(service: Service, workflow_id: str) -> str:
    return str(service.api.post(f"{API}/workflows/{workflow_id}/run").json()["run_id"])


def status(service: Service, run_id: str, wait: float = 0) -> str:
    answer = service.api.get(f"{API}/runs/{run_id}", params={"wait": wait})
    return str(answer.json()["status"])


UNCLEAR: list[tuple[dict[str, Any], str]] = [
    ({}, "all"),
    ({"force": False}, "all"),
    ({"all": False}, "all"),
    ({"run_ids": []}, "run_ids"),
    ({"workflow_id": ""}, "workflow_id"),
    ({"all": True, "workflow_id": "endless"}, "stand alone"),
    ({"run_ids": ["x"], "statuses": ["queued"]}, "stand alone"),
]


def test_what_names_no_runs_cancels_none(service: Service) -> None:
    """A body that lost its filter, or has two, is refused and says what to write."""
    run_id = launch(service, "endless")
    for body, word in UNCLEAR:
        answer = service.api.post(f"{API}/runs/cancel", json=body)
        assert answer.status_code == 422, answer.text
        assert word in answer.text
    assert status(service, run_id) in ("queued", "running")
    assert service.api.post(f"{API}/runs/{run_id}/cancel").status_code == 202
    assert status(service, run_id, 60) == "canceled"


def test_what_waits_is_cancelled_and_what_runs_goes_on(service: Service) -> None:
    """By status and workflow; then all, whatever the workflow; unknown ids say so, one by one."""
    first, second = launch(service, "endless"), launch(service, "endless")
    until(lambda: ["endless", "begins", first] in service.journal(), "the start")
    waiting = {"workflow_id": "endless", "statuses": ["queued"]}
    asked = service.api.post(f"{API}/runs/cancel", json=waiting)
    assert asked.status_code == 202, asked.text
    assert [run["run_id"] for run in asked.json()["runs"]] == [second]
    assert status(service, second, 60) == "canceled"
    assert status(service, first) == "running"
    unknown = service.api.post(f"{API}/runs/cancel", json={"run_ids": ["nobody"]}).json()["runs"]
    assert unknown[0]["status"] is None
    assert "no run 'nobody'" in unknown[0]["error"]
    every = service.api.post(f"{API}/runs/cancel", json={"all": True}).json()["runs"]
    assert first in [run["run_id"] for run in every]
    assert status(service, first, 60) == "canceled"
    [ended] = service.api.post(f"{API}/runs/cancel", json={"run_ids": [first]}).json()["runs"]
    assert (ended["status"], "has ended already" in ended["error"]) == ("canceled", True)
