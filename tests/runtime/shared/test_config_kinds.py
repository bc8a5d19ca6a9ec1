"""What config.yaml may name: installed kinds, and what the workflow's own code brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.plugin_fixtures import install_plugin

from dataflow.shared.config import ConfigError, load_config, read_config
from dataflow.shared.plugins import PluginError
from dataflow.shared.project import Project
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from tests.plugin_fixtures import InstallPlugin

__all__ = ["install_plugin"]

GUIDE = """\
workflow: {name: Guide}
ingestion:
  source: {type: api, url: "https://api.example.com/data", auth_type: bearer_token}
"""
ICECAST = """
    from typing import Literal
    from pydantic import Field
    from dataflow.shared.config_types import Section, Text
    from dataflow.sources.kind import Extracted, SourceKind
    from dataflow.stages.kind import StageKind

    class Icecast(Section):
        type: Literal["icecast"]
        station: Text = Field(description="The station.")

    class Rounding(Section):
        digits: int = Field(default=2, description="Digits to keep.")

    SOURCE = SourceKind(Icecast, lambda settings, request: Extracted([], settings.station))
    STAGE = StageKind(Rounding, lambda table, options: table)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workflow's folder in a project."""
    (tmp_path / "pyproject.toml").write_text('[tool.dataflow]\nconfig_sections = ["billing"]\n')
    folder = Project(tmp_path).workflow_dir("sales")
    folder.mkdir(parents=True)
    return folder


def load(folder: Path, text: str) -> dict[str, Any]:
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load_config("sales", Project(folder.parents[3]))


def config(source: str, more: str = "") -> str:
    return f"workflow: {{name: a}}\ningestion:\n  source: {source}\n{more}"


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return caught.value.reason


def test_a_table_without_a_name_is_called_like_the_workflow(folder: Path) -> None:
    """`load` may be left out: the rows replace those of the table named after the workflow."""
    loaded = load(folder, config("{type: file, url: x.csv}"))["load"]
    assert (loaded["table"], loaded["write_disposition"]) == ("sales", "replace")
    loaded = load(folder, config("{type: file, url: x.csv}", "load: {table: orders}"))["load"]
    assert loaded["table"] == "orders"


def test_a_source_that_ingestion_reads_is_accepted(folder: Path) -> None:
    """A type with a function `read_<type>`, with any keys; without it the type is refused."""
    text = config("{type: sftp, host: h.example, depth: 2}")
    assert '"sftp" is not one of the choices (allowed: api, database, file)' in refusal(
        folder, text
    )
    code = "from dataflow.authoring import read_source\ndef read_sftp(source, params): ...\n"
    # As editors on Windows save it, with a byte-order mark.
    (folder / "ingestion.py").write_text(code, encoding="utf-8-sig")
    source = load(folder, text)["ingestion"]["source"]
    assert source == {"type": "sftp", "host": "h.example", "depth": 2}


@pytest.mark.parametrize(
    ("login", "variables"),
    [
        ("bearer_token", {"token": "SALES_TOKEN"}),
        ("basic", {"username": "SALES_USERNAME", "password": "SALES_PASSWORD"}),
        ("api_key", {"api_key": "SALES_API_KEY"}),
        (
            "oauth2_client_credentials, token_url: 'https://a.example/token'",
            {"client_id": "SALES_CLIENT_ID", "client_secret": "SALES_CLIENT_SECRET"},
        ),
    ],
)
def test_a_login_that_is_not_said_comes_from_the_workflows_own_variables(
    folder: Path, monkeypatch: pytest.MonkeyPatch, login: str, variables: dict[str, str]
) -> None:
    """It is valid without them; what is set is read and masked, what is not waits."""
    text = GUIDE.replace("bearer_token", login)
    source = load(folder, text)["ingestion"]["source"]
    assert {key: source[key] for key in variables} == {
        key: f"${{{name}}}" for key, name in variables.items()
    }
    for name in variables.values():
        monkeypatch.setenv(name, f"value-of-{name}")
    source = load(folder, text)["ingestion"]["source"]
    assert {key: source[key] for key in variables} == {
        key: f"value-of-{name}" for key, name in variables.items()
    }
    if "SALES_TOKEN" in variables.values():
        assert "value-of" not in redact("it is value-of-SALES_TOKEN")


def test_each_of_several_sources_has_a_login_of_its_own_before_the_workflows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two APIs of two makers do not get each other's token."""
    source = 'source: {type: api, url: "https://api.example.com/data", auth_type: bearer_token}'
    sources = f"  sources:\n    a: {{{source}}}\n    b: {{{source}}}\n"
    text = f"workflow: {{name: Two}}\ningestion:\n{sources}"

    def tokens() -> list[str]:
        sources = load(folder, text)["ingestion"]["sources"]
        return [sources[name]["source"]["token"] for name in ("a", "b")]

    assert tokens() == ["${SALES_A_TOKEN}", "${SALES_B_TOKEN}"]
    monkeypatch.setenv("SALES_TOKEN", "of-the-workflow")
    assert tokens() == ["of-the-workflow", "of-the-workflow"]
    monkeypatch.setenv("SALES_A_TOKEN", "of-source-a")
    assert tokens() == ["of-source-a", "of-the-workflow"]
    assert "of-source-a" not in redact("it is of-source-a")


def test_a_variable_that_config_yaml_names_goes_before_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And has to be set, as every one that the file names."""
    monkeypatch.setenv("SALES_TOKEN", "of-the-workflow")
    text = GUIDE.replace("bearer_token", "bearer_token, token: '${SHOP_TOKEN}'")
    assert "SHOP_TOKEN is not set" in refusal(folder, text)
    monkeypatch.setenv("SHOP_TOKEN", "of-the-shop")
    assert load(folder, text)["ingestion"]["source"]["token"] == "of-the-shop"  # noqa: S105


def test_who_is_told_of_failures_need_not_be_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that names a variable for it is valid where that is not set; others have to be set."""
    text = f'{GUIDE}run: {{on_failure: ["${{ROOM}}", "${{MAIL}}"], retries: 1}}\n'
    monkeypatch.setenv("MAIL", "mailto://a.example")
    assert load(folder, text)["run"]["on_failure"] == ["${ROOM}", "mailto://a.example"]
    assert "ROOM is not set" in refusal(folder, text.replace("retries: 1", "retries: '${ROOM}'"))


def test_the_secret_of_a_webhook_need_not_be_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the service asks for it: a run on a laptop, or in CI, does without."""
    text = GUIDE.replace("Guide}", "Guide, trigger: {webhook: {secret: '${HOOK}'}}}")
    assert load(folder, text)["workflow"]["trigger"]["webhook"] == {"secret": "${HOOK}"}
    monkeypatch.setenv("HOOK", "of-the-hook")
    assert load(folder, text)["workflow"]["trigger"]["webhook"] == {"secret": "of-the-hook"}
    assert "is a secret in plain text" in refusal(folder, text.replace("${HOOK}", "plain-words"))


@pytest.mark.parametrize(
    ("cursor", "refused"),
    [("updated", True), *((other, False) for other in ("updated_at", "changed", "meta.at", "m"))],
)
def test_a_cursor_is_a_column_of_the_contract(folder: Path, cursor: str, refused: bool) -> None:
    """By its name at the source; one that is misspelt would never move. Others may come later."""
    text = f"""\
workflow: {{name: Guide}}
ingestion:
  source:
    type: api
    url: "https://api.example.com/x"
    incremental: {{cursor_field: {cursor}, param: s}}
  columns: {{id: bigint, Updated_At: timestamp, at: {{type: date, source: changed}}, meta: json}}
load: {{table: x, write_disposition: append}}
"""
    if not refused:
        load(folder, text)
        return
    said = refusal(folder, text)
    assert "ingestion.source.incremental.cursor_field" in said
    assert "is no column of the contract" in said
    assert "did you mean `Updated_At`?" in said


def test_the_column_of_a_partition_is_a_column_of_the_contract(folder: Path) -> None:
    """By its name in the warehouse, of each of several sources; without a contract who knows."""
    text = GUIDE.replace(
        "Guide}", "Guide, partition: {by: day, start: 2024-01-01, column: order_date}}"
    )
    load(folder, text)
    said = refusal(folder, text + "  columns: {id: bigint, Order Date: date}\n")
    assert "workflow.partition.column" in said
    assert "did you mean `Order Date`?" in said
    load(folder, text + "  columns: {id: bigint, ORDER_DATE: date}\n")


def test_without_an_environment_only_what_must_be_valid_is_asked_for(folder: Path) -> None:
    """As tests read it: text stands for itself, a number has to be one."""
    text = GUIDE.replace("type: bearer_token", "type: bearer_token, token: '${T}'")
    path = folder / "config.yaml"
    path.write_text(text)
    source = read_config(path, needs_environment=False).model_dump()["ingestion"]["source"]
    assert source["token"] == "${T}"  # noqa: S105
    path.write_text(text + "  parameters: {batch_size: '${SIZE}'}\n")
    with pytest.raises(ConfigError, match="variable SIZE is not set"):
        read_config(path, needs_environment=False)


def test_an_ingestion_that_reads_by_itself_says_what_its_source_needs(folder: Path) -> None:
    """Without `read_source` no login is asked for; a slip of a known name is still caught."""
    (folder / "ingestion.py").write_text("def extract_data(params): ...\n")
    assert load(folder, GUIDE)["ingestion"]["source"]["auth_type"] == "bearer_token"
    assert "did you mean `auth_type`?" in refusal(folder, GUIDE.replace("auth_type", "aut_type"))
    assert "did you mean `api`?" in refusal(folder, GUIDE.replace("type: api", "type: apis"))
    assert load(folder, GUIDE.replace("type: api", "type: kafka"))


def test_a_stage_that_transform_implements_is_accepted(folder: Path) -> None:
    """By the name of its function, with any options; other names are refused with a hint."""
    stages = "transformation: {stages: [{name: geocode, options: {by: zip}}]}"
    text = config("{type: file, url: x.csv}", stages)
    assert '"geocode" is not one of the choices' in refusal(folder, text)
    (folder / "transform.py").write_text("def geocode(table, options): ...\n")
    [stage] = load(folder, text)["transformation"]["stages"]
    assert stage == {"name": "geocode", "options": {"by": "zip"}}
    assert "did you mean `cleaning`?" in refusal(folder, text.replace("geocode", "cleanin"))


def test_a_transformation_of_ones_own_says_what_its_stages_need(folder: Path) -> None:
    """As the guide writes it, with a branch for each name; a slip of a known name is caught."""
    (folder / "transform.py").write_text("def transform_data(data): ...\n")
    own = "{name: aggregation, options: {by: zip}}, {name: cleaning, options: {fill: 0}}"
    text = config("{type: file, url: x.csv}", f"transformation: {{stages: [{own}]}}")
    stages = load(folder, text)["transformation"]["stages"]
    assert [stage["name"] for stage in stages] == ["aggregation", "cleaning"]
    assert stages[1]["options"] == {"fill": 0}
    assert "did you mean `cleaning`?" in refusal(folder, text.replace("cleaning", "cleanng"))
    slip = refusal(folder, text.replace("fill: 0", "remove_duplicate: true"))
    assert "did you mean `remove_duplicates`?" in slip
    library = "from dataflow.authoring import apply_stages\ndef transform_data(data): ...\n"
    (folder / "transform.py").write_text(library + "run = apply_stages\n")
    assert '"aggregation" is not one of the choices' in refusal(folder, text)


def test_sections_and_parameters_of_ones_own_are_handed_on(folder: Path) -> None:
    """`x-` keys anywhere, declared sections, and parameters that are like no known one."""
    more = "  parameters: {region: eu}\nx-team: {lead: Ann}\nbilling: [1]\n"
    loaded = load(folder, config("{type: file, url: x.csv, x-note: mine}", more))
    assert loaded["x-team"] == {"lead": "Ann"}
    assert loaded["billing"] == [1]
    assert loaded["ingestion"]["parameters"]["region"] == "eu"
    assert loaded["ingestion"]["source"]["x-note"] == "mine"
    slips = "  parameters: {batchsize: 5}\nbillin: 1\n"
    found = refusal(folder, config("{type: file, url: x.csv}", slips))
    assert "parameters.batchsize: is not a known key; did you mean `batch_size`?" in found
    assert "billin: is not a known key" in found


def test_settings_of_a_plugin_are_checked_like_built_in_ones(
    folder: Path, install_plugin: InstallPlugin
) -> None:
    """Its keys are known, a slip is caught with its line, and its models are typed."""
    points = {
        "sources": "icecast = icecast_plugin:SOURCE",
        "stages": "rounding = icecast_plugin:STAGE",
    }
    install_plugin("icecast-plugin", ICECAST, **points)
    stage = "transformation: {stages: [{name: rounding}]}"
    path = folder / "config.yaml"
    path.write_text(config("{type: icecast, station: fm4}", stage))
    typed = read_config(path)
    assert type(typed.ingestion.source).__name__ == "Icecast"
    assert typed.model_dump()["transformation"]["stages"] == [
        {"name": "rounding", "options": {"digits": 2}}
    ]
    found = refusal(folder, config("{type: icecast, staton: fm4}"))
    assert found.endswith(
        "config.yaml:3: ingestion.source.staton: is not a known key; did you mean `station`?"
    )
    found = refusal(folder, config("{type: icecas, station: fm4}"))
    assert "did you mean `icecast`?" in found


def test_a_broken_plugin_is_named_and_harms_no_other(
    folder: Path, install_plugin: InstallPlugin
) -> None:
    """Only who uses it is refused, and told which distribution to fix."""
    install_plugin(
        "broken-plugin", "import nothing_of_that_name", sources="odd = broken_plugin:KIND"
    )
    assert load(folder, config("{type: file, url: x.csv}"))
    with pytest.raises(PluginError, match="'odd' of broken-plugin cannot be loaded") as caught:
        load(folder, config("{type: odd}"))
    assert "Fix or uninstall broken-plugin" in caught.value.instruction


def test_a_plugin_without_a_model_is_named(folder: Path, install_plugin: InstallPlugin) -> None:
    """What an entry point names must be a kind."""
    install_plugin("empty-plugin", "KIND = 5", sources="odd = empty_plugin:KIND")
    with pytest.raises(PluginError, match="'odd' of empty-plugin has no `settings`"):
        load(folder, config("{type: odd}"))
