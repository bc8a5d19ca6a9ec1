"""A warehouse of a project of its own, for tests that load rows into it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dataflow.shared.project import Project
from dataflow.warehouse.kind import LoadRequest, Warehouse, visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.warehouse.kind import LoadResult

WORKFLOW = "orders"

# The child of the test that kills a load: its watermark, written after the rows, is its end.
_KILLED_LOAD = """
import os, signal, sys
from pathlib import Path
from dataflow.shared.project import Project
from dataflow.warehouse.kind import LoadRequest, visible_warehouse

class Deadly:
    def __str__(self):
        os.kill(os.getpid(), signal.SIGKILL)

warehouse = visible_warehouse(Project(Path(sys.argv[1])), sys.argv[2])
if sys.argv[4]:
    warehouse = warehouse.begin(sys.argv[4])
warehouse.load(Path(sys.argv[3]), LoadRequest("t", "append", watermark=Deadly()))
"""


_DBT = {
    "dbt_project.yml": f"""
name: {WORKFLOW}
version: 1.0.0
profile: {WORKFLOW}
models:
  {WORKFLOW}:
    staging: {{+schema: staging, +materialized: view}}
    marts: {{+schema: marts, +materialized: table}}
""",
    "profiles.yml": f"""
{WORKFLOW}:
  target: local
  outputs:
    local:
      type: duckdb
      path: "{{{{ env_var('DATAFLOW_DATABASE') }}}}"
      schema: main
""",
    "macros/generate_schema_name.sql": """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
""",
    "models/staging/stg_t.sql": "select * from {{ source('raw', 't') }}",
    "models/marts/t.sql": "select id, amount from {{ ref('stg_t') }}",
    "models/models.yml": """
sources: [{name: raw, schema: raw, tables: [{name: t}]}]
models: [{name: stg_t, columns: [{name: id, data_tests: [unique]}]}]
""",
}


@dataclass(frozen=True)
class Loaded:
    """A warehouse, and short ways to load rows into it and to ask it."""

    project: Project
    warehouse: Warehouse

    def load(self, rows: Any, into: Warehouse | None = None, **options: Any) -> LoadResult:
        """Load records, or an Arrow table, into ``raw.t`` unless told otherwise."""
        request = LoadRequest(options.pop("table", "t"), **options)
        return (into or self.warehouse).load(self.parquet(rows), request)

    def parquet(self, rows: Any) -> Path:
        """A new Parquet file with the rows."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.project.root / f"rows-{uuid4().hex}.parquet"
        pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), path)
        return path

    def ask(self, sql: str, of: Warehouse | None = None) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with (of or self.warehouse).connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, columns: str = "*", of: Warehouse | None = None) -> list[tuple[Any, ...]]:
        """The rows of ``raw.t``, in order."""
        return self.ask(f"SELECT {columns} FROM raw.t ORDER BY ALL", of)  # noqa: S608


def open_in(root: Path, setting: str | Mapping[str, Any]) -> Loaded:
    """The warehouse of a project that has the setting."""
    root.mkdir()
    (root / "data").mkdir()
    pairs = {"type": setting} if isinstance(setting, str) else dict(setting)
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\nwarehouse = {_toml(pairs)}\n")
    project = Project(root)
    return Loaded(project, visible_warehouse(project, WORKFLOW))


def _toml(value: Any) -> str:
    # JSON's texts and numbers are TOML's.
    if not isinstance(value, dict):
        return json.dumps(value)
    return (
        "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    )


def killed_load(w: Loaded, run_id: str) -> None:
    """Load a row in a process that is killed in the middle of it, in a run if one is named."""
    rows = w.parquet([{"id": 99}])
    command = [sys.executable, "-c", _KILLED_LOAD, str(w.project.root), WORKFLOW, str(rows)]
    ended = subprocess.run([*command, run_id], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def write_models(project: Project) -> None:
    """Give the workflow a dbt project on ``raw.t``, and a query of a dashboard."""
    folder = project.workflow_dir(WORKFLOW)
    for name, text in _DBT.items():
        path = folder / "dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    query = folder / "evidence" / "sources" / "totals.sql"
    query.parent.mkdir(parents=True)
    query.write_text("SELECT count(*) AS n, sum(amount) AS total FROM marts.t", encoding="utf-8")


def duckdb_rows(parquet: Path) -> list[tuple[Any, ...]]:
    """The rows of a Parquet file."""
    import duckdb

    return duckdb.read_parquet(str(parquet)).fetchall()
