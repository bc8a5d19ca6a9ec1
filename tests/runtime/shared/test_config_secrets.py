"""Secrets come from the environment, and are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow.shared.config import read_config
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project

    Faults = Callable[..., list[str]]
    Write = Callable[..., Path]

API = """\
workflow: {name: Api}
ingestion:
  source:
    type: api
    url: https://example.org/items
    auth_type: bearer_token
    token: ${API_TOKEN}
load: {table: items}
"""

SECRET = "hunter2-planted"  # noqa: S105 - it is planted to be looked for


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("${API_TOKEN}", SECRET),
        ("${API_TOKEN}", f"${{API_TOKEN:-{SECRET}}}"),
        ("https://example.org", f"https://me:{SECRET}@example.org"),
        ("https://example.org", f"https://me:${{PW:-{SECRET}}}@example.org"),
        ("/items", f"/items?api_key={SECRET}"),
        ("    auth_type", f"    headers: {{Authorization: Bearer {SECRET}}}\n    auth_type"),
        ("    auth_type", f"    params: {{access_token: {SECRET}}}\n    auth_type"),
        ("    auth_type", f"    passwrd: {SECRET}\n    auth_type"),
        ("    auth_type", f"    password: {SECRET}\n    auth_type"),
        ("    auth_type", f"    password: {{a: {SECRET}}}\n    auth_type"),
        ("    auth_type", f"    password: {SECRET}\n    password: x\n    auth_type"),
    ],
)
def test_a_secret_in_the_file_is_refused_without_being_shown(
    old: str, new: str, faults: Faults
) -> None:
    """Tokens, passwords, secret headers and parameters must come from the environment."""
    found = faults(API.replace(old, new), {"API_TOKEN": "x" * 20})
    assert SECRET not in str(found)


def test_a_number_as_a_secret_is_refused(faults: Faults) -> None:
    """A token of digits is a secret in the file as well, and not shown."""
    [found] = faults(API.replace("${API_TOKEN}", "12345678"))
    assert "is a secret in plain text" in found
    assert "12345678" not in found


def test_secrets_from_the_environment_are_masked_from_then_on(
    project: Project, write: Write
) -> None:
    """Secret keys, headers, passwords in URLs and variables of secret names are registered."""
    text = API.replace(
        "    auth_type",
        "    headers: {X-Team: '${TEAM}', Authorization: 'Key ${HEAD}'}\n"
        "    params: {q: '${MY_API_KEY}', page: '${PLAIN}'}\n"
        "    auth_type",
    ).replace("https://", "https://me:${PW}@")
    environ = {
        "API_TOKEN": "token-value",
        "TEAM": "team-value",
        "HEAD": "head-value",
        "MY_API_KEY": "key-value",
        "PLAIN": "plain-value",
        "PW": "p%2Fw-value",
    }
    config = read_config(write(text), project=project, environ=environ)
    for secret in (
        "token-value",
        "team-value",
        "head-value",
        "key-value",
        "p%2Fw-value",
        "p/w-value",
    ):
        assert redact(f"<{secret}>") == "<***>"
    assert redact("<plain-value>") == "<plain-value>"
    assert "-value" not in repr(config).replace("plain-value", "")
    assert config.model_dump()["ingestion"]["source"]["token"] == environ["API_TOKEN"]
