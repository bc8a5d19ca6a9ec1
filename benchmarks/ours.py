"""Our own ways of benchmarks/pipeline.py: rendered workflows, run by the command line."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measuring import BIN, Cost, measure
from peers import TIMEOUT, lay
from sales_data import Sales, prove, prove_loaded, prove_types

if TYPE_CHECKING:
    from pathlib import Path

STRICT, QUARANTINE, PANDAS = "sales", "sales_quarantine", "sales_pandas"
PANDAS_TRANSFORM = '''"""Clean with pandas."""

from datetime import UTC, datetime


def transform_data(data):
    frame = data["data"].to_pandas().drop_duplicates()
    frame["processed_at"] = datetime.now(UTC)
    return {"data": frame, "metadata": data["metadata"]}
'''


@dataclass(frozen=True)
class Project:
    """A project with a workflow as rendered, one that puts bad values aside, and one with pandas.

    Args:
        folder: The project.
        source: The link that its workflows read.
    """

    folder: Path
    source: Path

    def run(self, name: str, sales: Sales, *arguments: str) -> Cost:
        """`dataflow workflow run` on a file, and the proof that the mart or raw table is right."""
        lay(self.source, sales.path)
        began = time.time()
        command = [BIN / "dataflow", "workflow", "run", name, *arguments]
        cost = measure(command, self.folder, timeout=TIMEOUT)
        warehouse = self.folder / "data" / f"{name}.duckdb"
        if arguments:
            prove_loaded(name, warehouse, name, sales)
        else:
            prove(name, self._published(name), sales, began)
            # Whole numbers are published as the browser's numbers: types are those of the mart.
            prove_types(name, f"marts.{name}", warehouse)
        return cost

    def _published(self, name: str) -> Path:
        """The file that the manifest names; those that it replaced are kept for a while."""
        public = self.folder / ".dataflow" / "site" / "public"
        manifest = json.loads((public / "data" / "manifest.json").read_text(encoding="utf-8"))
        files: list[str] = manifest["renderedFiles"][name]
        found = [file for file in files if file.endswith(f"/{name}.parquet")]
        return public / found[0].removeprefix("static/")


def make_project(top: Path, sales: Sales, workflows: list[str]) -> Project:
    """Make it with some of the three workflows as a user does, by looking at the file."""
    project = Project(top / "project", top / "source.csv")
    lay(project.source, sales.path)
    measure([BIN / "dataflow", "init", project.folder, "--defaults"], top, timeout=TIMEOUT)
    for name in workflows:
        new = [BIN / "dataflow", "workflow", "new", name, "--defaults", "--source", project.source]
        measure(new, project.folder, timeout=TIMEOUT)
    code = project.folder / "src" / "dataflow" / "workflows"
    if PANDAS in workflows:
        (code / PANDAS / "transform.py").write_text(PANDAS_TRANSFORM, encoding="utf-8")
    if QUARANTINE in workflows:
        config = code / QUARANTINE / "config.yaml"
        text = config.read_text(encoding="utf-8")
        aside = "  on_change: {bad_value: quarantine}\n  columns:\n"
        assert text.count("  columns:\n") == 1
        config.write_text(text.replace("  columns:\n", aside), encoding="utf-8")
    return project


def lay_models(project: Project, place: Path) -> None:
    """Give plain SQL the dbt project that was rendered for us."""
    rendered = project.folder / "src" / "dataflow" / "workflows" / STRICT / "dbt"
    shutil.copytree(rendered, place / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
