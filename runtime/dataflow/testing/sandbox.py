"""A throw-away project around one workflow, and sample data in place of its source."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.config import CONFIG_FILE, hold_config, read_config
from dataflow.shared.project import PROJECT_VARIABLE, Project, find_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from dataflow.runs.model import Run
    from dataflow.shared.config_model import Ingestion, WorkflowConfig
    from dataflow.shared.contract import Column

_PROJECT_FILES = ("pyproject.toml", "dagster.yaml", "workspace.yaml")


@dataclass(frozen=True)
class Sandbox:
    """One workflow's code with data of its own. It has no source until ``use_sample`` gives one.

    Args:
        tests_dir: The workflow's folder ``tests``; samples lie in its folder ``data``.
    """

    project: Project
    workflow_id: str
    tests_dir: Path
    _cleanup: ExitStack
    _samples: dict[str, dict[str, Any]] = field(default_factory=dict)

    def sample(self, name: str) -> list[dict[str, Any]]:
        """The records of ``tests/data/<name>``, a JSON list."""
        text = (self.tests_dir / "data" / name).read_text(encoding="utf-8")
        records: list[dict[str, Any]] = json.loads(text)
        return records

    def use_sample(self, name: str, source: str = "") -> None:
        """Let the workflow read ``tests/data/<name>`` in the way it reads its source.

        Of several sources ``source`` is the name of the one that is meant. A file is read as a
        file, an API's records come from a real HTTP server on this machine, a database's rows from
        a real database file.
        """
        path = self.tests_dir / "data" / name
        ingestion = _ingestion(self.project, self.workflow_id)
        kind = (ingestion["sources"][source] if source else ingestion)["source"]["type"]
        given: dict[str, Any] = {"type": "file", "url": str(path), "format": "json"}
        if kind == "api":
            given = {"type": "api", "url": self._serve(path), "paging": {"type": "none"}}
        elif kind == "database":
            given = {"type": "database", "url": str(self._database(path)), "table": "sample"}
        self._samples[source] = given
        self._cleanup.enter_context(_samples(self.project, self.workflow_id, self._samples))

    def run(self) -> Run:
        """Run the workflow's job to its end.

        Raises:
            AssertionError: A step failed; the message says which and why.
        """
        from dataflow.runs.run import run_workflow

        run = run_workflow(self.project, self.workflow_id)
        if not run.success:
            faults = [f"{step.name}: {step.error}" for step in run.steps if step.error]
            raise AssertionError("\n".join(faults) or run.error)
        return run

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the workflow's warehouse file."""
        from dataflow.warehouse.kind import open_warehouse

        warehouse = open_warehouse(self.project, self.workflow_id)
        with warehouse.connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def count(self, table: str) -> int:
        """How many rows a table of the warehouse has, such as ``marts.sales``."""
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    def rows(self, data: dict[str, Any]) -> int:
        """How many rows ``extract_data`` or ``transform_data`` returned, of whatever kind."""
        from dataflow.shared.tables import row_count

        return row_count(data["data"])

    def _serve(self, path: Path) -> str:
        handler = partial(_QuietHandler, directory=str(path.parent))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._cleanup.callback(server.server_close)
        self._cleanup.callback(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/{path.name}"

    def _database(self, path: Path) -> Path:
        import duckdb

        database = self.project.root / f"{path.stem}.duckdb"
        with duckdb.connect(str(database)) as connection:
            connection.read_json(str(path)).create("sample")
        return database


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the requests out of the test's output."""


@contextmanager
def open_sandbox(
    test_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """Make a project in ``folder`` around the workflow whose ``tests`` hold ``test_file``."""
    real = find_project(test_file.parent)
    tests_dir = next(parent for parent in test_file.parents if parent.name == "tests")
    root = folder / "project"
    root.mkdir()
    for name in _PROJECT_FILES:
        if (real.root / name).exists():
            shutil.copy(real.root / name, root / name)
    (root / "src").symlink_to(real.source_dir, target_is_directory=True)
    monkeypatch.setenv(PROJECT_VARIABLE, str(root))
    monkeypatch.delenv("DATAFLOW_DATA_DIR", raising=False)
    with ExitStack() as cleanup:
        nothing = {"type": "file", "url": str(root / "no-source-yet.json")}
        project, workflow_id = Project(root.resolve()), tests_dir.parent.name
        names = _ingestion(project, workflow_id).get("sources") or [""]
        samples = dict.fromkeys(names, nothing)
        cleanup.enter_context(_samples(project, workflow_id, samples))
        yield Sandbox(project, workflow_id, tests_dir, cleanup, samples)


def _ingestion(project: Project, workflow_id: str) -> dict[str, Any]:
    """What config.yaml says of sources, as it is written."""
    # Not load_config: the secrets of the real sources need not be set where tests run.
    path = project.workflow_dir(workflow_id) / CONFIG_FILE
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    ingestion: dict[str, Any] = config["ingestion"]
    return ingestion


def _samples(
    project: Project, workflow_id: str, samples: dict[str, dict[str, Any]]
) -> AbstractContextManager[None]:
    """Put sources in place of those in config.yaml, by their names, as if they stood there."""
    path, given = project.workflow_dir(workflow_id) / CONFIG_FILE, dict(samples)

    def read() -> WorkflowConfig:
        config = read_config(path, project=project, source=given.get(""), sources=given)
        return config.model_copy(update={"ingestion": _of_sample(config.ingestion)})

    return hold_config(path, read)


def _of_sample(ingestion: Ingestion) -> Ingestion:
    """The contracts of samples: the same types, but written as JSON has them."""
    sources = {
        name: source.model_copy(update={"columns": _plainly_written(source.columns)})
        for name, source in ingestion.sources.items()
    }
    columns = _plainly_written(ingestion.columns)
    return ingestion.model_copy(update={"columns": columns, "sources": sources})


def _plainly_written(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns whose values are written as JSON has them.

    A sample may lack a column that the source has got since.
    """
    return {
        name: column.model_copy(
            update={
                **dict.fromkeys(
                    ("source", "format", "decimal", "thousands", "null_values", "unit")
                ),
                "optional": True,
            }
        )
        for name, column in columns.items()
    }
