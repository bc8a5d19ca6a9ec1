"""A source of another distribution is read as the built-in ones are, once it is installed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ = """
import json
from dataflow.authoring import DataflowError, read_source
answers = []
for source, last_value in {cases!r}:
    try:
        answer = read_source({{"type": "git_log", **source}}, {{"last_value": last_value}})
        answers.append({{**answer["metadata"], "rows": list(answer["data"])}})
    except DataflowError as error:
        answers.append({{"error": f"{{type(error).__name__}}: {{error}}"}})
print(json.dumps(answers, default=str))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project, and beside it a repository with two commits."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.dataflow]\n", encoding="utf-8")
    commit(tmp_path / "history", "first", "2024-01-01T12:00:00+02:00")
    commit(tmp_path / "history", "second: ä", "2024-01-02T12:00:00+02:00")
    return root


def commit(repository: Path, subject: str, moment: str) -> None:
    repository.mkdir(exist_ok=True)
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
    subprocess.run(
        ["git", *who, "commit", "--quiet", "--allow-empty", f"--date={moment}", "-m", subject],
        cwd=repository,
        check=True,
    )


@pytest.mark.slow
def test_its_rows_and_metadata_are_those_of_any_source(
    project: Path, with_plugin: Callable[..., Any]
) -> None:
    """The kind's function reads, and what it gives has the shape that `extract_data` returns."""
    (answer,) = with_plugin(READ.format(cases=[({"url": "../history"}, None)]), project)
    assert [(row["author"], row["subject"]) for row in answer["rows"]] == [
        ("Ann", "first"),
        ("Ann", "second: ä"),
    ]
    assert answer["rows"][0]["authored_at"] == "2024-01-01 10:00:00+00:00"
    assert (answer["source"], answer["record_count"]) == ("../history", 2)
    assert "last_value" not in answer


@pytest.mark.slow
def test_it_goes_on_where_the_last_run_ended(
    project: Path, with_plugin: Callable[..., Any]
) -> None:
    """The last value that it gave comes back to it, and stays when there is nothing new."""
    source = {"url": "../history", "incremental": "new_commits"}
    (first,) = with_plugin(READ.format(cases=[(source, None)]), project)
    commit(project.parent / "history", "third", "2024-01-03T12:00:00+02:00")
    (second,) = with_plugin(READ.format(cases=[(source, first["last_value"])]), project)
    (third,) = with_plugin(READ.format(cases=[(source, second["last_value"])]), project)
    assert [row["subject"] for row in second["rows"]] == ["third"]
    assert (third["rows"], third["last_value"]) == ([], second["last_value"])


@pytest.mark.slow
def test_its_settings_are_validated_and_its_errors_are_clear(
    project: Path, with_plugin: Callable[..., Any]
) -> None:
    """A key that its model does not know, and a folder that is no repository, are named."""
    cases = [({"url": "../history", "brunch": "x"}, None), ({"url": "."}, None)]
    unknown, missing = with_plugin(READ.format(cases=cases), project)
    assert "ingestion.source.brunch: is not a known key" in unknown["error"]
    assert "did you mean `branch`?" in unknown["error"]
    assert missing["error"].startswith("SourceNotFoundError: git cannot read HEAD of")


CONFIG = """workflow: {name: History}
ingestion:
  source:
    type: git_log
    url: ../history
    incremental: new_commits
load: {table: commits, write_disposition: append}
"""
INGESTION = """from dataflow.authoring import read_source
from dataflow.shared.config import load_config

def extract_data(params):
    ingestion = load_config("history")["ingestion"]
    return read_source(ingestion["source"], ingestion["parameters"] | params)
"""
JOB = """from dagster import in_process_executor, job, op
from dataflow.authoring import LoadResult, Steps, StoredTable
from dataflow.workflows.registry import register_workflow
from .ingestion import extract_data

steps = Steps("history")

@op
def extract_history() -> StoredTable:
    return steps.extract(extract_data)

@op
def load_history(extracted: StoredTable) -> LoadResult:
    return steps.load(extracted)

@job(executor_def=in_process_executor)
def history_job() -> None:
    load_history(extract_history())

register_workflow(workflow_id="history", job=history_job, description="Commits")
"""


@pytest.fixture
def workflow(project: Path) -> Path:
    """A workflow whose config.yaml names the plug-in's kind of source."""
    folder = project / "src" / "dataflow" / "workflows" / "history"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "ingestion.py").write_text(INGESTION, encoding="utf-8")
    (folder / "dagster_job.py").write_text(JOB, encoding="utf-8")
    (folder / "__init__.py").touch()
    return folder


@pytest.mark.slow
def test_a_workflow_runs_on_it(
    project: Path,
    workflow: Path,
    python: Callable[..., str],
    with_plugin: Callable[..., Any],
) -> None:
    """`dataflow workflow run` reads the commits into the warehouse, and then only new ones."""
    count = (
        "import duckdb, glob, json; (file,) = glob.glob('**/*.duckdb', recursive=True)\n"
        "print(json.dumps(duckdb.connect(file).sql('FROM raw.commits').fetchall(), default=str))"
    )
    for subject in ("third", "fourth"):
        commit(project.parent / "history", subject, "2024-02-01T12:00:00+02:00")
        python(project, "-m", "dataflow.cli", "workflow", "run", "history")
    rows = with_plugin(count, project)
    assert sorted(row[3] for row in rows) == ["first", "fourth", "second: ä", "third"]


@pytest.mark.slow
def test_a_typo_in_config_yaml_is_found_with_its_line(
    project: Path, workflow: Path, with_plugin: Callable[..., Any]
) -> None:
    """The plug-in's model is part of the validation."""
    text = (workflow / "config.yaml").read_text().replace("incremental:", "incrmental:")
    (workflow / "config.yaml").write_text(text)
    code = (
        "import json; from dataflow.shared.config import ConfigError, load_config\n"
        "try: load_config('history')\nexcept ConfigError as error: print(json.dumps(str(error)))"
    )
    said = with_plugin(code, project)
    assert "config.yaml:6: ingestion.source.incrmental: is not a known key" in said
    assert "did you mean `incremental`?" in said


def test_without_it_the_type_is_unknown(project: Path) -> None:
    """Where the distribution is not installed, the types that there are are named."""
    from dataflow.sources.errors import SourceSettingError
    from dataflow.sources.read import read_source

    with pytest.raises(SourceSettingError, match='no source type "git_log"'):
        read_source({"type": "git_log", "url": "x"}, {})
