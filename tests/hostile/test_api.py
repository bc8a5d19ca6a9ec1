"""The running REST API against requests that nobody sane sends."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode
from tests.hostile.planted import PLANTED, environment, finds, talkative_server, write
from tests.hostile.test_secrets import LOGGING, job
from tests.service_fixtures import Service, running, write_project, write_workflow

pytestmark = pytest.mark.slow

RUN = "/api/v1/workflows/my_workflow/run"
JSON = {"Content-Type": "application/json"}
TOKEN = PLANTED["THIRD_TOKEN"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Dagster and the REST API, with a token and workflows that fail on their secrets."""
    root = write_project(tmp_path_factory.mktemp("service") / "shop")
    # The one that the examples of the OpenAPI document name.
    write_workflow(root, "my_workflow")
    with talkative_server() as server:
        source = f'{{type: api, url: "{server}/401?access_token=${{QUERY}}", paging: {{type: none}}'
        refused = f'{source}, auth_type: bearer_token, token: "${{BEARER}}"}}'
        logged = refused.replace("/401", "/200").replace("${BEARER}", "${LOGGED}")
        raised = logged.replace("${LOGGED}", "${RAISED}")
        write(root, "refused", refused, job())
        write(root, "logging", logged, job(LOGGING))
        write(root, "raising", raised, job('raise RuntimeError("no " + os.environ["RAISED"])'))
        variables = {**environment(server), "DATAFLOW_API_TOKEN": TOKEN}
        with running(root, "dagster", "api", env=variables) as up:
            up.api.headers["Authorization"] = f"Bearer {TOKEN}"
            yield up


def is_refused(answer: httpx.Response) -> bool:
    """Whether it is one clear message: a problem document of a caller's mistake."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["detail"]
    assert "Traceback" not in answer.text
    return 400 <= answer.status_code < 500


# Depths around those at which recursion ends, in Python and in what is written in C.
DEEP = [b"[" * depth + b"]" * depth for depth in (101, 500, *range(900, 1010, 3), 5_000, 100_000)]
BODIES = {
    "NaN": b'{"run_config": {"a": NaN}}',
    "infinity": b'{"run_config": {"a": [1e999]}}',
    "half a character": b'{"run_config": {"a": "\\ud800"}}',
    "half a character as key": b'{"run_config": {"\\udfff": 1}}',
    "half a character as tag": b'{"tags": {"a": "\\ud800"}}',
    "half a character as field": b'{"\\ud800": 1}',
    "NUL in a tag": b'{"tags": {"a": "\\u0000"}}',
    "a number without end": b'{"run_config": {"a": ' + b"9" * 5_000 + b"}}",
    "not UTF-8": b'{"tags": {"a": "\xff"}}',
    "cut off": b'{"tags": {"a": ',
    "a list": b"[]",
    "a text": b'"{}"',
    "a tag of the library's own": b'{"tags": {"dataflow/workflow": "other"}}',
    "a tag of Dagster's": b'{"tags": {".dagster/repository": "x"}}',
    **{f"{len(deep):,} brackets": b'{"run_config": {"a": ' + deep + b"}}" for deep in DEEP},
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_request_is_refused(service: Service, name: str) -> None:
    """NaN, halves of characters, endless numbers, any depth: a 4xx, and nothing is launched."""
    assert is_refused(service.api.post(RUN, content=BODIES[name], headers=JSON))


@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/xml", "application/x-www-form-urlencoded", "text/html", "x"),
        *("/", "multipart/form-data", "multipart/form-data; boundary=x"),
        "application/json; charset=x" * 9,
    ],
)
def test_a_body_of_another_kind_is_not_guessed_at(service: Service, kind: str) -> None:
    """Whatever the media type says, a page in a browser cannot launch a run with a form."""
    sent = b"tags=1" if "json" in kind else b'{"tags": {"a": "b"}}'
    assert is_refused(service.api.post(RUN, content=sent, headers={"Content-Type": kind}))


@settings(max_examples=300, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_answered(service: Service, body: bytes) -> None:
    """Three hundred random bodies for a workflow that is not there: never a 5xx."""
    assert is_refused(service.api.post("/api/v1/workflows/nothing/run", content=body, headers=JSON))


def test_a_body_without_a_length_is_counted(service: Service) -> None:
    """A chunked body is refused as soon as it is too large, not when it ends."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield b" " * 65_536

    try:
        answer = service.api.post(RUN, content=endless(), headers=JSON)
    except httpx.TransportError:
        # The server has answered, and closed the connection in the middle of the body.
        assert sent < 200
    else:
        assert answer.status_code == 413
        assert is_refused(answer)


@pytest.mark.parametrize(
    ("name", "value", "statuses"),
    [
        ("Idempotency-Key", b"x" * 60_000, {422}),
        ("Idempotency-Key", b"", {422}),
        ("Idempotency-Key", b"\xff\xfe", {202, 422}),
        ("Authorization", b"Bearer \xff\xfe", {401}),
        ("Authorization", b"Bearer " + b"x" * 60_000, {401}),
        ("Authorization", b"Basic " + TOKEN.encode(), {401}),
        ("Authorization", TOKEN.encode(), {401}),
        ("Authorization", b"", {401}),
        ("Cookie", b"a=" + b"x" * 60_000, {202}),
        ("X-Forwarded-For", b"127.0.0.1", {202}),
        ("Host", b"evil.example", {421}),
        ("Origin", b"http://evil.example", {403}),
        ("Sec-Fetch-Site", b"cross-site", {403}),
    ],
)
def test_odd_headers_are_answered(
    service: Service, name: str, value: bytes, statuses: set[int]
) -> None:
    """Huge, empty, not ASCII: refused where they mean something, without effect where not."""
    answer = service.api.post(RUN, headers={name.encode(): value})
    assert answer.status_code in statuses, answer.text
    assert answer.status_code == 202 or is_refused(answer)
    # What is refused is quoted; no address in an answer is made of it.
    assert "evil.example/" not in answer.text
    assert "evil.example" not in str(answer.headers)


def test_a_header_that_comes_twice_opens_nothing(service: Service) -> None:
    """Neither order of a right and a wrong token is more than the first of them."""
    address = urlsplit(service.api_url)
    for tokens, status in (((TOKEN, "wrong"), 200), (("wrong", TOKEN), 401)):
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        connection.putrequest("GET", "/api/v1/runs")
        for token in tokens:
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        *("runs/%00", "runs/%ff%fe", "workflows/%ED%A0%80", "workflows/..%2f..%2fetc%2fpasswd"),
        *("workflows/%2e%2e", "runs?cursor=%00", "runs?limit=" + "9" * 400, "runs?limit=1e2"),
        *("runs/x?wait=nan", "runs/x?wait=inf", "runs/x/logs?after=%00", "runs?status=<script>"),
        *("runs/a%0d%0aX-Evil:%20y", "runs?cursor=a'%20or%201=1--", "workflows/" + "a" * 50_000),
    ],
)
def test_odd_addresses_are_not_found(service: Service, path: str) -> None:
    """Path tricks, NULs, header and SQL injection: a 4xx, with no header of the caller's making."""
    answer = service.api.get(f"/api/v1/{path}")
    assert is_refused(answer)
    assert "x-evil" not in answer.headers
    assert "passwd" not in answer.json()["detail"] or answer.status_code == 404


OPERATIONS = [
    "GET /api/v1/workflows",
    "GET /api/v1/workflows/{workflow_id}",
    "POST /api/v1/workflows/{workflow_id}/run",
    "GET /api/v1/runs",
    "GET /api/v1/runs/{run_id}",
    "GET /api/v1/runs/{run_id}/logs",
    "POST /api/v1/runs/{run_id}/cancel",
    "GET /api/v1/workflows/{workflow_id}/logs",
    "POST /api/v1/runs/cancel",
    "POST /api/v1/workflows/{workflow_id}/backfills",
    "GET /api/v1/backfills/{backfill_id}",
    "POST /api/v1/backfills/{backfill_id}/cancel",
    "GET /metrics",
    "POST /api/v1/workflows/{workflow_id}/events",
    "GET /healthz",
]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_is_as_its_document_says(service: Service, name: str) -> None:
    """Schemathesis finds no 5xx and no answer that the OpenAPI document does not describe."""
    schema = schemathesis.openapi.from_url(f"{service.api_url}/openapi.json")
    described: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    found = {operation.label: operation for operation in described}
    assert list(found) == OPERATIONS
    # Parameters that nobody knows are ignored, as on the web; and what fits the document need not
    # fit the job or its partitions, or what a key was used for before.
    unfit = ["negative_data_rejection", "positive_data_acceptance"]
    asks = name.endswith(("/run", "/backfills", "/events", "/runs/cancel"))
    excluded: list[Any] = [CHECKS.get_one(check) for check in unfit if asks]

    def ask(case: Case[Any]) -> None:
        if name.endswith("/run") and isinstance(case.query, dict):
            # Waiting is tested elsewhere.
            case.query.pop("wait", None)
        case.call_and_validate(
            headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=excluded, timeout=60
        )

    strategies: list[st.SearchStrategy[Case[Any]]] = [
        *found[name].get_strategies_from_examples(),
        found[name].as_strategy(GenerationMode.POSITIVE),
    ]
    # Which takes nothing that could be wrong.
    if name not in ("GET /healthz", "GET /metrics"):
        strategies.append(found[name].as_strategy(GenerationMode.NEGATIVE))
    few: Any = settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
    for strategy in strategies:
        few(given(strategy)(ask))()


def test_no_secret_comes_out_of_the_service(service: Service) -> None:
    """Not in answers, not in logs, Dagster's own interface, its history or what it prints."""
    found: list[str] = []
    ends = {"refused": "failed", "raising": "failed", "logging": "succeeded"}
    launched = {name: service.api.post(f"/api/v1/workflows/{name}/run").json() for name in ends}
    for name, status in ends.items():
        run_id = launched[name]["run_id"]
        answer = service.api.get(f"/api/v1/runs/{run_id}", params={"wait": 90})
        assert answer.json()["status"] == status, answer.text
        log = service.api.get(f"/api/v1/runs/{run_id}/logs")
        assert log.json()["entries"]
        inside = service.graphql(EVENTS, id=run_id)
        for where, content in (("run", answer.text), ("log", log.text), ("events", str(inside))):
            found += finds(f"{where} of {name}", content)
        found += finds(f"GraphQL of {name}", json.dumps(inside))
    for path in ("/api/v1/runs", "/api/v1/workflows", "/openapi.json"):
        found += finds(path, service.api.get(path).text)
    found += finds("what the service prints", service.output)
    for file in service.root.rglob("*"):
        if file.is_file():
            found += finds(str(file), file.read_bytes())
    assert found == []


EVENTS = """
query E($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on MessageEvent { message }
  ... on ExecutionStepFailureEvent { error { message stack causes { message stack } } }
  ... on ExecutionStepOutputEvent { metadataEntries { label description
    ... on TextMetadataEntry { text } } }
} } } }
"""
