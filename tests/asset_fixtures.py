"""A project whose workflow has all that becomes assets: contract, models, tests, dashboard."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.driven_project import DrivenProject

__all__ = ["Till", "write_report", "write_till"]

CONFIG = """
workflow: {name: Till, schedule: "0 6 * * *", timezone: UTC}
ingestion:
  source: {type: file, url: rows.csv}
  columns: {id: bigint, amount: {type: "decimal(12,2)", unit: EUR, sample: true}}
  on_change: {bad_value: BAD_VALUE}
load: {table: sales}
"""
JOB = """
from dagster import EXECUTOR, job, op
from dataflow.authoring import BuildResult, LoadResult, Steps, StoredTable, read_source
from dataflow.shared.config import load_config
from dataflow.shared.project import find_project
from dataflow.workflows.registry import register_workflow

steps = Steps("till")


@op
def extract_till() -> StoredTable:
    return steps.extract(lambda params: read_source(load_config("till")["ingestion"], params))


@op
def load_till(extracted: StoredTable) -> LoadResult:
    return steps.load(extracted)


@op
def model_till(loaded: LoadResult) -> BuildResult:
    return steps.model(loaded)


@op
def publish_till(modelled: BuildResult) -> dict[str, int]:
    if (find_project().root / "fail").exists():
        raise ValueError("as it was told")
    return steps.publish(modelled)


@job(executor_def=EXECUTOR)
def till_job():
    publish_till(model_till(load_till(extract_till())))


register_workflow(workflow_id="till", job=till_job, description="The till")
"""
DBT = {
    "dbt_project.yml": """
name: till
version: 1.0.0
config-version: 2
profile: till
models:
  till:
    staging: {+schema: staging, +materialized: view}
    marts: {+schema: marts, +materialized: table}
""",
    "profiles.yml": """
till:
  target: local
  outputs:
    local: {type: duckdb, path: "{{ env_var('DATAFLOW_DATABASE') }}", schema: main, threads: 1}
""",
    "macros/generate_schema_name.sql": """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
""",
    "models/staging/stg_sales.sql": "select * from {{ source('raw', 'sales') }}",
    "models/marts/sales.sql": "select * from {{ ref('stg_sales') }}",
    "models/models.yml": """
sources:
  - {name: raw, schema: raw, tables: [{name: sales}]}
models:
  - name: stg_sales
    description: What the till says.
    config: {tags: [money]}
    columns:
      - name: id
        description: The number of the receipt.
        config: {meta: {sample: true}}
        data_tests: [unique]
      - name: amount
        data_tests: [{not_null: {config: {severity: warn}}}]
""",
}


class Till(DrivenProject):
    """The project, its runs, and what Dagster has been told of its assets."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "till")

    def rows(self, *rows: str) -> None:
        """What the source has: lines of id and amount."""
        (self.root / "rows.csv").write_text("id,amount\n" + "".join(f"{row}\n" for row in rows))

    def run_report(self) -> dict[str, Any]:
        """Run the workflow of `write_report`."""
        return self.run(workflow_id="report")

    def materialize(self, key: str) -> dict[str, Any]:
        """Make one asset in a process of its own."""
        return self.start(f"import drive; drive.materialize({key!r})")

    def make_old(self, *path: str, days: int) -> None:
        """Put into the history that an asset was made so many days ago."""
        self.start(
            "import json, time, logging; from dagster import *\n"
            "from dagster._core.events.log import EventLogEntry\n"
            "from dagster._core.events import StepMaterializationData\n"
            "from dataflow.runs.instance import open_instance\n"
            "from dataflow.shared.project import find_project\n"
            f"made = AssetMaterialization({['till', *path]!r})\n"
            "event = DagsterEvent(event_type_value='ASSET_MATERIALIZATION', job_name='till_job',\n"
            "    event_specific_data=StepMaterializationData(made), message='made')\n"
            "entry = EventLogEntry(None, logging.INFO, '', 'of_old',\n"
            f"    time.time() - {days} * 86400, dagster_event=event)\n"
            "with open_instance(find_project()) as instance: instance.handle_new_event(entry)\n"
            "print(json.dumps({}))"
        )


def write_till(
    root: Path, *, bad_value: str = "quarantine", executor: str = "in_process_executor"
) -> Till:
    """Write the project, with three rows that are as they should be."""
    till = Till(root)
    (till.folder / "evidence" / "sources").mkdir(parents=True)
    (till.folder / "config.yaml").write_text(CONFIG.replace("BAD_VALUE", bad_value))
    (till.folder / "dagster_job.py").write_text(JOB.replace("EXECUTOR", executor))
    (till.folder / "evidence" / "sources" / "sales.sql").write_text("select * from marts.sales")
    for name, text in DBT.items():
        path = till.folder / "dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    till.rows("1,1.50", "2,2.50", "3,3.50")
    return till


REPORT = """
workflow: {name: Report, after: [till]}
ingestion:
  source: {type: file, url: people.csv}
load: {table: people}
"""
REPORT_MODELS = {
    "staging/stg_sales.sql": "select id, amount from {{ source('till', 'sales') }}",
    "marts/bought.sql": (
        "select name, amount from {{ source('raw', 'people') }} "
        "join {{ ref('stg_sales') }} using (id)"
    ),
    "models.yml": "sources: [{name: raw, schema: raw, tables: [{name: people}]}]",
}


def write_report(till: Till) -> Path:
    """Write a workflow whose models read the mart of the till, and that runs after it."""
    folder = till.folder.with_name("report")
    shutil.copytree(till.folder, folder)
    shutil.rmtree(folder / "dbt" / "models")
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        path.write_text(path.read_text().replace("till", "report"))
    (folder / "config.yaml").write_text(REPORT)
    for name, text in REPORT_MODELS.items():
        path = folder / "dbt" / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "evidence" / "sources" / "sales.sql").write_text(
        "select * from staging.stg_sales join marts.bought using (amount)"
    )
    (till.root / "people.csv").write_text("id,name\n1,Ann\n2,Bob\n")
    return folder
