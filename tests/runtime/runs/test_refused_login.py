"""A login that a source refuses: where it came from, and never what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.runs.refused_login import tell_of_login
from dataflow.shared.project import Project
from dataflow.sources.errors import AccessRefusedError

SETTINGS = """\
[tool.dataflow]
secrets_dir = "secrets"
variables = {SHOP_USER = "ann"}
"""


def told(root: Path, source: str, name: str = "") -> str:
    """The instruction of a run whose source, as config.yaml has it, was refused."""
    (root / "pyproject.toml").write_text(SETTINGS)
    folder = root / "src" / "dataflow" / "workflows" / "sales"
    folder.mkdir(parents=True, exist_ok=True)
    of = f"sources: {{{name}: {{source: {source}}}}}" if name else f"source: {source}"
    (folder / "config.yaml").write_text(f"ingestion: {{{of}}}\n")
    error = AccessRefusedError("It refuses access: 401.", "Look at its login.")
    for _ in range(2):
        # As where an error passes twice.
        tell_of_login(error, Project(root), "sales", name)
    assert str(error).startswith("It refuses access")
    return error.instruction


def test_each_variable_is_named_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment, a file of secrets, the settings, or nothing; also of a login left out."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "SALES_PASSWORD").write_text("s3cret-value")
    monkeypatch.setenv("SALES_TOKEN", "t0ken-value")
    said = told(tmp_path, "{type: api, url: u, auth_type: bearer_token}")
    read = "Read in this run: token is ${SALES_TOKEN}, from the environment variable."
    assert said == f"Look at its login. {read}"
    said = told(
        tmp_path,
        "{type: api, auth_type: basic, username: '${SHOP_USER}', password: '${SALES_PASSWORD}'}",
    )
    assert "username is ${SHOP_USER}, from the setting variables" in said
    assert f"password is ${{SALES_PASSWORD}}, from the file {tmp_path}/secrets/SALES" in said
    assert "value" not in said
    said = told(tmp_path, "{type: api, auth_type: api_key, headers: {X: 'a ${OTHER:-b}'}}", "shop")
    assert "api_key is ${SALES_SHOP_API_KEY}, which is not set" in said
    assert "headers is ${OTHER}, which is not set" in said


def test_no_login_is_said_to_be_none(tmp_path: Path) -> None:
    """So that nobody looks for a token that was never sent."""
    assert "without a login (`auth_type: none`)" in told(tmp_path, "{type: api, url: u}")
    assert told(tmp_path, "5") == told(tmp_path, "{type: api, auth_type: none}")
