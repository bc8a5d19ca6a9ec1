"""A throw-away project around one workflow, and sample data in place of its source."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

from dataflow.modelling.kept_parse import keeping_parse
from dataflow.runs.context import own_config
from dataflow.runs.dagster_names import PARTITION_TAG
from dataflow.runs.partitioning import first_partition, part_of_run
from dataflow.shared.config import CONFIG_FILE, hold_config, read_config
from dataflow.shared.own_code import OwnCode
from dataflow.shared.plain_yaml import load_yaml
from dataflow.shared.project import PROJECT_VARIABLE, Project, find_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from dataflow.runs.model import Run
    from dataflow.shared.config_model import Ingestion, WorkflowConfig
    from dataflow.shared.contract import Column

# The states of dbt projects whose unit tests have passed in this process.
_UNIT_TESTED = set[str]()
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
    _given: dict[str, dict[str, Any]] = field(default_factory=dict)
    _has_run: list[str] = field(default_factory=list)

    def sample(self, name: str) -> list[dict[str, Any]]:
        """The records of ``tests/data/<name>``, a JSON list."""
        text = (self.tests_dir / "data" / name).read_text(encoding="utf-8")
        records: list[dict[str, Any]] = json.loads(text)
        return records

    @property
    def params(self) -> dict[str, Any]:
        """What the job hands to ``extract_data`` at the workflow's first run.

        Where there are several sources, it says besides which one is meant, as ``source``. An
        ingestion.py that reads its source in a way of its own is told the first partition, where
        config.yaml asks for partitions.
        """
        config = own_config(self.project, self.workflow_id)
        told: dict[str, Any] = {"last_value": None}
        if config is not None and (key := first_partition(config)) is not None:
            part = part_of_run(config, {PARTITION_TAG: key})
            told |= part.parameters(config.tables[0]) if part else {}
        return told

    def use_sample(self, name: str, source: str = "") -> None:
        """Let the workflow read ``tests/data/<name>`` in the way it reads its source.

        A file is read as a file, an API's records come from a real HTTP server on this machine,
        a database's rows from a real database file. An ingestion.py that does not leave the
        reading to ``read_source`` keeps the source that config.yaml names: only it knows how to
        read it. ``use_source`` gives it another. Of several sources ``source`` names one.
        """
        path = self.tests_dir / "data" / name
        kind = self._source_type(source)
        if kind is None or self._code.reads_source_itself:
            return
        given: dict[str, Any] = {"type": "file", "url": str(path), "format": "json"}
        if kind == "api":
            given = {"type": "api", "url": self._serve(path), "paging": {"type": "none"}}
        elif kind == "database":
            given = {"type": "database", "url": str(self._database(path)), "table": "sample"}
        self.use_source(given, source)

    def use_source(self, source: dict[str, Any], name: str = "") -> None:
        """Put a source in place of one in config.yaml, checked as if it stood there.

        Args:
            name: Which one, where there are several.
        """
        self._given[name] = source
        self._cleanup.enter_context(_sources(self.project, self.workflow_id, self._given))

    def use_upstream(
        self,
        workflow_id: str,
        table: str,
        rows: str | list[dict[str, Any]],
        schema: str = "marts",
    ) -> None:
        """Give a workflow that this one comes after a table, for the models that read it.

        Args:
            rows: Records, or the name of a sample that has them.
        """
        import duckdb

        from dataflow.shared.sql import quote_identifier

        records = self.sample(rows) if isinstance(rows, str) else rows
        file = self.project.root / f"rows-{uuid4().hex}.json"
        file.write_text(json.dumps(records), encoding="utf-8")
        warehouse = self.project.warehouse_file(workflow_id)
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
            name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
            connection.execute(f"DROP TABLE IF EXISTS {name}")
            connection.read_json(str(file)).create(name)

    def require_source(self) -> None:
        """Skip the test where ingestion.py does not leave the reading to ``read_source``."""
        if self._code.reads_source_itself:
            _skip("ingestion.py reads the source in a way of its own: test here what it promises.")

    def require_stages(self) -> None:
        """Skip the test where transform.py does not leave the work to ``apply_stages``."""
        if self._code.transforms_itself:
            _skip("transform.py has a transformation of its own: test here what it promises.")

    def extracted(self, rows: str | list[dict[str, Any]], source: str = "") -> dict[str, Any]:
        """What the job hands to ``transform_data`` for some records, or those of a sample.

        They have the types that ``read_source`` finds, and come as lazily as in a run. Of several
        sources ``source`` is the name of the one that they are of.
        """
        from dataflow.shared.lazy_rows import LazyRows
        from dataflow.shared.tables import write_parquet
        from dataflow.sources.read import read_source

        records = self.sample(rows) if isinstance(rows, str) else rows
        folder = self.project.root / f"rows-{uuid4().hex}"
        folder.mkdir()
        (folder / "rows.json").write_text(json.dumps(records), encoding="utf-8")
        given = {"type": "file", "url": str(folder / "rows.json"), "format": "json"}
        config = own_config(self.project, self.workflow_id)
        ingestion = _of_sample(config.ingestion).model_dump(by_alias=True) if config else {}
        within = ingestion["sources"][source] if source else ingestion
        read = read_source({**within, "source": given, "parameters": {}}, {})
        if source:
            read["metadata"]["table"] = within["load"]["table"] or source
        write_parquet(read["data"], folder / "extract.parquet")
        return {**read, "data": LazyRows(folder / "extract.parquet")}

    def stages(self, transformed: dict[str, Any]) -> list[str]:
        """The names of the stages that ``transform_data`` says it has run."""
        from dataflow.runs.table_transform import stage_names

        return stage_names(transformed["metadata"])

    def has_option(self, name: str) -> bool:
        """Whether a stage in config.yaml has an option of that name on."""
        config = own_config(self.project, self.workflow_id)
        stages = config.transformation.stages if config else []
        return any(stage.options.model_dump().get(name) is True for stage in stages)

    def run(self, partition: str | None = None) -> Run:
        """Run the workflow's job to its end, then the unit tests of its dbt models.

        Those say something of the models alone, so that one making of them in a process is enough
        as long as the models are as they were.

        A sample is loaded as a whole; a workflow whose ingestion.py reads its source in a way of
        its own runs for its first partition, where it has some.

        Args:
            partition: The key of the one to run, for a job that has partitions; None for the first.

        Raises:
            AssertionError: A step or a unit test failed; the message says which and why.
        """
        from dataflow.runs.run import run_workflow
        from dataflow.runs.run_request import RunRequest

        config = own_config(self.project, self.workflow_id)
        if partition is None and config is not None:
            partition = first_partition(config)
        request = RunRequest(partition=partition)
        run = run_workflow(self.project, self.workflow_id, request=request)
        if not run.success:
            faults = [f"{step.name}: {step.error}" for step in run.steps if step.error]
            raise AssertionError("\n".join(faults) or run.error)
        self._has_run.append(run.run_id)
        self._make_unit_tests()
        return run

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the workflow's warehouse file.

        The test is skipped where a run has succeeded and left none: its job loads elsewhere.
        """
        from dataflow.warehouse.kind import open_warehouse

        warehouse = open_warehouse(self.project, self.workflow_id)
        if self._has_run and not warehouse.exists():
            _skip("The job loads nothing into the warehouse: test here what it does instead.")
        with warehouse.connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def count(self, table: str) -> int:
        """How many rows a table of the warehouse has, such as ``marts.sales``."""
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    def rows(self, data: dict[str, Any]) -> int:
        """How many rows ``extract_data`` or ``transform_data`` returned, of whatever kind.

        Those of a stream or a generator stay in ``data``, so that the test can go on with them.
        """
        from dataflow.shared.tables import countable, row_count

        data["data"] = countable(data["data"])
        return row_count(data["data"])

    def _make_unit_tests(self) -> None:
        from dataflow.modelling.known_graph import state_of_models
        from dataflow.modelling.unit_tests import failed_unit_tests
        from dataflow.runs.context import upstream_of

        models = state_of_models(self.project.workflow_dir(self.workflow_id).resolve() / "dbt")
        if models in _UNIT_TESTED:
            return
        config = own_config(self.project, self.workflow_id)
        upstream = upstream_of(self.project, self.workflow_id, config)
        failed = failed_unit_tests(self.project, self.workflow_id, upstream)
        if failed:
            raise AssertionError("\n".join(failed))
        _UNIT_TESTED.add(models)

    @property
    def _code(self) -> OwnCode:
        return OwnCode(self.workflow_id, self.project.workflow_dir(self.workflow_id))

    def _source_type(self, name: str) -> str | None:
        ingestion = _ingestion(self.project, self.workflow_id)
        within = ingestion["sources"][name] if name else ingestion
        return str(within["source"]["type"]) if within else None

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
    test_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, kept: Path | None = None
) -> Iterator[Sandbox]:
    """Make a project in ``folder`` around the workflow whose ``tests`` hold ``test_file``.

    Args:
        kept: A folder of this process for the models, parsed, which one sandbox leaves to the
            next; used where the project's own is in use.
    """
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
    # Tests write into files of their own, whatever warehouse the project or its environment has.
    monkeypatch.setenv("DATAFLOW_WAREHOUSE", "duckdb")
    with ExitStack() as cleanup:
        nothing = {"type": "file", "url": str(root / "no-source-yet.json")}
        project, workflow_id = Project(root.resolve()), tests_dir.parent.name
        given: dict[str, dict[str, Any]] = {}
        sandbox = Sandbox(project, workflow_id, tests_dir, cleanup, given)
        if not sandbox._code.reads_source_itself:
            names = _ingestion(project, workflow_id).get("sources") or [""]
            given |= dict.fromkeys(names, nothing)
        cleanup.enter_context(_sources(project, workflow_id, given))
        if kept is not None:
            parsed = real.files_dir / "dbt" / workflow_id / "tests"
            cleanup.enter_context(keeping_parse(parsed, kept / workflow_id))
        yield sandbox


def _ingestion(project: Project, workflow_id: str) -> dict[str, Any]:
    """What config.yaml says of sources, as it is written; nothing if there is none."""
    # Not load_config: the secrets of the real sources need not be set where tests run.
    path = project.workflow_dir(workflow_id) / CONFIG_FILE
    if not path.exists():
        return {}
    ingestion: dict[str, Any] | None = load_yaml(path.read_text(encoding="utf-8")).get("ingestion")
    return ingestion or {}


def _sources(
    project: Project, workflow_id: str, sources: dict[str, dict[str, Any]]
) -> AbstractContextManager[None]:
    """Put sources in place of those in config.yaml, by their names, as if they stood there.

    What only production has to know, such as whom to tell of a failure, need not be set.
    """
    path, given = project.workflow_dir(workflow_id) / CONFIG_FILE, dict(sources)

    def read() -> WorkflowConfig:
        config = read_config(
            path,
            project=project,
            source=given.get(""),
            sources=given,
            needs_environment=False,
        )
        if not given:
            return config
        # A sample is read as a whole: its rows are of any time.
        whole = config.workflow.model_copy(update={"partition": None})
        sample = _of_sample(config.ingestion)
        return config.model_copy(update={"ingestion": sample, "workflow": whole})

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


def _skip(why: str) -> NoReturn:
    import pytest

    pytest.skip(why)
