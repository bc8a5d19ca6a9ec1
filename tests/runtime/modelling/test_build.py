"""Building a workflow's dbt project in this process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.progress_recorder import Recorder

from dataflow.modelling.build import ModelError, build_models
from dataflow.modelling.packages import PackageError, install_packages
from dataflow.shared.project import Project
from dataflow.shared.step_progress import hold_progress
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import open_warehouse


@pytest.fixture
def project(project_folder: Path, workflow_folder: Path) -> Project:
    """A project whose workflow `sales` has its raw table, as a load leaves it."""
    (project_folder / "data").mkdir()
    sample = workflow_folder / "tests" / "data" / "sample.json"
    with duckdb.connect(str(project_folder / "data" / "sales.duckdb")) as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute(
            f"CREATE TABLE raw.sales AS SELECT *, now() AS processed_at FROM '{sample}'"
        )
    return Project(project_folder)


@pytest.mark.slow
def test_models_are_built_and_tested_and_the_file_is_let_go(project: Project) -> None:
    """The result names the models; how many of all are done is told meanwhile; the file is free."""
    lines: list[str] = []
    progress = Recorder()
    with hold_progress(progress):
        result = build_models(project, "sales", open_warehouse(project, "sales"), lines.append)
    assert result.models == ["staging.stg_sales", "marts.sales"]
    told = list(progress.told("parts", "total_parts", "of"))
    assert told[-9:] == [(number, 8, "models and tests") for number in range(9)]
    assert {"stg_sales", "sales"} < {at for (at,) in progress.told("at")}
    assert progress.look().at == ""
    assert result.tests == 6
    assert any("stg_sales [OK in" in line for line in lines)
    code = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1]);"
        "print(connection.sql('SELECT count(*) FROM marts.sales').fetchall())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, project.warehouse_file("sales")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[(6,)]\n"
    target = project.state_dir / "dbt" / "sales" / "target"
    manifest = json.loads((target / "manifest.json").read_text())
    [model] = [node for node in manifest["nodes"].values() if node["name"] == "stg_sales"]
    assert '"raw"."sales"' in model["compiled_code"], "what was built, not what was parsed"
    results = json.loads((target / "run_results.json").read_text())["results"]
    assert len(results) == 8
    assert not [*target.glob("manifest.json.*")]


@pytest.mark.slow
def test_what_tests_warn_of_is_told_by_its_values(project: Project) -> None:
    """A new category, a missing value and a key that came twice are named, and nothing fails."""
    models = project.workflow_dir("sales") / "dbt" / "models" / "staging" / "_staging.yml"
    text = models.read_text()
    unique = "- unique:\n              config:\n                severity: warn\n"
    models.write_text(text.replace("- unique\n", unique))
    assert models.read_text() != text
    with duckdb.connect(str(project.warehouse_file("sales"))) as connection:
        connection.execute("UPDATE raw.sales SET category = 'maps' WHERE id = 1")
        connection.execute("UPDATE raw.sales SET amount = NULL, id = 3 WHERE id = 2")
    result = build_models(project, "sales", open_warehouse(project, "sales"))
    assert sorted(result.warnings) == [
        "amount of stg_sales has no value in 1 row (not_null).",
        "category of stg_sales has new values: 'maps' in 1 row (accepted_values).",
        "id of stg_sales has values more than once: 3 in 2 rows (unique).",
    ]


@pytest.mark.slow
def test_a_model_that_does_not_build_is_named_with_file_and_reason(project: Project) -> None:
    """The database's own words are in the error; dbt's banner is not."""
    model = project.workflow_dir("sales") / "dbt" / "models" / "marts" / "sales.sql"
    model.write_text("select no_such_column from {{ ref('stg_sales') }}\n")
    with pytest.raises(ModelError) as caught:
        build_models(project, "sales", open_warehouse(project, "sales"))
    assert "dbt/models/marts/sales.sql" in caught.value.reason
    assert "no_such_column" in caught.value.reason
    assert "Runtime Error in model" not in caught.value.reason
    log = project.state_dir / "dbt" / "sales" / "logs" / "dbt.log"
    assert project.relative(log) in caught.value.instruction
    assert "no_such_column" in log.read_text()


@pytest.mark.slow
def test_a_project_that_dbt_cannot_read_is_an_error_of_ours(project: Project) -> None:
    """A model that refers to nothing fails the build: with its path, and what was meant."""
    model = project.workflow_dir("sales") / "dbt" / "models" / "marts" / "sales.sql"
    model.write_text("select * from {{ ref('stg_sale') }}\n")
    with pytest.raises(ModelError, match="stg_sale") as caught:
        build_models(project, "sales", open_warehouse(project, "sales"))
    assert f"({project.relative(model)}) depends on" in caught.value.reason
    assert "did you mean `stg_sales`?" in caught.value.reason


@pytest.mark.slow
def test_a_test_that_fails_shows_what_it_found(project: Project) -> None:
    """The row of an author's own test, the values of dbt's, and where the query is."""
    dbt = project.workflow_dir("sales") / "dbt"
    (dbt / "tests").mkdir(exist_ok=True)
    (dbt / "tests" / "none_is_odd.sql").write_text("select 7 as id, 'seven' as word\n")
    with pytest.raises(ModelError) as caught:
        build_models(project, "sales", open_warehouse(project, "sales"))
    assert "id = 7, word = 'seven'" in caught.value.reason.replace("`", "'")
    query = caught.value.reason.partition("The query: ")[2].splitlines()[0]
    assert "seven" in (project.root / query).read_text()


# Opens a file, says so, and lets go of it after some seconds.
HOLD = (
    "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]); print('open', flush=True);"
    "time.sleep(float(sys.argv[2]))"
)


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "patience"), [("12", 60.0), ("600", 0.5)])
def test_a_program_that_has_the_file_open_is_waited_for(
    project: Project, seconds: str, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the models are built; one that does not let go is named, and no model is blamed."""
    monkeypatch.setattr("dataflow.warehouse.database._PATIENCE_SECONDS", patience)
    database, warehouse = project.warehouse_file("sales"), open_warehouse(project, "sales")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, database, seconds], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            if patience > 1:
                assert build_models(project, "sales", warehouse).tests == 6
            else:
                with pytest.raises(WarehouseError, match=str(holder.pid)):
                    build_models(project, "sales", warehouse)
        finally:
            holder.kill()


@pytest.mark.slow
def test_packages_are_installed_when_they_are_named_and_anew_when_they_change(
    project: Project,
) -> None:
    """A vendored folder needs no network; what cannot be fetched is an error of ours."""
    folder = project.workflow_dir("sales") / "dbt"
    vendored = project.root / "packages" / "money"
    (vendored / "macros").mkdir(parents=True)
    (vendored / "dbt_project.yml").write_text("name: money\nversion: '1.0'\nconfig-version: 2\n")
    macro = vendored / "macros" / "cents.sql"
    macro.write_text("{% macro cents(x) %}(100 * {{ x }}){% endmacro %}\n")
    model = folder / "models" / "marts" / "sales_cents.sql"
    model.write_text("select {{ money.cents(2) }} as cents from {{ ref('stg_sales') }}\n")
    named = folder / "packages.yml"
    named.write_text("packages:\n  - local: ../../../../../packages/money\n")
    for _ in range(2):
        built = build_models(project, "sales", open_warehouse(project, "sales"))
        assert "marts.sales_cents" in built.models
    named.write_text("packages:\n  - local: ../../../../../packages/nowhere\n")
    with pytest.raises(PackageError, match=r"dbt packages of src/.*/sales/dbt.*nowhere") as caught:
        build_models(project, "sales", open_warehouse(project, "sales"))
    assert "local:" in caught.value.instruction
    assert "Traceback" not in str(caught.value)


def test_packages_are_installed_only_where_they_are_needed(tmp_path: Path) -> None:
    """None are named, some are, they are there, they are gone, the file changes, it is no YAML."""
    folder, state, asked = tmp_path / "dbt", tmp_path / "state", list[list[str]]()
    folder.mkdir()
    state.mkdir()

    class Done:
        success = True
        exception = None

    def invoke(command: list[str]) -> Done:
        asked.append(command)
        (folder / "dbt_packages" / "a").mkdir(parents=True, exist_ok=True)
        (folder / "package-lock.yml").write_text("packages: [made by dbt]")
        return Done()

    def needed() -> bool:
        return install_packages(folder, state, invoke, "dbt")

    assert not needed()
    (folder / "dependencies.yml").write_text("projects: []\n")
    assert not needed()
    (folder / "packages.yml").write_text("packages: [{local: a}]\n")
    assert [needed(), needed()] == [True, False]
    shutil.rmtree(folder / "dbt_packages")
    assert [needed(), needed()] == [True, False]
    (folder / "packages.yml").write_text("packages: [{local: b}]\n")
    assert [needed(), needed()] == [True, False]
    assert asked == [["deps"]] * 3
    (folder / "packages.yml").write_text("packages: [\n")
    with pytest.raises(PackageError, match=r"packages\.yml in dbt cannot be read"):
        needed()


@pytest.mark.slow
def test_a_column_that_the_loaded_table_lacks_is_answered_with_those_it_has(
    project: Project,
) -> None:
    """As after an ingestion of one's own was written that gives other columns."""
    with duckdb.connect(str(project.warehouse_file("sales"))) as connection:
        connection.execute("ALTER TABLE raw.sales DROP COLUMN amount")
    with pytest.raises(ModelError) as caught:
        build_models(project, "sales", open_warehouse(project, "sales"))
    said = "raw.sales has the columns id, created_at, category, processed_at."
    assert said in caught.value.instruction
    assert "dataflow workflow inspect sales --accept" in caught.value.instruction
