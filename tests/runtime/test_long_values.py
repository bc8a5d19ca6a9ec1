"""No message repeats a value beyond 80 characters, by whatever door the value came in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hostile.test_secrets import MANY
from tests.service_fixtures import free_ports, write_project, write_workflow

from dataflow.api.app import create_app
from dataflow.shared.config import read_config
from dataflow.shared.errors import DataflowError
from dataflow.shared.project import Project
from dataflow.shared.schedule_rule import check_cron, check_timezone
from dataflow.shared.tables import write_parquet
from dataflow.sources.read import read_source
from dataflow.stages.apply import apply_stages
from dataflow.warehouse.kind import LoadRequest
from dataflow.warehouse.load import load_table
from dataflow.workflows.identifiers import check_workflow_id
from dataflow.workflows.registry import get_workflow

MOST = 80
LONG = st.sampled_from(
    [
        "9" * 100,
        "9" * 900,
        "x" * 500,
        "many words of it " * 40,
        "a_b" * 200,
        "0 6 * * mon " * 30,
        "ü" * 300,
        '"' * 300,
        "a.b." * 100,
        "it's " * 100,
        "\u202e" * 200,
    ]
)


def repeated(value: str, message: str) -> str:
    """What of ``value`` stands in ``message`` at length; nothing if all of it is short enough."""
    for start in range(max(len(value) - MOST, 0)):
        run = value[start : start + MOST + 1]
        if run in message or ascii(run)[1:-1] in message or json.dumps(run)[1:-1] in message:
            return run
    return ""


def said(attempt: Callable[[], object]) -> str:
    """What is wrong with a value; nothing if it can be used."""
    try:
        attempt()
    except DataflowError as error:
        return str(error)
    return ""


def test_repetitions_are_seen() -> None:
    """81 characters are too many, wherever they stand in value and message; 80 are not."""
    value = "".join(map(chr, range(300, 600)))
    assert repeated(value, f"It says {value[100:181]}.") == value[100:181]
    assert repeated(value, f"It says {value[100:180]}...") == ""


GOOD = """\
workflow: {name: "Sales", schedule: "0 6 * * *", timezone: "UTC"}
ingestion:
  source: {type: api, url: "https://shop.test/sales", auth_type: bearer_token, token: "${TOKEN}",
    headers: {X-Team: "a"}, paging: {type: cursor, cursor_path: next, cursor_param: from}}
  parameters: {batch_size: 100, max_retries: 3, timeout_seconds: 30}
transformation:
  stages: [{name: cleaning, options: {remove_duplicates: true}}]
load: {table: sales, write_disposition: merge, primary_key: [id]}
run: {on_failure: ["json://room"]}
"""
WORDS = ["Sales", "0 6 * * *", "UTC", "api", "https://shop.test/sales", "bearer_token", "${TOKEN}"]
WORDS += ["headers", "X-Team", "cursor", "next", "batch_size", "100", "30", "cleaning", "options"]
WORDS += ["remove_duplicates", "true", "sales", "merge", "id", "json://room", "workflow", "load"]
WORDS += ["parameters", "stages", "write_disposition", "paging", "type", "name"]
FORMS = ["{}", '"{}"', "'{}'", "*{}", "&{} a", "!{} a", "!!{} a", "${{{}}}", "${{A:-{}}}", "[{}]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a workflow in a project."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    folder = Project(tmp_path).workflow_dir("sales")
    folder.mkdir(parents=True)
    return folder


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LONG, st.sampled_from(WORDS), st.sampled_from(FORMS))
def test_values_and_keys_of_a_configuration(folder: Path, value: str, word: str, form: str) -> None:
    """In the place of each key and value, plain, quoted, as an alias, a tag, a variable."""
    (folder / "config.yaml").write_text(GOOD.replace(word, form.format(value), 1))
    environ = {"TOKEN": "of-the-shop"}
    message = said(lambda: read_config(folder / "config.yaml", environ=environ))
    assert repeated(value, message) == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LONG)
def test_values_of_the_environment(folder: Path, value: str) -> None:
    """A reference is replaced by what may be of any length."""
    text = GOOD
    for word in WORDS:
        text = text.replace(word, "${LONG}", 1)
    (folder / "config.yaml").write_text(text)
    message = said(lambda: read_config(folder / "config.yaml", environ={"LONG": value}))
    assert message
    assert repeated(value, message) == ""


@pytest.mark.slow
@given(
    LONG, st.sampled_from(["{}", "{} * * * *", "*/{} * * * *", "* * * * {}", "@{}", "0-{} 1 1 1 1"])
)
def test_schedules(value: str, form: str) -> None:
    """Also a number of a hundred digits, which the random search found."""
    for message in (check_cron(form.format(value)), check_timezone(form.format(value))):
        assert repeated(value, message or "") == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LONG)
def test_workflow_ids(folder: Path, value: str) -> None:
    """Whether it can be no id, or there is no such workflow."""
    for attempt in (check_workflow_id, lambda name: get_workflow(name, Project(folder.parents[3]))):
        message = said(lambda attempt=attempt: attempt(value))  # type: ignore[misc]
        assert message
        assert repeated(value, message) == ""


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LONG)
def test_columns_rows_and_stages(tmp_path: Path, value: str) -> None:
    """What cannot be stored, loaded, merged or cleaned is named, but not at length."""
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    write_parquet([{value: 1, "id": 1}], one)
    write_parquet([{value: "text", "id": None}], other)
    database = tmp_path / "wf.duckdb"
    database.unlink(missing_ok=True)
    load_table(database, one, LoadRequest("t", "append"))
    stage = {"name": "cleaning", "options": {value: True}}
    attempts: list[Any] = [
        lambda: load_table(database, other, LoadRequest("t", "append")),
        lambda: load_table(database, one, LoadRequest("t", "merge", [f"{value}y"])),
        lambda: load_table(database, other, LoadRequest("t", "merge", ["id", value])),
        lambda: load_table(database, one, LoadRequest("t", "merge")),
        lambda: write_parquet([{value: 1}, {value: "x"}], other),
        lambda: write_parquet([{"a": 1}, {"a": value}], other),
        lambda: write_parquet(pa.table([[1], [2]], names=[value, value]), other),
        lambda: write_parquet([{value: 1}, value], other),
        lambda: apply_stages({"data": []}, [{"name": value}]),
        lambda: apply_stages({"data": []}, [stage]),
    ]
    for number, attempt in enumerate(attempts):
        message = said(attempt)
        assert message, number
        assert repeated(value, message) == "", number


SOURCES: list[dict[str, Any]] = [
    {"type": "{}", "url": "a.csv"},
    {"type": "file", "url": "{}"},
    {"type": "file", "url": "here.csv", "format": "{}"},
    {"type": "file", "url": "here.csv", "encoding": "{}"},
    {"type": "file", "url": "here.csv", "incremental": {"column": "{}"}},
    {"type": "file", "url": "here.json", "data_path": "{}"},
    {"type": "file", "url": "here.xlsx", "sheet": "{}"},
    {"type": "database", "url": "{}", "table": "t"},
    {"type": "database", "url": "here.duckdb", "table": "{}"},
    {"type": "database", "url": "here.duckdb", "query": "SELECT {}"},
    {"type": "database", "url": "here.duckdb", "table": "t", "incremental": {"column": "{}"}},
    {"type": "api", "url": "http://127.0.0.1:9/{}"},
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LONG.filter(lambda value: "\u202e" not in value), st.sampled_from(SOURCES))
def test_settings_of_sources(tmp_path: Path, value: str, source: dict[str, Any]) -> None:
    """A file, table, column, sheet or address that is not there."""
    (tmp_path / "here.csv").write_text("a,b\n1,2\n")
    (tmp_path / "here.json").write_text('{"a": [1]}')
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    text = json.dumps(source).replace("{}", json.dumps(value)[1:-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        parameters = {"max_retries": 0, "timeout_seconds": 5}
        message = said(lambda: read_source(json.loads(text), parameters))
        assert repeated(value, message) == "", (source, message[:300])


@pytest.mark.slow
def test_arguments_of_commands(folder: Path) -> None:
    """Commands, options, ids, answers, paths and addresses."""
    value = "many words of it " * 40
    word = "x" * 300
    commands = [
        [*command, *(text,)]
        for text in (value, word)
        for command in (
            *((), ("workflow",), ("workflow", "run"), ("workflow", "new"), ("workflow", "update")),
            *(("workflow", "check"), ("workflow", "status"), ("workflow", "list"), ("api",)),
            *(("init", "shop", "--template"), ("workflow", "new", "x", "--template"), ("up",)),
            *(("workflow", "new", "x", "--source"), ("workflow", "run", "sales", "--source")),
            *(("workflow", "new", "x", "--defaults", "-d"), ("evidence", "build"), ("doctor",)),
            *(("token", "create"), ("token", "revoke")),
        )
    ]
    commands += [
        [*command, f"{option}{text}"]
        for text in (value, word)
        for command, option in (
            (("workflow", "run"), "--"),
            (("api",), "--port="),
            (("up",), "--host="),
            (("workflow", "new", "x", "--defaults", "-d"), "source_type="),
            (("workflow", "new", "x", "--defaults", "-d"), "table="),
            (("workflow", "new", "x", "--defaults", "-d"), "schedule="),
            (("workflow", "new", "x", "--defaults", "-d"), "nothing="),
        )
    ]
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        input=json.dumps(commands),
        cwd=folder.parents[3],
        env={**os.environ, "DATAFLOW_API_TOKEN": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.count("Error") >= len(commands) // 2, done.stderr
    lines = (done.stderr + done.stdout.rpartition("\n{")[0]).splitlines()
    assert [line for line in lines if repeated(value, line) or repeated(word, line)] == []


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The REST API of a project whose Dagster does not run."""
    root = write_project(tmp_path_factory.mktemp("long") / "shop")
    write_workflow(root, "one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATAFLOW_DAGSTER_PORT", str(free_ports(1)[0]))
        patch.delenv("DATAFLOW_API_TOKEN", raising=False)
        with TestClient(create_app(Project(root)), raise_server_exceptions=False) as client:
            yield client


@pytest.mark.slow
@given(LONG)
def test_requests(client: TestClient, value: str) -> None:
    """Paths, ids, query parameters and bodies."""
    ids = ["/workflows/{}", "/runs/{}", "/runs/{}/logs", "/nothing/{}", "/{}"]
    answers = [client.get(f"/api/v1{path.format(value)}") for path in ids]
    answers += [
        client.get("/api/v1/runs", params={name: value})
        for name in ("workflow", "workflow_id", "status", "limit", "cursor", "nothing")
    ]
    answers += [
        client.post("/api/v1/workflows/one/run", json=body)
        for body in (value, {value: 1}, {"config": value}, {"config": {value: value}}, [value])
    ]
    answers += [
        client.post("/api/v1/workflows/one/run", content=value.encode(), params={"wait": value}),
        client.put(f"/api/v1/workflows/{value}"),
    ]
    for answer in answers:
        assert answer.status_code >= 400
        assert repeated(value, json.dumps(answer.json(), ensure_ascii=False)) == "", answer.url
