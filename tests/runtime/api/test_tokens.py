"""Tokens with names and roles: what they open, how they are kept, and what is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.conftest import Dataflow

from dataflow.api.app import create_app
from dataflow.service.api_token import InsecureBindError, check_bind
from dataflow.service.named_tokens import ROLES, NamedTokens, Role, TokenNameError
from dataflow.shared.project import Project

API = "/api/v1"
RUN = f"{API}/workflows/one/run"
OF_THE_SERVER = "of-the-test"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def audit(project: Project) -> list[dict[str, Any]]:
    path = project.state_dir / "audit.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_role_opens_what_it_should(project: Project) -> None:
    """Looking, running, all; beyond the role it is 403, which says both roles. 503: no Dagster."""
    tokens = {role: NamedTokens(project).create(f"a-{role}", role) for role in ROLES}
    asked: list[tuple[str, str, Role]] = [
        ("GET", f"{API}/workflows", "read"),
        ("GET", f"{API}/runs/x/logs", "read"),
        ("POST", RUN, "run"),
        ("POST", f"{API}/runs/x/cancel", "run"),
        ("POST", f"{API}/runs/x/cancel?force=true", "admin"),
    ]
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        for method, path, needed in asked:
            for role, token in tokens.items():
                answer = client.request(method, path, headers=bearer(token))
                enough = ROLES.index(role) >= ROLES.index(needed)
                assert answer.status_code == (503 if enough else 403), (role, path)
                if not enough:
                    # What every POST needs is asked for first.
                    first = "run" if role == "read" else needed
                    assert f"a-{role} has the role {role}; this needs {first}" in answer.text
            assert client.request(method, path).status_code == 401
            assert client.request(method, path, headers=bearer("wrong")).status_code == 401


def test_the_servers_own_token_goes_on_working(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside named ones, and with every right."""
    monkeypatch.setenv("DATAFLOW_API_TOKEN", OF_THE_SERVER)
    named = NamedTokens(project).create("robot", "read")
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        force = f"{API}/runs/x/cancel?force=true"
        assert client.post(force, headers=bearer(OF_THE_SERVER)).status_code == 503
        assert client.get(f"{API}/runs", headers=bearer(named)).status_code == 503
        assert client.get(f"{API}/runs", headers=bearer(OF_THE_SERVER[:-1])).status_code == 401


def test_a_running_server_knows_a_change_at_once(project: Project) -> None:
    """Open to this machine, then to a token, and after its revocation to nobody."""
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        assert client.get(f"{API}/runs").status_code == 503
        token = NamedTokens(project).create("robot", "run")
        assert client.get(f"{API}/runs").status_code == 401
        assert client.get(f"{API}/runs", headers=bearer(token)).status_code == 503
        NamedTokens(project).revoke("robot")
        assert client.get(f"{API}/runs", headers=bearer(token)).status_code == 401
        assert client.get(f"{API}/runs").status_code == 401
        again = NamedTokens(project).create("robot", "run")
        assert client.get(f"{API}/runs", headers=bearer(again)).status_code == 503


def test_a_broken_file_lets_nobody_in(project: Project) -> None:
    """Half a file is a fault that is told, not an open door."""
    token = NamedTokens(project).create("robot", "run")
    path = project.state_dir / "api_tokens.json"
    boss = path.read_text().replace('"run"', '"boss"')
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        for content in (boss, "", path.read_text()[:-20], "{}", "[]", '[{"name": 1}]', "[1]"):
            path.write_text(content)
            for headers in ({}, bearer(token)):
                answer = client.get(f"{API}/runs", headers=headers)
                assert answer.status_code in (401, 503), content
                assert "Dagster" not in answer.text


def test_a_token_is_kept_as_its_hash_for_the_owner_only(project: Project) -> None:
    """Nowhere in the project does it stand, and nobody else may read the file."""
    token = NamedTokens(project).create("robot", "run")
    assert len(token) > 40
    path = project.state_dir / "api_tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    for file in project.root.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes()


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "-x", "a\n", "ä"])
def test_a_name_that_is_none_is_refused(project: Project, name: str) -> None:
    """Names stand in logs and messages."""
    with pytest.raises(TokenNameError):
        NamedTokens(project).create(name, "read")


def test_each_change_is_a_line_of_the_audit_log(project: Project) -> None:
    """Who, what and with which answer; what only looks is not there, nor who is not known."""
    token = NamedTokens(project).create("robot", "run")
    weak = NamedTokens(project).create("viewer", "read")
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        client.post(RUN, headers=bearer(token), json={"tags": {"secret": "s"}})
        client.post(RUN, headers=bearer(weak))
        client.post(RUN, headers=bearer("wrong"))
        client.get(f"{API}/runs", headers=bearer(token))
    lines = [(e["actor"], e["action"], e["target"], e["status"]) for e in audit(project)]
    assert lines == [("robot", "POST", RUN, 503), ("viewer", "POST", RUN, 403)]
    assert token not in (project.state_dir / "audit.jsonl").read_text()


def test_a_named_token_is_enough_to_be_reached_from_elsewhere(project: Project) -> None:
    """As the server's own is."""
    with pytest.raises(InsecureBindError, match="token create"):
        check_bind("0.0.0.0", project=project)  # noqa: S104
    NamedTokens(project).create("robot", "read")
    check_bind("0.0.0.0", project=project)  # noqa: S104


@pytest.mark.slow
def test_the_command_line_makes_lists_and_revokes(project: Project, dataflow: Dataflow) -> None:
    """The token alone on standard output, once; each change is audited with the user."""
    made = dataflow("token", "create", "ci", "--role", "read", cwd=project.root)
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    found = NamedTokens(project).find(token)
    assert found is not None
    assert (found.name, found.role) == ("ci", "read")
    twice = dataflow("token", "create", "ci", cwd=project.root)
    assert twice.returncode == 2
    assert "token revoke ci" in twice.stderr
    listed = dataflow("token", "list", cwd=project.root).stdout
    assert "ci  read" in listed
    assert token not in listed
    assert dataflow("token", "revoke", "ci", cwd=project.root).returncode == 0
    assert "revoked 20" in dataflow("token", "list", cwd=project.root).stdout
    unknown = dataflow("token", "revoke", "ci", cwd=project.root)
    assert unknown.returncode == 2
    assert NamedTokens(project).find(token) is None
    actions = [(entry["action"], entry["target"]) for entry in audit(project)]
    assert actions == [("token create", "ci"), ("token revoke", "ci")]
