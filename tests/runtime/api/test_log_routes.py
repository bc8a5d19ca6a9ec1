"""Looking through the logs of a workflow, over REST and by `dataflow workflow logs`."""

from __future__ import annotations

import json

import pytest
from tests.conftest import Dataflow
from tests.service_fixtures import Service

pytestmark = pytest.mark.slow

API = "/api/v1"


def test_lines_are_found_over_rest_and_by_the_command(service: Service, dataflow: Dataflow) -> None:
    """By text and level, the newest run first, page by page; both ways tell the same."""
    made = []
    for _ in range(2):
        asked = service.api.post(f"{API}/workflows/failing/run", params={"wait": 60})
        made.append(asked.json()["run_id"])
    url = f"{API}/workflows/failing/logs"
    query = {"q": "THE SHOP IS closed", "level": "error", "limit": "1"}
    first = service.api.get(url, params=query).json()
    assert {line["run_id"] for line in first["lines"]} == {made[1]}
    assert all("the shop is closed" in line["message"] for line in first["lines"])
    after = {**query, "cursor": first["next_cursor"]}
    second = service.api.get(url, params=after).json()
    assert {line["run_id"] for line in second["lines"]} == {made[0]}
    options = ("-q", "the shop is closed", "--level", "error", "--json")
    found = dataflow("workflow", "logs", "failing", *options, cwd=service.root, env=service.env)
    assert found.returncode == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    shown = [*first["lines"], *second["lines"]]
    assert [line["message"] for line in lines[: len(shown)]] == [line["message"] for line in shown]
    nothing = service.api.get(url, params={"q": "the shop is open"}).json()
    assert nothing == {"lines": [], "next_cursor": None}
    assert service.api.get(f"{API}/workflows/nobody/logs").status_code == 404
