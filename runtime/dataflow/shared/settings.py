"""A project's settings: ``[tool.dataflow]`` in pyproject.toml, overridden by the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dataflow.shared.environments import with_environment
from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.suggestion import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Port = Annotated[int, Field(ge=1, le=65535)]


def _words(value: object) -> object:
    """A list, which an environment variable gives as words separated by commas."""
    return (
        [word.strip() for word in value.split(",") if word.strip()]
        if isinstance(value, str)
        else value
    )


def _url(value: object) -> object:
    return value.rstrip("/") if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_words)]
# A name or an address, without scheme, port and path.
Host = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[^\s/:*\[\]]+|\[?[0-9a-fA-F:.]+\]?)$")]


# A kind of which the project takes one: its name, or its ``type`` with keys of its own.
Kind = str | dict[str, Any]


# What settings that are texts of a form are like.
_WRITTEN = {
    "public_url": "https://dagster.example.org, without a path",
    "dagster_url": "http://localhost:3000",
    "allowed_hosts": "data.example.org, *.example.org or *",
}


class Settings(BaseModel):
    """What a project can choose. Each is also a variable: ``data_dir`` is ``DATAFLOW_DATA_DIR``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Where the warehouse files lie, from the project's folder. The one folder of state to back up.
    data_dir: Path = Path("data")
    # What builds the dashboards: Evidence, from the workflows' own pages; `static`, which needs no
    # Node and makes each page by itself; or one that a plug-in brings.
    dashboard: str = "evidence"
    # Where Dagster's UI listens.
    dagster_port: Port = 3000
    # Where the REST API listens.
    api_port: Port = 8000
    # Where the dashboards are served.
    evidence_port: Port = 9000
    # Seconds that a run waits for another run of the same workflow to end.
    lock_timeout_seconds: Annotated[float, Field(ge=0)] = 600.0
    # What the REST API does when a workflow that is to run is running: queue it, or say no.
    when_busy: Literal["wait", "refuse"] = "wait"
    # Runs that `dataflow up` starts come from a process that has the libraries loaded and takes a
    # quarter of a gigabyte; without it each loads them itself and takes two to three times as long.
    warm_runs: bool = True
    # Runs and checks are done by a process that has the libraries loaded: `auto`, at a
    # terminal where CI is not set, from the third run in minutes on; true, always; false, never.
    daemon: bool | Literal["auto"] = "auto"
    # Minutes without a run after which that process ends.
    daemon_idle_minutes: Annotated[float, Field(gt=0)] = 10.0
    # Where Dagster's webserver is; on this machine at dagster_port if not given.
    dagster_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    # Names under which people or proxies call the three servers, beside localhost and addresses:
    # `data.example.org`, `*.example.org`, or `*` for any.
    allowed_hosts: Annotated[list[Host], BeforeValidator(_words)] = []
    # Where people open Dagster's UI, such as https://dagster.example.org: links begin with it.
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+)?$"), BeforeValidator(_url)] = (
        ""
    )
    # `dataflow up` sees edited, new and removed code within seconds. If this is off: at
    # `dataflow reload`.
    reload_on_change: bool = True
    # Days for which the history keeps runs, with their logs and folders; 0: for ever. The last good
    # run of a workflow, or of each partition, stays in any case.
    history_days: Annotated[float, Field(ge=0)] = 0.0
    # How many ended runs of each workflow the history keeps; 0: all.
    history_runs: Annotated[int, Field(ge=0)] = 0
    # The largest request body that the REST API reads, in bytes.
    api_max_body: Annotated[int, Field(ge=1024)] = 1_048_576
    # The web pages that may call the REST API from a browser, such as https://shop.example.
    api_cors_origins: Words = []
    # Top-level sections of config.yaml that are the team's own, beside those that begin with `x-`.
    config_sections: Words = []
    # Where tables live: a kind's name, or a table with its `type` and its own keys.
    warehouse: Kind = "duckdb"
    # A run's tables are seen when all of it has succeeded: it works on a copy of its warehouse. If
    # this is off, each step changes the tables when it ends, and no earlier state is kept.
    all_or_nothing: bool = True
    # How many earlier states of a workflow's tables are kept, for `workflow diff` and `restore`.
    kept_states: Annotated[int, Field(ge=0)] = 2
    # Gigabytes that the kept states of a workflow take at most; those beyond it, the oldest, go.
    kept_states_gb: Annotated[float, Field(ge=0)] = 10.0
    # The most memory that DuckDB takes in each step of a run, such as `2GB`; what does not fit goes
    # to the disk. Four fifths of what the machine or the container has, if not given.
    memory_limit: Annotated[str, Field(pattern=r"^(\d+(\.\d+)? ?[KMGT]i?B)?$")] = ""
    # What marts are handed to after a run, in this order: each a name or a table, as above.
    publishers: list[Kind] = ["parquet"]
    # Where Dagster keeps runs, events and schedules: `postgresql://...`, which many machines can
    # share. SQLite files in `.dagster` if not given.
    history: str = ""
    # A folder or an address that every machine of the environment reaches, such as
    # `s3://bucket/shop`: what steps hand over and failed runs leave is kept there, too. `.dataflow`
    # of this machine alone if not given.
    state_store: str = ""
    # A folder or an address for the published tables and their manifest, which the dashboards
    # read. `.dataflow/site` of this machine if not given.
    publish_target: str = ""
    # What starts the runs of the service: a kind's name, or a table with its `type` and its keys.
    launcher: Kind = "local"
    # The workflows of this process's code location, where there are several; all if not given.
    location_workflows: Words = []
    # The names of Dagster's code locations that the REST API asks: one of each group of workflows.
    locations: Annotated[Words, Field(min_length=1)] = ["dataflow"]
    # What `dataflow deploy kubernetes` renders for: image, tag, namespace, host, login, groups.
    kubernetes: dict[str, Any] = {}
    # What `${NAME}` in config.yaml and in settings gives where the environment has no variable and
    # the folder of secrets no file of that name; it may be `${ANOTHER}`.
    variables: dict[str, str] = {}
    # The folder with a file for each secret, as Docker and Kubernetes mount it: `${NAME}` is what
    # the file `NAME` holds. `NAME_FILE` in the environment names another file.
    secrets_dir: Path = Path("/run/secrets")
    # Stores that are asked for what `${NAME}` is nowhere else: plug-ins, each a name or a table.
    secrets: list[Kind] = []

    @field_validator("state_store", "publish_target")
    @classmethod
    def _can_be_shared(cls, value: str, info: ValidationInfo) -> str:
        if value:
            from dataflow.shared.store_address import check_address

            check_address(value, str(info.field_name))
        return value

    @model_validator(mode="after")
    def _fill_in(self) -> Settings:
        if not self.dagster_url:
            object.__setattr__(self, "dagster_url", f"http://127.0.0.1:{self.dagster_port}")
        return self


def load_settings(root: Path) -> Settings:
    """Read the settings of the project at ``root``, as the chosen environment has them.

    Raises:
        BadInputError: A setting is unknown or has a wrong value; all of them are named. Or there
            is no such environment.

    >>> load_settings(Path()).api_port
    8000
    """
    table, origin = written_settings(root)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        faults = [
            f"{origin[str(fault['loc'][0])]}: {shortened(str(fault['loc'][0]))} = "
            f"{quoted(fault['input'])}: "
            f"{_said(fault)}"
            for fault in error.errors()
        ]
        raise BadInputError(
            "\n".join(faults), f"The settings are: {', '.join(Settings.model_fields)}."
        ) from error


def _said(fault: ErrorDetails) -> str:
    """What is wrong with a setting; of one that there is not, which one may be meant."""
    if fault["type"] == "string_pattern_mismatch" and fault["loc"][0] in _WRITTEN:
        return f"it is to be written as {_WRITTEN[str(fault['loc'][0])]}"
    if fault["type"] != "extra_forbidden" or len(fault["loc"]) > 1:
        return fault["msg"]
    near = did_you_mean(str(fault["loc"][0]), list(Settings.model_fields))
    return f"there is no such setting; {near}" if near else "there is no such setting"


def written_settings(root: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings of the project at ``root`` that are not left to defaults; where each stands.

    Raises:
        BadInputError: There is no such environment.
    """
    path = root / PROJECT_FILE
    own: dict[str, Any] = read_project_file(path).content["tool"]["dataflow"]
    table, origin = with_environment(own, path)
    for name in Settings.model_fields:
        variable = f"DATAFLOW_{name.upper()}"
        if variable in os.environ:
            table[name] = os.environ[variable]
            origin[name] = f"environment variable {variable}"
    return table, origin
