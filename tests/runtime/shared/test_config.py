"""A workflow's configuration is read as a whole or refused with everything that is wrong."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared import redaction
from dataflow.shared.config import ConfigError, load_config, read_config
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = """\
workflow:
  name: "Flights"
  schedule: "0 6 * * *"
  timezone: "Europe/Berlin"
ingestion:
  source:
    type: file
    url: "data/*.csv"
  parameters:
    max_retries: 5
transformation:
  stages:
    - {name: cleaning, options: {remove_duplicates: true}}
load:
  table: flights
  write_disposition: merge
  primary_key: id
"""

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


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    """Keep the secrets of these tests from masking the texts of others."""
    before, pattern = set(redaction._secrets), redaction._pattern
    yield
    redaction._secrets, redaction._pattern = before, pattern


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the workflow `flights`."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    write(Project(tmp_path), GOOD)
    return Project(tmp_path)


def write(project: Project, text: str | bytes, workflow_id: str = "flights") -> Path:
    folder = project.workflow_dir(workflow_id)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def faults(project: Project, text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    """What is said about a file, each without the file's name."""
    path = write(project, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path, project=project, environ=environ or {})
    start = "src/dataflow/workflows/flights/config.yaml:"
    lines = caught.value.reason.split("\n")
    assert len(lines) == len(caught.value.faults)
    assert all(line.startswith(start) for line in lines), lines
    return [line.removeprefix(start) for line in lines]


def test_a_good_file_becomes_plain_values_with_every_default(project: Project) -> None:
    """`load_config` gives dicts, lists and scalars; what the file leaves out is filled in."""
    assert load_config("flights", project) == {
        "workflow": {
            "name": "Flights",
            "description": "",
            "schedule": "0 6 * * *",
            "timezone": "Europe/Berlin",
        },
        "ingestion": {
            "source": {
                "type": "file",
                "url": "data/*.csv",
                "format": None,
                "null_values": [""],
                "delimiter": None,
                "sheet": None,
            },
            "parameters": {"batch_size": 100, "max_retries": 5, "timeout_seconds": 30},
        },
        "transformation": {
            "stages": [
                {
                    "name": "cleaning",
                    "options": {
                        "remove_duplicates": True,
                        "drop_empty_rows": False,
                        "trim_strings": False,
                    },
                }
            ]
        },
        "load": {
            "table": "flights",
            "write_disposition": "merge",
            "primary_key": ["id"],
            "allow_empty": False,
        },
    }


def test_the_project_is_found_from_the_folder_one_is_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a project the one around the current folder is meant."""
    monkeypatch.delenv("DATAFLOW_PROJECT", raising=False)
    monkeypatch.chdir(project.workflow_dir("flights"))
    assert load_config("flights")["load"]["table"] == "flights"


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines(project: Project) -> None:
    """Repeated keys, unset variables, unknown keys, types and cross-checks, each on its line."""
    text = """\
workflow:
  nam: "Flights"
  schedule: "61 6 * * *"
  timezone: "Europe/Berln"
ingestion:
  source:
    type: api
    url: example.org
    auth_type: basic
    headers:
      X-Team: ${TEAM}
  parameters:
    max_retries: R
    batch_sise: 5
    timeout_seconds: -1
transformation:
  stages:
    - {name: cleanin}
    - {name: cleaning, options: {remove_duplicates: yes}}
    - 5
load:
  table: "my table"
  write_disposition: upsert
  table: x
"""
    assert faults(project, text) == [
        "2: workflow.nam: is not a known key; did you mean `name`?",
        '3: workflow.schedule: "61 6 * * *" is out of range: the minute is `61` and may be 0 to 59',
        (
            '4: workflow.timezone: "Europe/Berln" is not a time zone that this '
            "machine knows, such as "
            "`Europe/Berlin`; did you mean `Europe/Berlin`?"
        ),
        "6: ingestion.source.username: is missing, and `auth_type: basic` needs it",
        "6: ingestion.source.password: is missing, and `auth_type: basic` needs it",
        (
            '8: ingestion.source.url: "example.org" is not a web address (allowed: http://... or '
            "https://...)"
        ),
        (
            "11: ingestion.source.headers.X-Team: the environment variable TEAM is "
            "not set; set it, or "
            "write `${TEAM:-default}`"
        ),
        '13: ingestion.parameters.max_retries: "R" is not a whole number (allowed: 0 to 20)',
        "14: ingestion.parameters.batch_sise: is not a known key; did you mean `batch_size`?",
        "15: ingestion.parameters.timeout_seconds: -1 is out of range (allowed: greater than 0)",
        (
            '18: transformation.stages[0].name: "cleanin" is not one of the choices (allowed: '
            "cleaning, enrichment); did you mean `cleaning`?"
        ),
        '19: transformation.stages[1].options.remove_duplicates: "yes" is neither true nor false',
        "20: transformation.stages[2]: 5 is not a mapping of keys to values",
        (
            '22: load.table: "my table" cannot be the name of a table (allowed: '
            "letters, digits and "
            "underscores, a letter or underscore first, 63 at most)"
        ),
        (
            '23: load.write_disposition: "upsert" is not one of the choices '
            "(allowed: replace, append, "
            "merge)"
        ),
        "24: load.table: this key stands twice, first on line 22",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "    type: file\n",
            "",
            "6: ingestion.source.type: is missing (allowed: file, api, database)",
        ),
        (
            "type: file",
            "type: ftp",
            (
                '7: ingestion.source.type: "ftp" is not one of the choices '
                "(allowed: file, api, database)"
            ),
        ),
        (
            "type: file",
            "tpye: file",
            "7: ingestion.source.tpye: is not a known key; did you mean `type`?",
        ),
        (
            "max_retries: 5",
            "max_retries: true",
            ("10: ingestion.parameters.max_retries: true is not a whole number (allowed: 0 to 20)"),
        ),
        ("max_retries: 5", "max_retries: 5.0", "5.0 is not a whole number"),
        (
            "max_retries: 5",
            'max_retries: "5"',
            ('"5" is not a whole number (allowed: 0 to 20); leave out the quotes'),
        ),
        ("max_retries: 5", "max_retries: 21", "21 is out of range (allowed: 0 to 20)"),
        ("max_retries: 5", "max_retries:", "10: ingestion.parameters.max_retries: has no value"),
        ("max_retries: 5", "timeout_seconds: .nan", "nan is not a number"),
        ("max_retries: 5", "timeout_seconds: .inf", "inf is not a number"),
        ("max_retries: 5", "[5]: 5", "10: ingestion.parameters: a key must be a plain word"),
        ('"Flights"', "5", "2: workflow.name: 5 is not text; put it in quotes"),
        ('"Flights"', '""', '2: workflow.name: "" is empty'),
        ('"data/*.csv"', "", "8: ingestion.source.url: has no value"),
        (
            '"data/*.csv"',
            "ftp://x/y",
            ("begins with an unknown scheme (allowed: a path, http://, https://, s3://)"),
        ),
        ('"data/*.csv"', "{a: b}", "8: ingestion.source.url: a mapping is not text"),
        ("primary_key: id", "primary_key: []", "17: load.primary_key: a list is missing"),
        (
            "  primary_key: id\n",
            "",
            ("14: load.primary_key: is missing, and `write_disposition: merge` needs it"),
        ),
        ("primary_key: id", "primary_key: [a, b, a]", "names a column twice"),
        ("primary_key: id", "primary_key: [1]", "17: load.primary_key[0]: 1 is not text"),
        ("load:\n  table: flights", "load:\n  tables: flights", "did you mean `table`?"),
        ("options: {remove_duplicates: true}", "options: [a]", "a list is not a mapping"),
        ("stages:\n", "stages: no\nx:\n", '12: transformation.stages: "no" is not a list'),
    ],
)
def test_a_fault_says_where_what_and_what_is_allowed(
    project: Project, old: str, new: str, expected: str
) -> None:
    """One wrong place gives its line, its key path, its value and the choices."""
    assert old in GOOD
    found = faults(project, GOOD.replace(old, new))
    assert any(expected in fault for fault in found), found
    assert len(found) == 1 or "stages: no" in new, found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "{type: database, url: x.duckdb}",
            "table: is missing; a database source needs `table` or",
        ),
        ("{type: database, url: x, table: a, query: b}", "stands beside `table`; keep one"),
        ("{type: file, url: x, format: json, delimiter: ';'}", "is of no use with `format: json`"),
        ("{type: file, url: x, delimiter: ';;'}", '";;" is not one character'),
        ("{type: file, url: x, sheet: a, format: csv}", "is of no use with `format: csv`"),
        ("{type: api, url: 'http://x', username: a}", "did you mean `auth_type: basic`?"),
        ("{type: api, url: 'http://x', headers: {'a b': c}}", "cannot be the name of a header"),
        ('{type: api, url: "http://x", headers: {a: "b\\r\\nc: d"}}', "that a header cannot hold"),
        ("{type: api, url: 'http://x', params: {a: {b: c}}}", "is not a single value"),
        ("{type: api, url: 'http://x', paging: {type: pages}}", "(allowed: none, page_number,"),
        ("{type: api, url: 'http://x', auth_type: oauth2}", "mean `oauth2_client_credentials`?"),
        (
            "{type: database, url: x, table: a, incremental: {column: b}}",
            "drop the rows of earlier",
        ),
        ("{type: database, url: x, table: a, scheme: b}", "did you mean `schema`?"),
    ],
)
def test_each_source_has_its_own_rules(project: Project, source: str, expected: str) -> None:
    """What belongs together is there, and what does not is refused."""
    text = f"workflow: {{name: a}}\ningestion:\n  source: {source}\nload: {{table: t}}\n"
    [found] = faults(project, text)
    assert expected in found


def test_values_come_from_the_environment(project: Project) -> None:
    """Texts, numbers, choices and booleans can be references; defaults count."""
    text = (
        GOOD.replace("max_retries: 5", "max_retries: ${RETRIES}")
        .replace("remove_duplicates: true", "remove_duplicates: '${DEDUPE:-true}'")
        .replace("write_disposition: merge", "write_disposition: ${HOW}")
        .replace("type: file", "type: ${KIND}")
        .replace("data/*.csv", "${DIR}/$${x}.csv")
    )
    environ = {"RETRIES": "7", "HOW": "append", "KIND": "file", "DIR": "/data"}
    config = read_config(write(project, text), project=project, environ=environ)
    assert config.ingestion.parameters.max_retries == 7
    assert config.load.write_disposition == "append"
    assert config.ingestion.source.url == "/data/${x}.csv"
    assert type(config.ingestion.source.url) is str


@pytest.mark.parametrize("name", ["RETRIES", "HOW", "KIND"])
def test_a_wrong_value_from_the_environment_is_not_shown(project: Project, name: str) -> None:
    """The error names the variable, never what it holds."""
    text = (
        GOOD.replace("max_retries: 5", "max_retries: ${RETRIES}")
        .replace("write_disposition: merge", "write_disposition: ${HOW}")
        .replace("type: file", "type: ${KIND}")
    )
    environ = {"RETRIES": "7", "HOW": "append", "KIND": "file", name: "private-words"}
    [found] = faults(project, text, environ)
    assert "private" not in found
    assert f"the value of ${{{name}}} is not" in found


def test_an_unset_variable_is_one_fault(project: Project) -> None:
    """A value that is not there is not also complained about for its type."""
    text = GOOD.replace("max_retries: 5", "max_retries: ${NOPE}").replace("merge", "${NOPE}")
    assert [fault.split(": ")[1:3] for fault in faults(project, text)] == [
        [
            "ingestion.parameters.max_retries",
            ("the environment variable NOPE is not set; set it, or write `${NOPE:-default}`"),
        ],
        [
            "load.write_disposition",
            ("the environment variable NOPE is not set; set it, or write `${NOPE:-default}`"),
        ],
    ]


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
    project: Project, old: str, new: str
) -> None:
    """Tokens, passwords, secret headers and parameters must come from the environment."""
    found = faults(project, API.replace(old, new), {"API_TOKEN": "x" * 20})
    assert SECRET not in str(found)


def test_a_number_as_a_secret_is_refused(project: Project) -> None:
    """A token of digits is a secret in the file as well, and not shown."""
    [found] = faults(project, API.replace("${API_TOKEN}", "12345678"))
    assert "is a secret in plain text" in found
    assert "12345678" not in found


def test_secrets_from_the_environment_are_masked_from_then_on(project: Project) -> None:
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
    config = read_config(write(project, text), project=project, environ=environ)
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
    assert "value" not in repr(config).replace("plain-value", "").replace("null_values", "")
    assert config.model_dump()["ingestion"]["source"]["token"] == environ["API_TOKEN"]


@pytest.mark.parametrize(
    "workflow_id", ["../flights", "/etc", "a/b", "registry", "", "Flights", "a\0"]
)
def test_an_id_that_is_no_name_never_reaches_the_disk(project: Project, workflow_id: str) -> None:
    """Paths and reserved names are refused as ids."""
    with pytest.raises(BadInputError, match=r"cannot be a workflow's id"):
        load_config(workflow_id, project)


def test_an_unknown_workflow_is_told_from_the_known_ones(project: Project) -> None:
    """The nearest names are offered; without any, the workflows there are."""
    with pytest.raises(ConfigError, match=r"no workflow `flight`; did you mean `flights`\?"):
        load_config("flight", project)
    with pytest.raises(ConfigError, match=r"no workflow `zzz`; there are: flights"):
        load_config("zzz", project)


def test_a_folder_without_a_configuration_says_so(project: Project) -> None:
    """A workflow's folder without config.yaml is not an unknown workflow."""
    project.workflow_dir("empty").mkdir()
    with pytest.raises(ConfigError, match=r"empty/config.yaml: there is no such file"):
        load_config("empty", project)


def test_what_is_not_a_file_is_refused(project: Project) -> None:
    """A folder, a pipe or a dangling link in place of the file neither hangs nor raises."""
    folder = project.workflow_dir("odd")
    folder.mkdir()
    (folder / "config.yaml").mkdir()
    with pytest.raises(ConfigError, match="this is not a file"):
        load_config("odd", project)
    (folder / "config.yaml").rmdir()
    os.mkfifo(folder / "config.yaml")
    with pytest.raises(ConfigError, match="this is not a file"):
        load_config("odd", project)
    (folder / "config.yaml").unlink()
    (folder / "config.yaml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config("odd", project)


def test_the_error_is_short_enough_to_read(project: Project) -> None:
    """Long values and keys are cut, and one that cannot be printed is escaped."""
    text = GOOD.replace("max_retries: 5", f'max_retries: "{"x" * 5000}\\u001b[31m"')
    [found] = faults(project, text)
    assert len(found) < 200
    text = GOOD.replace("max_retries", '"max_\\u001b[31m' + "x" * 500 + '"')
    [found] = faults(project, text)
    assert "\x1b" not in found
    assert len(found) < 250


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_file_raises_anything_else(project: Project, data: bytes) -> None:
    """Whatever bytes stand in the file, what comes is a ConfigError whose lines start with it."""
    faults(project, data)


paths = st.sampled_from(
    [
        ("workflow",),
        ("workflow", "schedule"),
        ("workflow", "timezone"),
        ("ingestion",),
        ("ingestion", "source"),
        ("ingestion", "source", "type"),
        ("ingestion", "source", "url"),
        ("ingestion", "source", "headers"),
        ("ingestion", "source", "paging"),
        ("load",),
        ("ingestion", "parameters"),
        ("ingestion", "parameters", "timeout_seconds"),
        ("transformation",),
        ("transformation", "stages"),
        ("load", "primary_key"),
        ("ingestion", "source", "incremental"),
        ("ingestion", "source", "null_values"),
        ("load", "write_disposition"),
        ("new_key",),
        ("ingestion", "source", "auth_type"),
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["${X}", "${NOPE}", "api", "database", "basic", "merge", "cleaning", "${"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "type", "options", "url", "token", "x", "headers"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(paths, values), min_size=1, max_size=4))
def test_no_values_raise_anything_else(
    project: Project, changes: list[tuple[tuple[str, ...], Any]]
) -> None:
    """A good configuration with anything put anywhere is either good or a ConfigError."""
    good: dict[str, Any] = json.loads(
        json.dumps(read_config(write(project, GOOD), project=project).model_dump(by_alias=True))
    )
    config = copy.deepcopy(good)
    for path, value in changes:
        inner: Any = config
        for key in path[:-1]:
            inner = inner[key] if isinstance(inner, dict) and key in inner else {}
        if isinstance(inner, dict):
            inner[path[-1]] = value
    text = json.dumps(config)
    said = ""
    try:
        read_config(write(project, text), project=project, environ={"X": "private"})
    except ConfigError as error:
        said = error.reason
    assert "private" not in said
    assert all(": " in line for line in said.splitlines())


def test_reading_a_configuration_imports_nothing_heavy(project: Project) -> None:
    """A fresh process that reads a configuration has neither Dagster nor pandas nor pyarrow."""
    code = (
        "import sys; from dataflow.shared.config import load_config; load_config('flights');"
        "heavy = {'dagster', 'pandas', 'pyarrow', 'duckdb', 'structlog', "
        "'rich'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    environ = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environ)
