"""``dataflow workflow inspect``: a source beside its contract, and the change accepted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.conftest import REPOSITORY, Dataflow

pytestmark = pytest.mark.slow

DAY_ONE = "id;amount;day\n1;1.500,25;25/04/2024\n2;2.750,00;05/06/2024\n"
DAY_TWO = "id;amount;day;coupon\n1;free;25/04/2024;X1\n2;2.750,00;05/06/2024;X2\n"


@pytest.fixture
def source(project_folder: Path) -> Path:
    path = project_folder / "data" / "in" / "sales.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(DAY_ONE)
    return path


@pytest.fixture
def folder(project_folder: Path, source: Path, dataflow: Dataflow) -> Path:
    """A workflow made from day one, committed."""
    made = dataflow("workflow", "new", "sales", "--source", source, cwd=project_folder)
    assert made.returncode == 0, made.stderr
    commit(project_folder)
    return project_folder / "src" / "dataflow" / "workflows" / "sales"


def commit(project: Path) -> None:
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "x"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *identity, *command], cwd=project, check=True, capture_output=True)


def contract(folder: Path) -> dict[str, object]:
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    columns: dict[str, object] = config["ingestion"]["columns"]
    return columns


def test_a_change_is_shown_and_accepted(
    project_folder: Path, source: Path, folder: Path, dataflow: Dataflow
) -> None:
    """What came, and what no longer fits, is told; --accept changes contract, model and page."""
    same = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert (same.returncode, "as its contract says" in same.stdout) == (0, True), same.stderr
    source.write_text(DAY_TWO)
    shown = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert shown.returncode == 1
    assert "+ coupon: text" in shown.stdout
    assert "~ amount: agreed as double" in shown.stdout
    told = dataflow("workflow", "inspect", "sales", "--json", cwd=project_folder)
    assert json.loads(told.stdout)["bad"] == ["amount"]
    assert "coupon" not in contract(folder)
    accepted = dataflow("workflow", "inspect", "sales", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert contract(folder) == {
        "id": {"type": "bigint"},
        "amount": {"type": "text"},
        "day": {"type": "date", "format": "%d/%m/%Y"},
        "coupon": {"type": "text"},
    }
    model = (folder / "dbt" / "models" / "staging" / "stg_sales.sql").read_text()
    assert "cast(coupon as {{ native_type('varchar') }}) as coupon" in model
    again = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert again.returncode == 0, again.stdout
    run = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_a_person_wrote_into_the_contract_stays(
    project_folder: Path, source: Path, folder: Path, dataflow: Dataflow
) -> None:
    """A unit and a narrower type survive an accepted change of other columns."""
    config = folder / "config.yaml"
    text = config.read_text()
    edited = text.replace("id: {type: bigint}", "id: {type: integer, unit: pieces}")
    assert edited != text
    config.write_text(edited)
    commit(project_folder)
    source.write_text("id;amount;day\n1;1,5;25/04/2024\n2;2,25;soon\n")
    accepted = dataflow("workflow", "inspect", "sales", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert contract(folder)["id"] == {"type": "integer", "unit": "pieces"}
    assert contract(folder)["day"] == {"type": "text"}


def test_a_new_marker_of_no_value_is_accepted(
    project_folder: Path, source: Path, folder: Path, dataflow: Dataflow
) -> None:
    """The column keeps its type; what stands for no value is written down, and runs read it so."""
    source.write_text("id;amount;day\n1;1,5;25/04/2024\n2;2,25;n/a\n")
    accepted = dataflow("workflow", "inspect", "sales", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert contract(folder)["day"] == {"type": "date", "format": "%d/%m/%Y"}
    again = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert (again.returncode, "as its contract says" in again.stdout) == (0, True), again.stdout
    run = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_workflow_without_a_contract_gets_one(
    project_folder: Path, source: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """A workflow made from the sample, whose source a person then changed."""
    config = workflow_folder / "config.yaml"
    text = config.read_text().replace(
        "src/dataflow/workflows/sales/tests/data/sample.json", "data/in/sales.csv"
    )
    config.write_text(text)
    commit(project_folder)
    accepted = dataflow("workflow", "inspect", "sales", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert list(contract(workflow_folder)) == ["id", "amount", "day"]
    run = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert run.returncode == 0, run.stdout + run.stderr


def test_rows_put_aside_are_counted_and_kept(
    project_folder: Path, source: Path, folder: Path, dataflow: Dataflow
) -> None:
    """With `bad_value: quarantine` the run says how many, and the schema `rejected` has them."""
    import duckdb

    config = folder / "config.yaml"
    text = config.read_text().replace(
        "\ntransformation:", "  on_change: {bad_value: quarantine}\n\ntransformation:"
    )
    config.write_text(text)
    source.write_text(DAY_TWO)
    run = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 row from data/in/sales.csv, 1 put aside in rejected.sales" in run.stdout
    with duckdb.connect(str(project_folder / "data" / "sales.duckdb"), read_only=True) as warehouse:
        (row,) = warehouse.sql('SELECT "row", reason, record FROM rejected.sales').fetchall()
        assert warehouse.sql("SELECT count(*) FROM marts.sales").fetchall() == [(1,)]
    assert row[0] == 1
    assert row[1].startswith("amount: free is no double")
    assert json.loads(row[2])["coupon"] == "X1"
    source.write_text(DAY_ONE)
    assert dataflow("workflow", "run", "sales", cwd=project_folder).returncode == 0
    with duckdb.connect(str(project_folder / "data" / "sales.duckdb"), read_only=True) as warehouse:
        assert warehouse.sql("SELECT count(*) FROM rejected.sales").fetchall() == [(0,)]


def test_rows_of_ones_own_ingestion_are_looked_at_and_accepted(
    project_folder: Path, folder: Path, dataflow: Dataflow
) -> None:
    """The guide's own `extract_data`, pasted in: models, tests and page follow what it gives."""
    code = (REPOSITORY / "tests" / "cases" / "guide" / "ingestion.py").read_text()
    (folder / "ingestion.py").write_text(code.replace('"guide"', '"sales"'))
    failed = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert "dataflow workflow inspect sales --accept" in failed.stderr
    shown = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert (shown.returncode, "+ v: bigint" in shown.stdout) == (1, True), shown.stderr
    commit(project_folder)
    accepted = dataflow("workflow", "inspect", "sales", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stderr
    ran = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert ran.returncode == 0, ran.stderr
    again = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert "as its contract says: 2 columns" in again.stdout
    (folder / "ingestion.py").write_text("def extract_data(params):\n    return 1 / 0\n")
    broken = dataflow("workflow", "inspect", "sales", cwd=project_folder)
    assert (broken.returncode, "ZeroDivisionError" in broken.stderr) == (2, True)
