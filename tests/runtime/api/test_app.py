"""What the REST API does before it asks Dagster anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from dataflow.api.app import create_app
from dataflow.service.api_token import InsecureBindError, NotAllowedError, check_bind, check_token
from dataflow.shared.project import Project

TOKEN = "of-the-test"  # noqa: S105
API = "/api/v1"


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        yield client


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["detail"]
    return document


def test_without_dagster_the_answer_is_503_and_what_to_do(client: TestClient) -> None:
    """Every operation that needs Dagster says so; the server itself is alive."""
    for method, path in (
        ("GET", "/workflows"),
        ("GET", "/workflows/one"),
        ("POST", "/workflows/one/run"),
        ("GET", "/runs"),
        ("GET", "/runs/x"),
        ("GET", "/runs/x/logs"),
        ("POST", "/runs/x/cancel"),
    ):
        document = is_problem(client.request(method, API + path), 503)
        assert "dataflow up dagster" in document["instruction"]
        assert document["code"] == "dagster-unavailable"
    assert is_problem(client.get("/healthz"), 503)
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "key", "meant"),
    [
        ("/workflows/one/run", {"sinec": "2026-01-31"}, "sinec", "since"),
        ("/workflows/one/backfills", {"partition": []}, "partition", "partitions"),
        ("/runs/cancel", {"workflow": "one"}, "workflow", "workflow_id"),
    ],
)
def test_a_key_that_is_not_known_is_refused_with_the_one_that_was_meant(
    client: TestClient, path: str, body: dict[str, Any], key: str, meant: str
) -> None:
    """Where it stands, what was probably meant, and a code to look it up by."""
    document = is_problem(client.post(API + path, json=body), 422)
    assert f"body.{key}" in document["detail"]
    assert f"did you mean `{meant}`" in document["instruction"]
    assert document["code"] == "bad-input"
    assert document["errors"][0]["location"] == ["body", key]


@pytest.mark.parametrize(
    ("disposition", "body", "told"),
    [
        ("append", {"since": "yesterday"}, "`since` is 'yesterday', which is no date"),
        ("append", {"until": "2026-13-01"}, "`until` is '2026-13-01'"),
        ("replace", {"since": "2026-01-31"}, "`replace` would put"),
    ],
)
def test_a_part_that_cannot_be_read_is_refused_before_a_run_is_made(
    project: Project, client: TestClient, disposition: str, body: dict[str, str], told: str
) -> None:
    """By what config.yaml says of the cursor; one that fits goes on to Dagster."""
    cursor = ", incremental: {column: day}" if disposition == "append" else ""
    source = f"{{type: database, url: a.duckdb, table: t{cursor}}}"
    (project.workflow_dir("one") / "config.yaml").write_text(
        f"workflow: {{name: one}}\ningestion:\n  source: {source}\n  columns: {{day: date}}\n"
        f"load: {{table: t, write_disposition: {disposition}}}\n"
    )
    document = is_problem(client.post(f"{API}/workflows/one/run", json=body), 422)
    assert told in document["detail"]
    assert document["code"] == "bad-input"
    if disposition == "append":
        is_problem(client.post(f"{API}/workflows/one/run", json={"since": "2026-01-31"}), 503)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nope", "Basic of-the-test"])
def test_a_missing_or_wrong_token_is_401(
    project: Project, monkeypatch: pytest.MonkeyPatch, header: str | None
) -> None:
    """On every path of the API, also those that do not exist in Dagster."""
    monkeypatch.setenv("DATAFLOW_API_TOKEN", TOKEN)
    with TestClient(create_app(project)) as client:
        headers = {} if header is None else {"Authorization": header}
        for path in ("/workflows", "/workflows/one", "/runs", "/runs/x", "/runs/x/logs"):
            refused = client.get(API + path, headers=headers)
            is_problem(refused, 401)
            assert refused.headers["www-authenticate"] == "Bearer"
        for path in ("/workflows/one/run", "/runs/x/cancel"):
            is_problem(client.post(API + path, headers=headers), 401)
        assert is_problem(client.get("/healthz"), 503)
        right = client.get(f"{API}/workflows", headers={"Authorization": f"bearer {TOKEN}"})
        is_problem(right, 503)


@given(st.text(), st.text(min_size=1))
def test_only_the_token_itself_is_let_in(sent: str, token: str) -> None:
    """Whatever the characters, and without ever failing in another way."""
    stripped = sent.strip() == token
    try:
        check_token(f"Bearer {sent}", token)
    except NotAllowedError:
        assert not stripped
    else:
        assert stripped


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104
def test_binding_elsewhere_needs_a_token(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only addresses of this machine are served to anybody."""
    monkeypatch.delenv("DATAFLOW_API_TOKEN", raising=False)
    with pytest.raises(InsecureBindError):
        check_bind(host)
    monkeypatch.setenv("DATAFLOW_API_TOKEN", TOKEN)
    check_bind(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_needs_no_token(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop works without any setting."""
    monkeypatch.delenv("DATAFLOW_API_TOKEN", raising=False)
    check_bind(host)


def test_a_large_body_is_refused_whether_or_not_it_says_its_size(client: TestClient) -> None:
    """413 from the header alone, and from what arrives."""
    large = b" " * 1_100_000
    is_problem(client.post(f"{API}/workflows/one/run", content=large), 413)
    pieces = iter([large[:600_000], large[:600_000]])
    is_problem(client.post(f"{API}/workflows/one/run", content=pieces), 413)


def test_no_other_site_may_call_unless_configured(
    project: Project, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No CORS headers by default; for the origins that the setting names, and no others."""
    ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    path = f"{API}/workflows/one/run"
    assert "access-control-allow-origin" not in client.options(path, headers=ask).headers
    monkeypatch.setenv("DATAFLOW_API_CORS_ORIGINS", "https://shop.example, https://b.example")
    with TestClient(create_app(Project(project.root))) as configured:
        allowed = configured.options(path, headers=ask).headers
        assert allowed["access-control-allow-origin"] == "https://shop.example"
        other = configured.options(path, headers=ask | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_links_begin_with_the_address_that_people_use(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting public_url, else Dagster's port of this machine."""
    app = create_app(project)
    with TestClient(app):
        assert app.state.ui == f"http://localhost:{project.settings.dagster_port}"
    monkeypatch.setenv("DATAFLOW_PUBLIC_URL", "https://dagster.example.org/")
    app = create_app(Project(project.root))
    with TestClient(app):
        assert app.state.ui == "https://dagster.example.org"


def test_the_openapi_document_is_complete(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every operation has a summary, a description, examples and problem documents as errors."""
    monkeypatch.setenv("DATAFLOW_API_TOKEN", TOKEN)
    with TestClient(create_app(project)) as client:
        document = client.get("/openapi.json").json()
        assert client.get("/docs").status_code == 200
    operations = {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert set(operations) == {
        "GET /api/v1/workflows",
        "GET /api/v1/workflows/{workflow_id}",
        "POST /api/v1/workflows/{workflow_id}/run",
        "GET /api/v1/runs",
        "GET /api/v1/runs/{run_id}",
        "GET /api/v1/runs/{run_id}/logs",
        "POST /api/v1/runs/{run_id}/cancel",
        "POST /api/v1/runs/cancel",
        "GET /api/v1/workflows/{workflow_id}/logs",
        "POST /api/v1/workflows/{workflow_id}/events",
        "GET /metrics",
        "POST /api/v1/workflows/{workflow_id}/backfills",
        "GET /api/v1/backfills/{backfill_id}",
        "POST /api/v1/backfills/{backfill_id}/cancel",
        "GET /healthz",
    }
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        needs_token = name != "GET /healthz" and not name.endswith("/events")
        assert ("security" in operation) == needs_token, name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])
        for status, answer in operation["responses"].items():
            if status[0] in "45":
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert {"examples", "description", "$ref", "items", "anyOf"} & set(described), (
                name,
                field,
            )


def test_an_unexpected_error_shows_nothing_of_the_inside(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours is a 500 problem document without its text."""
    with monkeypatch.context() as broken:
        broken.setattr(client.app.state.dagster, "_graphql", "no client")  # type: ignore[attr-defined]
        document = is_problem(client.get(f"{API}/workflows"), 500)
    assert "attribute" not in json.dumps(document)


@pytest.mark.slow
def test_the_api_imports_neither_dagster_nor_pandas() -> None:
    """A server that only asks Dagster over HTTP stays small."""
    code = (
        "import sys; from dataflow.api.app import create_app\n"
        "heavy = ('dagster', 'pandas', 'pyarrow', 'duckdb', 'dbt')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
