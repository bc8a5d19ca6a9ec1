"""Secrets planted in every place come out nowhere, whatever fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hostile.planted import (
    environment,
    finds,
    talkative_database,
    talkative_server,
    write,
)
from tests.service_fixtures import write_project

pytestmark = pytest.mark.slow

JOB = """
import logging
import os

from dagster import Failure, OpExecutionContext, job, op
from dataflow.sources.read import read_source
from dataflow.runs.steps import Steps
from dataflow.shared.config import load_config
from dataflow.shared.logging import get_logger
from dataflow.workflows.registry import register_workflow

steps = Steps("WORKFLOW")


def extract_data(params):
    ingestion = load_config("WORKFLOW")["ingestion"]
    return read_source(ingestion["source"], ingestion["parameters"] | params)


@op
def extract_WORKFLOW(context: OpExecutionContext):
    load_config("WORKFLOW")
    BODY
    return steps.extract(extract_data)


@op
def load_WORKFLOW(extracted):
    return steps.load(extracted)

MODEL
@job
def WORKFLOW_job():
    CALLmodel(load_WORKFLOW(extract_WORKFLOW()))


register_workflow(workflow_id="WORKFLOW", job=WORKFLOW_job, description="By hand")
"""
MODEL = """
@op
def model_WORKFLOW(loaded):
    return steps.model(loaded)
"""
BROKEN = """
import os
from dataflow.shared.config import load_config
load_config("WORKFLOW")
raise RuntimeError("cannot with " + os.environ["RAISED"] + os.environ["OTHER_PASSWORD"])
"""
LOGGING = """word, other = os.environ["LOGGED"], os.environ["THIRD_TOKEN"]
    context.log.info(f"by Dagster {word}")
    logging.getLogger("of.a.library").warning("by a library %s", other)
    logging.getLogger("dataflow.mine").error("by hand %s", word)
    get_logger("mine").warning("by us", password="short", note=word)
    context.add_output_metadata({"seen": other})
    try:
        raise KeyError(word)
    except KeyError:
        logging.getLogger("of.a.library").exception("a traceback")
        context.log.exception("a traceback")"""
DBT = {
    "dbt_project.yml": "name: modelled\nprofile: modelled\nversion: 1.0.0\nmodel-paths: [models]\n",
    "profiles.yml": "modelled: {target: local, outputs: {local: {type: duckdb, "
    "path: \"{{ env_var('DATAFLOW_DATABASE') }}\"}}}\n",
    "models/told.sql": "{{ exceptions.raise_compiler_error('no ' ~ env_var('RAISED') ~ ' for ' "
    "~ env_var('OTHER_PASSWORD')) }}\n",
}
# Runs many commands in one process, since starting one takes longer than most of them.
MANY = """
import json, sys
from dataflow.cli.main import main
codes = {}
for arguments in json.load(sys.stdin):
    sys.argv = ["dataflow", *arguments]
    try:
        main()
    except SystemExit as end:
        codes[arguments[-1]] = end.code or 0
print(json.dumps(codes))
"""


def job(body: str = "pass", model: str = "") -> str:
    text = JOB.replace("BODY", body).replace("MODEL", model)
    return text.replace("CALLmodel", "model_WORKFLOW" if model else "")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with talkative_server() as address:
        yield address


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    """Workflows that use a secret in every way there is, and fail in every place."""
    root = write_project(tmp_path_factory.mktemp("secrets") / "shop")
    inside = server.replace("http://", "http://me:${USERINFO}@")
    team = 'headers: {X-Team: "${TEAM_HEADER}"}, paging: {type: none}'
    query = "?access_token=${QUERY}"
    bearer = f'auth_type: bearer_token, token: "${{BEARER}}", {team}'
    works = f'{{type: api, url: "{server}/200{query}", {bearer}}}'
    sources = {
        "works": works,
        "refused": f'{{type: api, url: "{server}/401{query}", {bearer}}}',
        "down": f'{{type: api, url: "{inside}/500{query}", {team}}}',
        "unreachable": f'{{type: api, url: "http://me:${{USERINFO}}@127.0.0.1:9{query}", {team}}}',
        "keyed": f'{{type: api, url: "{server}/403", auth_type: api_key, api_key: "${{KEY}}", '
        f"api_key_location: query, api_key_name: k, {team}}}",
        "basic": f'{{type: api, url: "{server}/401", auth_type: basic, username: me, '
        f'password: "${{BASIC}}", {team}}}',
        "oauth": f'{{type: api, url: "{server}/200", auth_type: oauth2_client_credentials, '
        f'token_url: "{server}/401", client_id: me, client_secret: "${{CLIENT}}", {team}}}',
        "gone": f'{{type: file, url: "{inside}/404/rows.csv{query}"}}',
    }
    for name, source in sources.items():
        write(root, name, source, job())
    rooms = 'run: {on_failure: ["${ROOM_1}", "${ROOM_2}", "${ROOM_3}"]}\n'
    # The secret is known by its place in the configuration.
    raised = works.replace("${BEARER}", "${RAISED}")
    write(root, "raising", raised, job('raise RuntimeError("no " + os.environ["RAISED"])'), rooms)
    cause = 'raise ValueError(os.environ["OTHER_PASSWORD"]) from KeyError(os.environ["RAISED"])'
    write(root, "caused", raised, job(cause))
    told = 'Failure("no " + os.environ["RAISED"], metadata={"seen": os.environ["THIRD_TOKEN"]})'
    write(root, "failing", raised, job(f"raise {told}"))
    write(root, "logging", works.replace("${BEARER}", "${LOGGED}"), job(LOGGING))
    write(root, "broken", raised, BROKEN)
    write(root, "modelled", raised, job(model=MODEL))
    for name, content in DBT.items():
        path = root / "src/dataflow/workflows/modelled/dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with talkative_database() as port:
        url = f"postgresql://me:${{DATABASE}}@127.0.0.1:{port}/d"
        write(root, "database", f'{{type: database, url: "{url}", table: t}}', job())
        config = root / "src/dataflow/workflows/database/config.yaml"
        config.write_text(config.read_text().replace("max_retries: 0", "max_retries: 1"))
        yield root


ENDS = {
    **dict.fromkeys(["works", "logging"], 0),
    **dict.fromkeys(["refused", "down", "unreachable", "keyed", "basic", "oauth", "gone"], 1),
    **dict.fromkeys(["database", "raising", "caused", "failing", "modelled"], 1),
    "broken": 2,
}


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (["--debug", "workflow", "run"], {}),
        (["workflow", "run", "--verbose"], {"DATAFLOW_LOG_FORMAT": "json"}),
    ],
    ids=["debug", "json"],
)
def test_no_secret_comes_out_of_a_run(
    project: Path, server: str, options: list[str], variables: dict[str, str]
) -> None:
    """On the terminal, in logs, Dagster's history, dbt's files: nowhere, also when it fails."""
    commands = [[*options, name] for name in ENDS]
    commands += [["workflow", "list", "--check"], ["workflow", "check", "--no-tests", "--all"]]
    variables = {**environment(server), **variables}
    written = server.replace("http://", f"http://me:{variables['USERINFO']}@")
    location = f"{written}/404/rows.csv?access_token={variables['QUERY']}"
    commands += [["workflow", "new", "seen", "--source", location]]
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        input=json.dumps(commands),
        cwd=project,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])
    assert {name: codes[name] for name in ENDS} == ENDS, done.stderr
    assert codes[location] == 1
    assert "trying again" in done.stderr
    assert "trying again" not in done.stdout
    told = "\n".join(done.stdout.splitlines()[:-1])
    found = finds("standard output", told) + finds("standard error", done.stderr)
    looked = [path for path in project.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in looked)
    assert any(path.name == "dbt.log" for path in looked)
    for path in looked:
        found += finds(str(path), path.read_bytes())
    assert found == []
