"""Backfills over the REST API, by a real Dagster."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.service_fixtures import Service, until

pytestmark = pytest.mark.slow

API = "/api/v1"


def test_a_backfill_runs_each_partition_once(service: Service) -> None:
    """It is answered at once, followed by its id, and its runs are runs like others."""
    asked = service.api.post(f"{API}/workflows/parted/backfills", json={"from": "eu", "to": "us"})
    assert asked.status_code == 202, asked.text
    backfill = asked.json()
    assert backfill["workflow_id"] == "parted"
    assert [run["partition"] for run in backfill["runs"]] == ["eu", "us"]
    own = asked.headers["Location"]
    assert own == backfill["links"]["self"]

    def is_over() -> bool:
        return bool(service.api.get(own).json()["status"] != "running")

    until(is_over, "the end of the backfill", seconds=180)
    done = service.api.get(own).json()
    assert (done["status"], done["counts"]) == ("succeeded", {"succeeded": 2}), done
    runs = [service.api.get(f"{API}/runs/{run['run_id']}").json() for run in done["runs"]]
    assert {run["workflow_id"] for run in runs} == {"parted"}
    # Of Dagster's own daemon it would be known half a minute later.
    last = max(datetime.fromisoformat(run["ended_at"]) for run in runs)
    assert datetime.fromisoformat(done["ended_at"]) - last < timedelta(seconds=15)
    journal = (service.root / "journal").read_text()
    assert [journal.count(f"parted {key} ") for key in ("eu", "us", "asia")] == [1, 1, 0]


def test_a_backfill_asked_for_again_is_not_doubled(service: Service) -> None:
    """While it is under way by its partitions, and for ever by its key, which is for it alone."""

    def ask(key: str = "", **body: object) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        asked = service.api.post(f"{API}/workflows/stuck/backfills", json=body, headers=headers)
        return str(asked.json().get("backfill_id", asked.json()))

    first = ask()
    # The same partitions in other words.
    assert first == ask() == ask(**{"from": "eu", "to": "asia"})
    keyed = ask("again-1", partitions=["eu"])
    assert keyed != first
    assert ask("again-1", partitions=["eu"]) == keyed
    assert f"led to backfill {keyed}" in ask("again-1")
    service.api.post(f"{API}/runs/cancel", json={"workflow_id": "stuck"})

    def are_over() -> bool:
        seen = [service.api.get(f"{API}/backfills/{each}").json() for each in (first, keyed)]
        return {each["status"] for each in seen} == {"canceled"}

    until(are_over, "their end")
    assert ask("again-1", partitions=["eu"]) == keyed


@pytest.mark.parametrize(
    ("workflow", "body", "status", "reason"),
    [
        ("parted", {"partitions": ["eu", "mars"]}, 422, "no partition 'mars'"),
        ("parted", {"from": "us", "to": "eu"}, 422, "no partitions from 'us' to 'eu'"),
        ("parted", {"since": "eu"}, 422, "since"),
        ("brief_0", {}, 422, "has no partitions"),
        ("nobody", {}, 404, "no workflow 'nobody'"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(
    service: Service, workflow: str, body: dict[str, object], status: int, reason: str
) -> None:
    """Before anything is started, with the partitions that there are."""
    answer = service.api.post(f"{API}/workflows/{workflow}/backfills", json=body)
    assert answer.status_code == status, answer.text
    assert reason in answer.text


def test_a_backfill_that_nobody_knows_is_not_found(service: Service) -> None:
    """Like a run that nobody knows."""
    assert service.api.get(f"{API}/backfills/nothing").status_code == 404


def test_a_cancelled_backfill_takes_its_runs_along_and_begins_no_more(service: Service) -> None:
    """By itself, or with all of its workflow; what has ended is not cancelled anew."""

    def begun() -> str:
        asked = service.api.post(f"{API}/workflows/stuck/backfills", json={})
        own = str(asked.headers["Location"])
        until(lambda: look(own)["counts"].get("running"), "a run")
        return own

    def look(own: str) -> dict[str, Any]:
        return dict(service.api.get(own).json())

    own = begun()
    asked = service.api.post(f"{own}/cancel")
    assert asked.status_code == 202, asked.text
    until(lambda: look(own)["status"] == "canceled", "its end")
    assert look(own)["counts"] == {"canceled": 3}
    again = service.api.post(f"{own}/cancel")
    assert (again.status_code, "has ended already: canceled" in again.text) == (409, True)

    own = begun()
    all_of_it = service.api.post(f"{API}/runs/cancel", json={"workflow_id": "stuck"}).json()
    assert [f"{API}/backfills/{each}" for each in all_of_it["backfills"]] == [own]
    until(lambda: look(own)["status"] == "canceled", "its end")
    assert service.api.post(f"{API}/backfills/nothing/cancel").status_code == 404
