"""Where the values of `${NAME}` come from, and in which order."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest
from tests.plugin_fixtures import InstallPlugin, install_plugin

from dataflow.shared.config import read_config
from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.redaction import redact
from dataflow.shared.setting_values import setting_value
from dataflow.shared.values import EnvironmentValues, SecretFileError

__all__ = ["install_plugin"]

# A store that has one secret, can be asked with one key, and writes down what it is asked.
STORE = """
from typing import Literal
from dataflow.shared.config_types import Section, Text
from dataflow.shared.secrets_kind import SecretsKind

asked = []

class Vault(Section):
    type: Literal["vault"]
    key: Text

def open_store(settings):
    def look_up(name):
        asked.append((settings.key, name))
        return "of-the-vault" if name == "LOGIN" else None
    return look_up

KIND = SecretsKind(Vault, open_store)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    made.mkdir()
    return made


def test_each_place_is_asked_after_the_one_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process's variable, NAME_FILE, the folder of secrets, then the settings' variables."""
    values = EnvironmentValues({"PLACE": "settings"}, folder)
    assert (values["PLACE"], values.origin("PLACE")) == ("settings", "setting variables")
    (folder / "PLACE").write_text("folder\n")
    assert values["PLACE"] == "folder"
    (tmp_path / "named").write_text("named file\r\n")
    monkeypatch.setenv("PLACE_FILE", str(tmp_path / "named"))
    assert values["PLACE"] == "named file"
    monkeypatch.setenv("PLACE", "process")
    assert values["PLACE"] == "process"
    assert {"PLACE"} <= set(values)
    assert "NOWHERE" not in values


def test_variables_refer_to_others(folder: Path) -> None:
    """Also to a file; a value that is missing is named, with who needs it; a circle is refused."""
    (folder / "DB_PASSWORD").write_text("p@ss-of-the-file")
    variables = {
        "DB": "postgresql://me:${DB_PASSWORD}@${HOST:-db}/shop",
        "LOST": "${NO_SUCH_VALUE}",
        "A": "${B}",
        "B": "${A}",
    }
    values = EnvironmentValues(variables, folder)
    assert values["DB"] == "postgresql://me:p%40ss-of-the-file@db/shop"
    _, [fault] = resolve({"url": "${LOST}"}, values)
    assert fault.reason == (
        "the environment variable NO_SUCH_VALUE is not set, and there is no file "
        f"{folder / 'NO_SUCH_VALUE'}, "
        "which variables.LOST of the settings needs"
    )
    with pytest.raises(BadInputError, match="circle: A -> B -> A"):
        values["A"]


def test_what_comes_from_a_file_is_masked(folder: Path) -> None:
    """Whatever it is called; a short text under an innocent name is not, since it says nothing."""
    (folder / "LOGIN").write_text("long-enough-to-be-one")
    (folder / "PORT").write_text("5439")
    values = EnvironmentValues({}, folder)
    assert redact(f"{values['LOGIN']} {values['PORT']}") == "*** 5439"


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the value that is needed; a default in config.yaml does not hide it."""
    monkeypatch.setenv("TOKEN_FILE", str(folder / "not there"))
    with pytest.raises(SecretFileError, match="TOKEN cannot be read from .*not there"):
        resolve({"token": "${TOKEN:-x}"}, EnvironmentValues({}, folder))


def test_a_secret_in_plain_text_among_the_variables_is_refused() -> None:
    """As in config.yaml."""
    with pytest.raises(BadInputError, match="variables.API_TOKEN is a secret in plain text"):
        EnvironmentValues({"API_TOKEN": "written-out"})["API_TOKEN"]


def test_a_configuration_has_the_values_of_its_environment(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config.yaml` is read with the variables and secrets that the chosen environment names."""
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    (folder / "SHOP_TOKEN").write_text("of-the-folder")
    (tmp_path / "pyproject.toml").write_text(
        "[tool.dataflow.environments.prod]\n"
        f'secrets_dir = "{folder}"\nvariables = {{HOST = "shop.test"}}\n'
    )
    path = tmp_path / "src/dataflow/workflows/sales/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "workflow: {name: Sales}\ningestion:\n  source: {type: api, "
        "url: 'https://${HOST}/sales', auth_type: bearer_token, token: '${SHOP_TOKEN}'}\n"
    )
    source = read_config(path, project=Project(tmp_path)).ingestion.source
    assert source is not None
    assert source.model_dump()["url"] == "https://shop.test/sales"
    assert redact("of-the-folder") == "***"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("postgresql://me:${NO_SUCH_PASSWORD}@db/x", "NO_SUCH_PASSWORD is not set"),
        ("postgresql://me:written-out@db/x", "has a password or key in plain text"),
    ],
)
def test_a_setting_without_its_value_or_with_a_secret_is_refused(
    tmp_path: Path, written: str, said: str
) -> None:
    """By the setting's name, and without the secret."""
    (tmp_path / "pyproject.toml").write_text(f'[tool.dataflow]\nhistory = "{written}"\n')
    with pytest.raises(BadInputError, match=f"setting history of .*{said}") as error:
        setting_value(Project(tmp_path), "history")
    assert "written-out" not in str(error.value)


def test_a_setting_that_the_environment_gives_whole_may_have_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in no file, and is masked."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://me:in-the-process@db/x")
    assert setting_value(Project(tmp_path), "history") == os.environ["DATAFLOW_HISTORY"]
    assert redact("in-the-process") == "***"


def test_a_store_is_asked_last_and_once(
    folder: Path, install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only for what is nowhere else; its own key may come from a file; what it gives is masked."""
    install_plugin("a-vault", STORE, secrets="vault = a_vault:KIND")
    (folder / "VAULT_KEY").write_text("key-of-the-file")
    monkeypatch.setenv("HERE", "yes")
    values = EnvironmentValues({}, folder, [{"type": "vault", "key": "${VAULT_KEY}"}])
    assert values["HERE"] == "yes"
    assert [values["LOGIN"], values["LOGIN"]] == ["of-the-vault"] * 2
    assert values.get("NOT_THERE") is None
    asked = import_module("a_vault").asked
    assert asked == [("key-of-the-file", "LOGIN"), ("key-of-the-file", "NOT_THERE")]
    assert values.origin("LOGIN") == "store of secrets"
    assert redact("of-the-vault") == "***"
    wrong = EnvironmentValues({}, folder, ["volt"])
    with pytest.raises(BadInputError, match=r"\[tool.dataflow\] secrets names 'volt'"):
        wrong["LOGIN"]
