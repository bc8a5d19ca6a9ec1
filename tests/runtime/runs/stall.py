"""A workflow without dbt whose runs are made in this process, in a third of a second each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from dagster import DagsterInstance, ReexecutionOptions, execute_job
from dagster._core.definitions.reconstruct import ReconstructableJob
from tests.service_fixtures import write_project

from dataflow.runs.instance import open_instance
from dataflow.runs.run import run_workflow
from dataflow.runs.run_part import part_tags
from dataflow.runs.run_request import RunRequest
from dataflow.shared.project import Project, use_project
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from dataflow.runs.model import Run

__all__ = ["Stall"]

CONFIG = """
workflow: {name: Stall, schedule: "0 6 * * *", timezone: UTC}
ingestion:
  source: {type: file, url: rows.csv}
  columns: {id: bigint, amount: {type: "decimal(12,2)", sample: true}}
  on_change: {bad_value: quarantine}
load: {table: sales}
"""
JOB = """
from dagster import job, op
from dataflow.authoring import LoadResult, Steps, StoredTable, read_source
from dataflow.shared.config import load_config
from dataflow.shared.project import find_project
from dataflow.workflows.registry import register_workflow

steps = Steps(__package__)


def extract_data(params):
    return read_source(load_config("stall")["ingestion"], params)


@op
def extract_stall() -> StoredTable:
    return steps.extract(extract_data)


@op
def transform_stall(extracted: StoredTable) -> StoredTable:
    return steps.transform(lambda result: result, extracted)


@op
def load_stall(transformed: StoredTable) -> LoadResult:
    loaded = steps.load(transformed)
    if (find_project().root / "fail late").exists():
        raise ValueError("as it was told")
    return loaded


@op
def publish_stall(loaded: LoadResult) -> dict[str, int]:
    if (find_project().root / "fail").exists():
        raise ValueError("as it was told")
    return steps.publish(loaded)


@job
def stall_job():
    publish_stall(load_stall(transform_stall(extract_stall())))


register_workflow(workflow_id=__package__, job=stall_job, description="A stall")
"""
LAUNCHED = """
from dataflow.runs.code_location import build_definitions
from dataflow.shared.project import find_project


def launched():
    return build_definitions(find_project()).get_job_def("stall_job")
"""


class Stall:
    """The project, its runs, and what is left of them."""

    def __init__(self, root: Path, *, is_new: bool = True) -> None:
        self.project = Project(write_project(root) if is_new else root)
        self.root = root
        self.folder = self.project.workflow_dir("stall")
        if is_new:
            self._write()

    def copied(self, root: Path) -> Stall:
        """A project with all that this one has."""
        shutil.copytree(self.root, root)
        return Stall(root, is_new=False)

    def _write(self) -> None:
        (self.folder / "evidence" / "sources").mkdir(parents=True)
        (self.folder / "__init__.py").touch()
        (self.folder / "dagster_job.py").write_text(JOB)
        (self.folder / "evidence" / "sources" / "sales.sql").write_text("select * from raw.sales")
        (self.root / "launched.py").write_text(LAUNCHED)
        self.configure(CONFIG)
        self.rows("1,1.50", "2,2.50", "x,9")

    def configure(self, config: str) -> None:
        """Write its config.yaml."""
        (self.folder / "config.yaml").write_text(config)

    def rows(self, *rows: str) -> None:
        """What the source has: lines of id and amount."""
        (self.root / "rows.csv").write_text("id,amount\n" + "".join(f"{row}\n" for row in rows))

    def run(self, *parts: str, partition: str | None = None) -> Run:
        """Run it as the command does; whole, or only these parts."""
        asked = RunRequest(partition=partition, tags=part_tags(parts))
        return run_workflow(self.project, "stall", request=asked)

    def launch(self, resumes: str = "", **tags: str) -> Any:
        """Run it as Dagster does, which may take up a run that failed."""
        with use_project(self.project), self.history() as instance:
            job = ReconstructableJob.for_file(str(self.root / "launched.py"), "launched")
            again = ReexecutionOptions.from_failure(resumes, instance) if resumes else None
            with execute_job(
                job, instance, reexecution_options=again, raise_on_error=False, tags=tags or None
            ) as result:
                return result.dagster_run, result.all_events

    def history(self) -> AbstractContextManager[DagsterInstance]:
        """Dagster's history of its runs."""
        return open_instance(self.project)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What everybody sees in its tables."""
        with visible_warehouse(self.project, "stall").connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def made(self, *path: str) -> dict[str, Any]:
        """What Dagster was told of an asset when it was made last; empty if it never was."""
        from dagster import AssetKey

        with self.history() as instance:
            records = instance.fetch_materializations(AssetKey(["stall", *path]), limit=1).records
        made = records[0].asset_materialization if records else None
        return {name: entry.value for name, entry in made.metadata.items()} if made else {}
