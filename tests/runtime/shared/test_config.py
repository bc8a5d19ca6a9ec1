"""A workflow's configuration is read as a whole, or refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.config import ConfigError, load_config, read_config
from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.shared.project import Project

    Faults = Callable[..., list[str]]
    Write = Callable[..., Path]


def test_a_good_file_becomes_plain_values_with_every_default(project: Project) -> None:
    """`load_config` gives dicts, lists and scalars; what the file leaves out is filled in."""
    assert load_config("flights", project) == {
        "workflow": {
            "name": "Flights",
            "description": "",
            "schedule": "0 6 * * *",
            "schedule_on": False,
            "timezone": "Europe/Berlin",
            "partition": None,
            "trigger": None,
            "after": [],
        },
        "ingestion": {
            "source": {
                "type": "file",
                "url": "data/*.csv",
                "format": None,
                "null_values": [""],
                **dict.fromkeys(
                    (
                        *("delimiter", "widths", "quote", "escape", "skip_lines", "header"),
                        *(
                            "header_rows",
                            "names",
                            "units_row",
                            "kinds_row",
                            "comment",
                            "footer_lines",
                        ),
                        *("repeated_headers", "short_rows", "decimal", "thousands"),
                        *("date_format", "encoding", "sheet", "data_path", "records"),
                        *("names_path", "final_newline", "union_by_name"),
                    )
                ),
            },
            "parameters": {
                "batch_size": 100,
                "max_retries": 5,
                "timeout_seconds": 30,
                "concurrency": 1,
            },
            "columns": {},
            "on_change": {
                "new_column": "add",
                "lost_column": "fail",
                "changed_column": "widen",
                "bad_value": "fail",
                "max_rejected": "10%",
            },
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
        "run": {
            "retries": 0,
            "retry_delay_seconds": 30,
            "timeout_seconds": None,
            "on_failure": [],
        },
    }


def test_the_project_is_found_from_the_folder_one_is_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a project the one around the current folder is meant."""
    monkeypatch.delenv("DATAFLOW_PROJECT", raising=False)
    monkeypatch.chdir(project.workflow_dir("flights"))
    assert load_config("flights")["load"]["table"] == "flights"


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


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_no_file_raises_anything_else(data: bytes, faults: Faults) -> None:
    """Whatever bytes stand in the file, what comes is a ConfigError whose lines start with it."""
    faults(data)


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


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(paths, values), min_size=1, max_size=4))
def test_no_values_raise_anything_else(
    project: Project, changes: list[tuple[tuple[str, ...], Any]], write: Write, good: str
) -> None:
    """A good configuration with anything put anywhere is either good or a ConfigError."""
    config = read_config(write(good), project=project).model_dump(by_alias=True)
    for path, value in changes:
        inner: Any = config
        for key in path[:-1]:
            inner = inner[key] if isinstance(inner, dict) and key in inner else {}
        if isinstance(inner, dict):
            inner[path[-1]] = value
    text = json.dumps(config)
    said = ""
    try:
        read_config(write(text), project=project, environ={"X": "private"})
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
