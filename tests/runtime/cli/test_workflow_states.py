"""`dataflow workflow diff` and `dataflow workflow restore`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import Dataflow

pytestmark = pytest.mark.slow


def change(workflow: Path) -> None:
    """Let the source have one row more, one less, one with another amount, and a new column."""
    sample = workflow / "tests" / "data" / "sample.json"
    rows: list[dict[str, Any]] = json.loads(sample.read_text())
    rows[0]["amount"] = 99.5
    rows = [*rows[:-1], {**rows[1], "id": 77}]
    sample.write_text(json.dumps([{**row, "note": "x"} for row in rows]))


def raw(project: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "data" / "sales.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT id, amount FROM raw.sales ORDER BY id").fetchall()


def published(project: Path) -> list[tuple[Any, ...]]:
    public = project / ".dataflow" / "site" / "public"
    manifest = json.loads((public / "data" / "manifest.json").read_text())
    (name,) = (n for n in manifest["renderedFiles"]["sales"] if n.endswith("/sales.parquet"))
    query = "SELECT id::INT, amount FROM read_parquet(?) ORDER BY id"
    return duckdb.execute(query, [str(public / name.removeprefix("static/"))]).fetchall()


def run(dataflow: Dataflow, project: Path) -> str:
    ran = dataflow("workflow", "run", "sales", "--json", cwd=project)
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["run_id"])


def test_what_a_run_changed_is_shown_and_undone(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """By key, in tables and models; tables and dashboards come back, and that is undone, too."""
    missing = dataflow("workflow", "diff", "sales", cwd=project_folder)
    assert missing.returncode == 2
    assert "has no tables yet" in missing.stderr
    first = run(dataflow, project_folder)
    nothing = dataflow("workflow", "diff", "sales", cwd=project_folder)
    assert nothing.returncode == 2
    assert "No state of sales from before its last run is kept" in nothing.stderr
    before = raw(project_folder)
    change(workflow_folder)
    second = run(dataflow, project_folder)
    after = raw(project_folder)

    shown = dataflow("workflow", "diff", "sales", cwd=project_folder).stdout
    assert f"what run {second} changed" in shown
    assert re.search(r"raw\.sales  6 -> 6 rows\n  \+ column note VARCHAR\n", shown)
    assert shown.count("rows 1 added, 1 gone, 1 changed (by id)") == 2
    assert shown.count("differ  amount (1)") == 2
    told = json.loads(dataflow("workflow", "diff", "sales", "--json", cwd=project_folder).stdout)
    (table,) = (table for table in told["tables"] if table["table"] == "marts.sales")
    assert table["keys"] == {"added": ["77"], "gone": ["6"], "changed": ["1"]}

    listed = dataflow("workflow", "restore", "sales", cwd=project_folder).stdout
    assert listed.index(second) < listed.index(first)
    restored = dataflow("workflow", "restore", "sales", "--run", first[:8], cwd=project_folder)
    assert restored.returncode == 0, restored.stderr
    assert raw(project_folder) == published(project_folder) == before
    again = dataflow("workflow", "restore", "sales", "--run", second, cwd=project_folder)
    assert again.returncode == 0, again.stderr
    assert raw(project_folder) == published(project_folder) == after
    assert not list((project_folder / "data").rglob("work"))

    wrong = dataflow("workflow", "restore", "sales", "--run", "zz", cwd=project_folder)
    assert wrong.returncode == 2
    assert first in wrong.stderr
    slip = dataflow("workflow", "restore", "slaes", cwd=project_folder)
    assert slip.returncode == 2
    assert "sales" in slip.stderr


def test_a_state_that_the_dashboards_do_not_fit_changes_nothing(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """Unless they are to stay as they are."""
    first = run(dataflow, project_folder)
    change(workflow_folder)
    run(dataflow, project_folder)
    seen = (project_folder / "data" / "sales.duckdb").read_bytes(), published(project_folder)
    (workflow_folder / "evidence" / "sources" / "sales.sql").write_text(
        "SELECT note FROM raw.sales"
    )
    refused = dataflow("workflow", "restore", "sales", "--run", first, cwd=project_folder)
    assert refused.returncode == 1
    assert "note" in refused.stderr
    assert "nothing was restored" in refused.stderr
    assert f"--run {first} --no-dashboards" in refused.stderr.replace("\n", " ")
    assert seen == (
        (project_folder / "data" / "sales.duckdb").read_bytes(),
        published(project_folder),
    )
    only = ("workflow", "restore", "sales", "--run", first, "--no-dashboards")
    assert dataflow(*only, cwd=project_folder).returncode == 0
    assert (77, 3.5) not in raw(project_folder)
    assert published(project_folder) == seen[1]
