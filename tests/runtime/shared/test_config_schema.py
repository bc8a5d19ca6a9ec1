"""The JSON Schema that editors check a config.yaml against."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.plugin_fixtures import InstallPlugin, install_plugin

from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.config_schema import (
    SCHEMA_COMMENT,
    SCHEMA_NAME,
    config_schema,
    place_schema,
    renew_schema,
)
from dataflow.shared.project import Project
from dataflow.shared.yaml_document import parse_yaml

__all__ = ["install_plugin"]

# The sample of the design, each choice taken, and references in place of other values.
SAMPLE = """\
workflow: {name: "My Workflow", description: "...", schedule: "0 0 * * *", timezone: "UTC"}
ingestion:
  source: {type: api, url: "https://example.org", auth_type: bearer_token, token: "${TOKEN}"}
  parameters: {batch_size: 100, max_retries: "${RETRIES:-3}", timeout_seconds: 30}
transformation:
  stages:
    - {name: cleaning, options: {remove_duplicates: true}}
    - {name: enrichment, options: {add_timestamps: "${STAMP}"}}
load: {table: my_workflow, write_disposition: merge, primary_key: [id]}
"""


FILE = {"source": {"type": "file", "url": "x"}}


def sample() -> dict[str, Any]:
    document = parse_yaml(SAMPLE.encode())
    assert not document.faults
    return document.values


def accepts(values: Any) -> bool:
    return jsonschema.Draft7Validator(config_schema()).is_valid(values)


def project_at(root: Path, *, settings: str = "") -> Project:
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\n{settings}\n")
    return Project(root)


def test_it_is_a_valid_schema() -> None:
    """Draft 7, which the YAML language server reads."""
    jsonschema.Draft7Validator.check_schema(config_schema())


def test_every_key_is_described() -> None:
    """An editor can explain each key of each mapping."""
    schema = config_schema()
    for definition in (schema, *schema["$defs"].values()):
        for name, item in definition.get("properties", {}).items():
            # The description of a mapping may stand where it is defined.
            defined = schema["$defs"].get(item.get("$ref", "").rpartition("/")[2], {})
            assert {**defined, **item}.get("description", "").endswith("."), name


def test_the_sample_is_accepted() -> None:
    """The sample passes, and so do the other kinds of sources and a key that is one text."""
    assert accepts(sample())
    for source in (
        {"type": "file", "url": "x.csv", "null_values": ["", "NA"]},
        {"type": "database", "url": "x.duckdb", "table": "t", "incremental": {"column": "id"}},
    ):
        assert accepts(sample() | {"ingestion": {"source": source}})
    assert accepts(sample() | {"load": {"table": "t", "primary_key": "id"}})


def test_defaults_pass_their_own_schema() -> None:
    """What a file may leave out may also be written as it is filled in."""
    values = {
        "workflow": {"name": "a"},
        "ingestion": {"source": {"type": "file", "url": "x"}},
        "load": {"table": "t"},
    }
    filled = WorkflowConfig.model_validate(values).model_dump(mode="json", by_alias=True)
    assert accepts(filled)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("workflow", {"nam": "a"}),
        ("workflow", {"name": 5}),
        ("load", {"table": "my table"}),
        ("ingestion", {**FILE, "parameters": {"max_retries": 21}}),
        ("ingestion", {**FILE, "parameters": {"timeout_seconds": 0}}),
        ("load", {"table": "t", "write_disposition": "upsert"}),
        ("ingestion", {"source": {"type": "ftp", "url": "x"}}),
        ("ingestion", {"source": {"type": "api", "url": "http://x", "token": "in plain text"}}),
        ("transformation", {"stages": [{"name": "clean"}]}),
        ("transformation", {"stages": [{"name": "cleaning", "options": {"remove": True}}]}),
    ],
)
def test_mistakes_are_marked(section: str, values: dict[str, Any]) -> None:
    """Misspelt keys, wrong types, unknown choices and secrets in the file do not pass."""
    assert not accepts(sample() | {section: values})


def test_the_comment_leads_to_the_copy(tmp_path: Path) -> None:
    """From a workflow's folder the path in its first line is where the schema is put."""
    project = project_at(tmp_path)
    placed = place_schema(project)
    relative = SCHEMA_COMMENT.split("$schema=")[1]
    folder = project.workflow_dir("flights")
    assert Path(os.path.normpath(folder / relative)) == placed
    assert json.loads(placed.read_text()) == config_schema()


def test_the_copy_is_made_when_it_differs_and_left_alone_otherwise(tmp_path: Path) -> None:
    """A newer library replaces an older copy; the same one writes nothing."""
    project = project_at(tmp_path)
    placed = place_schema(project)
    before = placed.stat().st_ino
    assert place_schema(project).stat().st_ino == before
    placed.write_text("{}")
    assert json.loads(place_schema(project).read_text()) == config_schema()
    assert [path.name for path in placed.parent.iterdir()] == [placed.name]


def test_commands_write_it_where_it_is_missing_or_of_other_plugins(
    tmp_path: Path, install_plugin: InstallPlugin
) -> None:
    """A fresh clone gets one, and a new plug-in's keys are in it; else nothing is written."""
    project = project_at(tmp_path)
    renew_schema(project)
    path = tmp_path / ".dataflow" / SCHEMA_NAME
    assert json.loads(path.read_text()) == config_schema()
    path.write_text(path.read_text().replace("primary_key", "another_key"))
    renew_schema(project)
    assert "another_key" in path.read_text()
    renew_schema(project, whole=True)
    assert "another_key" not in path.read_text()
    install_plugin(
        "acme-stanza",
        """
        from typing import Literal
        from dataflow.shared.config_types import Section
        from dataflow.sources.kind import SourceKind

        class Stanza(Section):
            type: Literal["stanza"]
            folder_of_stanzas: str

        KIND = SourceKind(Stanza, lambda settings, request: None)
        """,
        sources="stanza = acme_stanza:KIND",
    )
    renew_schema(project)
    assert "folder_of_stanzas" in path.read_text()


def test_a_schema_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """Settings that are wrong, or a file where the folder should be: the command says that."""
    (tmp_path / ".dataflow").touch()
    renew_schema(project_at(tmp_path))
    (tmp_path / ".dataflow").unlink()
    renew_schema(project_at(tmp_path, settings="no_such_setting = 1"))


def test_what_a_project_names_of_its_own_is_no_mistake(tmp_path: Path) -> None:
    """Own readers, own stages, declared sections and `x-` keys are known to its schema."""
    project = project_at(tmp_path, settings='config_sections = ["billing"]')
    folder = project.workflow_dir("sales")
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    (folder / "ingestion.py").write_text("def read_sftp(source, params): ...\n")
    (folder / "transform.py").write_text("def geocode(table, options): ...\n")
    own = sample() | {
        "billing": {"to": 5},
        "x-team": "shop",
        "ingestion": {"source": {"type": "sftp"}},
    }
    own["transformation"] = {"stages": [{"name": "geocode", "options": {"of": "zip"}}]}
    validator = jsonschema.Draft7Validator(config_schema(project))
    assert validator.is_valid(own)
    assert not validator.is_valid(own | {"bill": {}})
    assert not accepts(own)


def test_one_source_or_several_by_their_names() -> None:
    """An editor knows the keys of each of several, and marks both at once, or a wrong one."""
    parts = {"workflow": {"name": "a"}, "load": {}}
    named = {**FILE, "columns": {"id": {"type": "bigint"}}, "load": {"primary_key": "id"}}
    children = {"child_tables": {"lines": {"path": "a", "parent": {"b": "id"}}}}
    assert accepts({**parts, "ingestion": {"sources": {"orders": {**named, **children}}}})
    assert accepts({**parts, "ingestion": {**FILE, **children}})
    assert not accepts({**parts, "ingestion": {**FILE, "sources": {"orders": named}}})
    assert not accepts({**parts, "ingestion": {"sources": {"orders": {**named, "colums": {}}}}})
    assert not accepts({**parts, "ingestion": {}})
