"""The REST API over real HTTP, against a real `dataflow up`."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.service_fixtures import Service, until, write_workflow

pytestmark = pytest.mark.slow

API = "/api/v1"


def run(service: Service, workflow_id: str, **options: object) -> httpx.Response:
    return service.api.post(f"{API}/workflows/{workflow_id}/run", **options)  # type: ignore[arg-type]


def is_problem(response: httpx.Response, status: int, *words: str) -> bool:
    document = response.json()
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["instruction"]
    text = f"{document['detail']} {document['instruction']}"
    return all(word in text for word in words)


def test_a_run_is_launched_and_followed_by_its_links(service: Service) -> None:
    """202 with the id, the status and links that lead to the run until it has succeeded."""
    launched = run(service, "brief_0")
    assert launched.status_code == 202
    body = launched.json()
    assert body["status"] in ("queued", "running")
    assert launched.headers["location"] == body["links"]["self"]

    def over() -> dict[str, object] | None:
        seen: dict[str, object] = service.api.get(body["links"]["self"]).json()
        return seen if seen["status"] == "succeeded" else None

    seen = until(over, "the end of the run")
    assert [(step["name"], step["status"]) for step in seen["steps"]] == [
        ("extract_op", "succeeded"),
        ("transform_op", "succeeded"),
    ]
    assert seen["created_at"] <= seen["started_at"] <= seen["ended_at"]
    assert service.api.get(body["links"]["workflow"]).json()["workflow_id"] == "brief_0"
    assert service.journal("brief_0")[-1] == ["brief_0", "ends", body["run_id"]]


def test_a_run_is_the_same_that_the_dagster_ui_shows(service: Service) -> None:
    """Dagster knows the run under its job, with the workflow's tag."""
    body = run(service, "brief_1", params={"wait": 60}).json()
    query = (
        "query R($id: ID!) { runOrError(runId: $id) "
        "{ ... on Run { jobName status tags { key value } } } }"
    )
    seen = service.graphql(query, id=body["run_id"])["runOrError"]
    assert (seen["jobName"], seen["status"]) == ("brief_1_job", "SUCCESS")
    assert {"key": "dataflow/workflow", "value": "brief_1"} in seen["tags"]


def test_waiting_answers_when_the_run_is_over(service: Service) -> None:
    """With ?wait the answer is 200 and has the steps of a run that is over."""
    done = run(service, "brief_2", params={"wait": 60})
    assert done.status_code == 200
    assert done.json()["status"] == "succeeded"
    assert len(done.json()["steps"]) == 2


def test_waiting_answers_when_the_time_is_up(service: Service) -> None:
    """A run that takes longer is answered with 202 and goes on; cancelled, it ends."""
    asked = run(service, "endless", params={"wait": 1})
    assert asked.status_code == 202
    run_id = asked.json()["run_id"]
    until(lambda: ["endless", "begins", run_id] in service.journal(), "the start")
    cancelled = service.api.post(f"{API}/runs/{run_id}/cancel")
    assert cancelled.status_code == 202
    ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 60}).json()
    assert ended["status"] == "canceled"
    assert is_problem(service.api.post(f"{API}/runs/{run_id}/cancel"), 409, "ended already")


def test_lists_carry_the_steps_and_metrics_count_the_runs(service: Service) -> None:
    """What a run noted at its end is in lists; /metrics has it by workflow and status."""

    def samples() -> dict[str, float]:
        text = service.api.get("/metrics").text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    good = 'dataflow_runs_total{status="succeeded",workflow="brief_9"}'
    bad = 'dataflow_runs_total{status="failed",workflow="failing"}'
    before = samples()
    run(service, "brief_9", params={"wait": 60})
    failed = run(service, "failing", params={"wait": 60}).json()
    after = samples()
    assert after[good] == before.get(good, 0) + 1
    assert after[bad] == before.get(bad, 0) + 1
    assert after["dataflow_up"] == 1
    assert 0 <= after['dataflow_freshness_seconds{workflow="brief_9"}'] < 90
    assert after['dataflow_workflow_broken{workflow="broken"}'] == 1
    listed = service.api.get(f"{API}/runs", params={"workflow_id": "failing"}).json()["runs"][0]
    assert listed["run_id"] == failed["run_id"]
    assert [(step["name"], step["status"]) for step in listed["steps"]] == [
        ("extract_op", "failed")
    ]
    assert "the shop is closed" in listed["error"]


def test_a_failed_run_says_what_was_raised_and_where(service: Service) -> None:
    """The error names the exception and the line of the author's code."""
    done = run(service, "failing", params={"wait": 60}).json()
    assert done["status"] == "failed"
    assert "the shop is closed" in done["error"]
    assert "workflows/failing/dagster_job.py:" in done["error"]
    assert done["steps"][0]["status"] == "failed"


def test_a_run_that_died_before_its_steps_says_why_in_lists_too(service: Service) -> None:
    """It has noted nothing itself; the reason is the same in the list and in the run."""
    ended = run(service, "dying", params={"wait": 60}).json()
    assert ended["status"] == "failed"
    assert "the shop has burnt down" in ended["error"]
    for _ in range(2):
        listed = service.api.get(f"{API}/runs", params={"workflow_id": "dying"}).json()["runs"]
        assert [entry["error"] for entry in listed] == [ended["error"]]


def test_parts_of_a_workflow_are_made_again(service: Service) -> None:
    """`only` leaves out the source: models alone, then the dashboard alone."""
    whole = run(service, "sales", params={"wait": 120}).json()
    assert whole["status"] == "succeeded", whole
    for part, done in (("models", "model"), ("dashboard", "publish")):
        ended = run(service, "sales", json={"only": [part]}, params={"wait": 120}).json()
        assert ended["status"] == "succeeded", ended
        said = {step["name"]: step["summary"] for step in ended["steps"]}
        assert said[done]
        assert "rows" not in said["extract"]
    unfit = run(service, "brief_0", json={"only": ["models"]})
    assert is_problem(unfit, 422, "has no models")


def test_old_runs_are_taken_out_of_the_history(service: Service) -> None:
    """The service sees to what history_days says; newer runs stay."""
    of_it = '{pipelineName: "forgotten_job"}'
    asked = f"runsOrError(filter: {of_it}) {{ ... on Runs {{ results {{ runId }} }} }}"
    query = f"query R {{ {asked} }}"
    until(lambda: service.graphql(query)["runsOrError"]["results"] == [], "the end of old runs")
    assert "1 old runs are taken out of the history" in service.output


def test_the_log_has_what_the_workflow_logged(service: Service) -> None:
    """Reading on from the cursor gives each line once."""
    run_id = run(service, "brief_3", params={"wait": 60}).json()["run_id"]
    messages, cursor, more = [], None, True
    while more:
        query = {"limit": 5, **({"after": cursor} if cursor else {})}
        page = service.api.get(f"{API}/runs/{run_id}/logs", params=query).json()
        messages += [entry["message"] for entry in page["entries"]]
        cursor, more = page["cursor"], page["has_more"]
    assert len([message for message in messages if message.startswith("extracting")]) == 1
    rest = service.api.get(f"{API}/runs/{run_id}/logs", params={"after": cursor}).json()
    assert rest["entries"] == []
    wrong = service.api.get(f"{API}/runs/{run_id}/logs", params={"after": "no cursor"})
    assert is_problem(wrong, 422, "cursor")


def test_errors_are_problem_documents_that_say_what_to_do(service: Service) -> None:
    """Unknown 404, broken 409, bad run config and bad requests 422, too large 413."""
    assert is_problem(run(service, "nothing"), 404, "'nothing'", "brief_0")
    assert is_problem(run(service, "broken"), 409, "nothing_of_that_name", "reload")
    assert is_problem(run(service, "picky"), 422, "day")
    wrong = {"run_config": {"ops": {"extract_op": {"config": {"day": 1}}}}}
    assert is_problem(run(service, "picky", json=wrong), 422, "picky")
    assert is_problem(run(service, "brief_0", json={"tag": {}}), 422, "body.tag")
    assert is_problem(run(service, "brief_0", json={"tags": {"dagster/priority": "9"}}), 422)
    assert is_problem(run(service, "brief_0", content="{", headers=JSON), 422)
    assert is_problem(run(service, "brief_0", content=b"x" * 2_000_000), 413, "1,048,576")
    assert is_problem(service.api.get(f"{API}/runs/nothing"), 404, "nothing")
    assert is_problem(service.api.get(f"{API}/runs/nothing/logs"), 404, "nothing")
    assert is_problem(service.api.post(f"{API}/runs/nothing/cancel"), 404, "nothing")
    assert is_problem(service.api.get(f"{API}/runs", params={"limit": 0}), 422, "limit")
    assert is_problem(service.api.get(f"{API}/runs", params={"cursor": "no"}), 404)
    assert is_problem(service.api.get("/nothing"), 404)
    assert is_problem(service.api.delete(f"{API}/runs"), 405)


JSON = {"content-type": "application/json"}


def test_run_config_reaches_the_op(service: Service) -> None:
    """What the job's ops declare can be given, and shows in the run's tags what the caller set."""
    fits = {
        "run_config": {"ops": {"extract_op": {"config": {"day": "2026-01-31"}}}},
        "tags": {"asked-by": "the-test"},
    }
    done = run(service, "picky", json=fits, params={"wait": 60}).json()
    assert done["status"] == "succeeded"
    assert done["tags"]["asked-by"] == "the-test"


def test_workflows_are_listed_the_broken_one_with_its_reason(service: Service) -> None:
    """Two workflows whose ops have the same names are both there; so is the one that is broken."""
    listed = service.api.get(f"{API}/workflows").json()["workflows"]
    by_id = {workflow["workflow_id"]: workflow for workflow in listed}
    jobs = (service.root / "src/dataflow/workflows").glob("*/dagster_job.py")
    assert set(by_id) == {path.parent.name for path in jobs}
    assert by_id["brief_0"]["status"] == by_id["brief_1"]["status"] == "ok"
    assert by_id["broken"]["status"] == "broken"
    assert "nothing_of_that_name" in by_id["broken"]["reason"]
    assert by_id["ticking"]["schedule"] == {"cron": "* * * * *", "timezone": "UTC", "is_on": True}


def test_a_workflow_made_while_the_service_runs_can_be_run(service: Service) -> None:
    """Dagster is told to look again; nothing has to be restarted."""
    write_workflow(service.root, "brief_new")
    try:
        assert run(service, "brief_new", params={"wait": 60}).json()["status"] == "succeeded"
    finally:
        for path in (service.root / "src/dataflow/workflows/brief_new").glob("*.*"):
            path.unlink()


def test_a_key_makes_trying_again_safe(service: Service) -> None:
    """Eight tries at once with one key are one run; the key with another request is refused."""
    headers = {"Idempotency-Key": "order-4711"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: run(service, "brief_4", headers=headers), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    other = run(service, "brief_4", headers=headers, json={"tags": {"a": "b"}})
    assert is_problem(other, 422, "another request")
    assert is_problem(run(service, "brief_4", headers={"Idempotency-Key": "x" * 256}), 422)


def test_the_second_run_of_a_workflow_waits_its_turn(service: Service) -> None:
    """Two runs of one workflow do not overlap; another workflow runs beside them."""
    go = service.root / "go"
    first, second = (run(service, "waiting").json()["run_id"] for _ in range(2))
    until(lambda: service.journal("waiting"), "the start of the first")
    assert run(service, "brief_5", params={"wait": 60}).json()["status"] == "succeeded"
    begun = [run_id for _, word, run_id in service.journal("waiting") if word == "begins"]
    assert len(begun) == 1
    queued = service.api.get(
        f"{API}/runs", params={"workflow_id": "waiting", "status": ["queued", "running"]}
    ).json()["runs"]
    assert {entry["run_id"] for entry in queued} == {first, second}
    go.touch()
    for run_id in (first, second):
        ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 60}).json()
        assert ended["status"] == "succeeded"
    assert [word for _, word, _ in service.journal("waiting")] == ["begins", "ends"] * 2
    go.unlink()


def test_a_queued_run_is_cancelled_before_it_starts(service: Service) -> None:
    """It ends at once and never does anything."""
    first, second = (run(service, "endless").json()["run_id"] for _ in range(2))
    until(lambda: ["endless", "begins", first] in service.journal(), "the start")
    service.api.post(f"{API}/runs/{second}/cancel")
    service.api.post(f"{API}/runs/{first}/cancel")
    for run_id in (first, second):
        ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 60}).json()
        assert ended["status"] == "canceled"
    assert ["endless", "begins", second] not in service.journal()


def test_a_run_is_cancelled_at_whatever_point_of_its_start(service: Service) -> None:
    """Also while its process comes up; alone, and several with one request."""
    for pause in (0, 0.2, 0.5):
        run_id = run(service, "endless").json()["run_id"]
        time.sleep(pause)
        cancelled = service.api.post(f"{API}/runs/{run_id}/cancel")
        assert cancelled.status_code == 202, cancelled.text
        ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 60}).json()
        assert ended["status"] == "canceled"
    several = [run(service, "endless").json()["run_id"] for _ in range(3)]
    cancelled = service.api.post(f"{API}/runs/cancel", json={"run_ids": several})
    assert cancelled.status_code < 300, cancelled.text
    for run_id in several:
        ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 60}).json()
        assert ended["status"] == "canceled", ended


def test_fifty_launches_at_once_all_run_once(service: Service) -> None:
    """Over ten workflows: all end, none is lost, none runs twice, none beside its like."""
    before = len(service.journal())
    names = [f"brief_{number % 10}" for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: run(service, n), names))
    assert [answer.text for answer in answers if answer.status_code != 202] == []
    launched = [answer.json()["run_id"] for answer in answers]
    assert len(set(launched)) == 50
    for run_id in launched:
        ended = service.api.get(f"{API}/runs/{run_id}", params={"wait": 200}).json()
        assert ended["status"] == "succeeded", ended
    entries = [entry for entry in service.journal()[before:] if entry[2] in launched]
    assert Counter(run_id for _, _, run_id in entries) == dict.fromkeys(launched, 2)
    for name in set(names):
        words = [word for workflow_id, word, _ in entries if workflow_id == name]
        assert words == ["begins", "ends"] * 5


def test_runs_are_listed_in_pages(service: Service) -> None:
    """Going on from the cursor gives each run once, the newest first."""
    made = [run(service, "brief_6", params={"wait": 60}).json()["run_id"] for _ in range(3)]
    seen, cursor = [], None
    while True:
        query = {"workflow_id": "brief_6", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = service.api.get(f"{API}/runs", params=query).json()
        seen += page["runs"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [entry["run_id"] for entry in seen[:3]] == made[::-1]
    assert len({entry["run_id"] for entry in seen}) == len(seen)
    failed = service.api.get(f"{API}/runs", params={"workflow_id": "brief_6", "status": "failed"})
    assert failed.json() == {"runs": [], "next_cursor": None}


def test_a_schedule_that_is_switched_on_fires(service: Service) -> None:
    """Switched on through Dagster's own interface; its run has the workflow's tag."""

    def fired() -> list[dict[str, object]]:
        listed = service.api.get(f"{API}/runs", params={"workflow_id": "ticking"}).json()
        runs: list[dict[str, object]] = listed["runs"]
        return [entry for entry in runs if entry["status"] == "succeeded"]

    until(fired, "a tick")


def test_the_service_says_how_it_does(service: Service) -> None:
    """/healthz needs no token and says that Dagster's daemon is alive."""
    health = service.api.get("/healthz")
    assert health.status_code == 200
    assert health.json()["status"] == "ok"
    assert health.json()["daemon_silent_for"] < 90
