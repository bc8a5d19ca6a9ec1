"""A project whose workflow has run, and one that comes after it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from tests.conftest import Dataflow

from dataflow.shared.project import Project
from dataflow_tools.lifecycle.plan import Plan
from dataflow_tools.lifecycle.records import actions
from dataflow_tools.lifecycle.transaction import alone, execute, finish_earlier

WORKFLOWS = Path("src/dataflow/workflows")

# A workflow without code of its own that names `orders` wherever another one can.
READER = {
    "config.yaml": """\
workflow:
  name: Reader
  after:
    - orders  # every morning
ingestion:
  source: {type: file, url: data/orders.csv}
load: {table: orders}
""",
    "dagster_job.py": """\
from dagster import job, op
from dataflow.authoring import open_warehouse
from dataflow.workflows.orders.ingestion import extract_data
from dataflow.workflows.registry import register_workflow

ORDERS = "orders"  # a table

@op
def look() -> None:
    with open_warehouse("orders", read_only=True) as tables:
        assert tables.execute("SELECT count(*) FROM marts.orders").fetchone() == (6,)

@job
def reader_job() -> None:
    look()

register_workflow(workflow_id="reader", job=reader_job)
""",
    "dbt/models/marts/orders.sql": """\
select * from {{ source('orders', 'orders') }}
union all select * from orders.marts.orders -- orders are few
""",
    "evidence/pages/index.md": """\
Orders, see [orders](/orders/) and [other orders](/orders_daily).

```sql many
select count(*) as orders from orders.orders_daily join reader.orders using (id)
```
""",
}


def git(root: Path, *arguments: str) -> str:
    """Run git in a folder with an identity of its own."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    """Commit all that is in a project."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Work")


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def carry_out(project: Project, plan: Plan) -> list[str]:
    """Do what a plan says, as the commands do."""
    with alone(project):
        notes = finish_earlier(project, actions())
        return notes + execute(project, plan.title, plan.prepare, actions())


def rows(project: Project, name: str, table: str) -> list[tuple[object, ...]]:
    """All rows of a table or view of a workflow."""
    with closing(duckdb.connect(str(project.warehouse_file(name)), read_only=True)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def texts(folder: Path) -> dict[str, str]:
    """The text files of a folder, by their paths."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="session")
def _ran(
    tmp_path_factory: pytest.TempPathFactory, template_repository: Path, dataflow: Dataflow
) -> Path:
    root = tmp_path_factory.mktemp("ran") / "shop"
    for command, cwd in (
        (
            ("init", "shop", "--template", template_repository, "--defaults", "--no-git"),
            root.parent,
        ),
        (("workflow", "new", "orders", "--defaults"), root),
        (("workflow", "run", "orders"), root),
        # Another state of the tables; the one before is kept.
        (("workflow", "run", "orders", "--only", "load"), root),
    ):
        made = dataflow(*command, cwd=cwd)
        assert made.returncode == 0, made.stderr
    write(root / WORKFLOWS / "reader", READER)
    write(
        root,
        {"evidence/pages/index.md": "[Orders](/orders/)\n\n```sql n\nfrom orders.orders\n```\n"},
    )
    git(root, "init", "--quiet")
    commit(root)
    return root


@pytest.fixture
def project(tmp_path: Path, _ran: Path) -> Project:
    """A project with `orders`, which ran twice, and `reader`, which reads it; all committed."""
    return Project(shutil.copytree(_ran, tmp_path / "shop", symlinks=True))


@pytest.fixture
def run(dataflow: Dataflow, project: Project) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in the project's folder."""
    return lambda *arguments, **options: dataflow(*arguments, cwd=project.root, **options)
