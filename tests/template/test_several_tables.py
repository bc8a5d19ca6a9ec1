"""Several sources in one workflow: made, run, joined, and failed."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.conftest import BIN, Dataflow
from tests.source_fixtures import Answer, server

__all__ = ["server"]

pytestmark = pytest.mark.slow

ORDERS = [
    {"id": 10, "customer_id": 1, "lines": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 1}]},
    {"id": 11, "customer_id": 2, "lines": []},
    {"id": 12, "customer_id": 2, "lines": [{"sku": "a", "qty": 1}, {"sku": "a", "qty": 1}]},
]
MART = """\
select c.name, sum(l.qty * p.price) as spent
from {{ source('raw', 'customers') }} as c
inner join {{ source('raw', 'orders') }} as o on o.customer_id = c.id
inner join {{ source('raw', 'orders_lines') }} as l on l.order_id = o.id
inner join {{ source('raw', 'products') }} as p on p.sku = l.sku
group by c.name
"""


ORDERS_LOAD = """\
        lines: {type: json}
      load:
        primary_key: ["id"]
"""
ORDERS_LOAD_BY_HAND = """\
        lines: {type: json}
      load:
        primary_key: ["id"]
        write_disposition: merge
      child_tables:
        orders_lines: {path: lines, parent: {order_id: id}}
"""
EXTRA = """\
    extra:
      source: {type: file, url: data/in/customers.csv}
      columns: {id: bigint}
"""


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new)
    path.write_text(text)


def commit(project: Path) -> None:
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=project, check=True)


def rows(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "data" / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_three_sources_and_a_list_are_loaded_and_joined(
    project_folder: Path, dataflow: Dataflow, server: Any
) -> None:
    """A file, an API and a database in one run; a failed source leaves all as it was."""
    data = project_folder / "data" / "in"
    data.mkdir(parents=True)
    (data / "customers.csv").write_text("id,name\n1,Ada\n2,Bob\n")
    with duckdb.connect(str(data / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE products (sku VARCHAR, price DECIMAL(8,2))")
        connection.execute("INSERT INTO products VALUES ('a', 1.50), ('b', 9.99)")
    url = server.answer("/orders", Answer(json.dumps({"orders": ORDERS, "total": 3})))
    made = dataflow(
        *("workflow", "new", "shop", "--source", "customers=data/in/customers.csv"),
        *("--source", "products=data/in/shop.duckdb", "--source", f"orders={url}"),
        cwd=project_folder,
    )
    assert made.returncode == 0, made.stderr
    folder = project_folder / "src" / "dataflow" / "workflows" / "shop"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    sources = config["ingestion"]["sources"]
    assert list(sources) == ["customers", "products", "orders"]
    assert sources["products"]["columns"]["price"] == {"type": "decimal(8,2)"}
    edit(
        folder / "config.yaml",
        ("        paging:\n          type: auto\n", "        paging: {type: none}\n"),
        (ORDERS_LOAD, ORDERS_LOAD_BY_HAND),
    )
    staging = folder / "dbt" / "models" / "staging" / "_sources.yml"
    staging.write_text(staging.read_text() + "      - name: orders_lines\n")
    (folder / "dbt" / "models" / "marts" / "spent.sql").write_text(MART)

    ran = dataflow("workflow", "run", "shop", cwd=project_folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 rows into raw.orders_lines (merge; 4 now)" in ran.stdout
    spent = rows(project_folder, "SELECT name, spent::DECIMAL(8,2) FROM marts.spent ORDER BY ALL")
    assert spent == [("Ada", Decimal("12.99")), ("Bob", Decimal("3.00"))]

    # The second day: an order loses a line, and another one all.
    today = [{**ORDERS[0], "lines": [{"sku": "b", "qty": 1}]}, {**ORDERS[2], "lines": []}]
    server.answer("/orders", Answer(json.dumps({"orders": today, "total": 2})))
    assert dataflow("workflow", "run", "shop", cwd=project_folder).returncode == 0
    spent = rows(project_folder, "SELECT name, spent::DECIMAL(8,2) FROM marts.spent ORDER BY ALL")
    assert spent == [("Ada", Decimal("9.99"))]
    assert rows(project_folder, "SELECT count(*) FROM raw.orders") == [(3,)]

    (data / "customers.csv").write_text("id,name\n3,Cy\n")
    server.answer("/orders", Answer(json.dumps({"orders": [{"id": "x"}], "total": 1})))
    failed = dataflow("workflow", "run", "shop", cwd=project_folder)
    assert failed.returncode == 1
    assert "Source orders: " in failed.stderr
    assert rows(project_folder, "SELECT name FROM raw.customers ORDER BY ALL") == [
        ("Ada",),
        ("Bob",),
    ]

    # What cannot be loaded leaves the tables before it as they were, too.
    server.answer(
        "/orders", Answer(json.dumps({"orders": [{**ORDERS[0], "id": None}], "total": 1}))
    )
    failed = dataflow("workflow", "run", "shop", cwd=project_folder)
    assert failed.returncode == 1
    assert "raw.orders: 1 rows have no value in the primary key" in failed.stderr
    assert rows(project_folder, "SELECT count(*) FROM raw.customers") == [(2,)]

    (data / "customers.csv").write_text("id,name,vip\n3,Cy,true\n")
    server.answer("/orders", Answer(json.dumps({"orders": ORDERS, "total": 3})))
    inspected = dataflow("workflow", "inspect", "shop", cwd=project_folder)
    assert inspected.returncode == 1
    assert "+ vip: boolean" in inspected.stdout
    assert "as its contract says" in inspected.stdout

    # All that was written into config.yaml by hand stays, when the change is accepted.
    commit(project_folder)
    accepted = dataflow("workflow", "inspect", "shop", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["ingestion"]["sources"]["customers"]["columns"]["vip"] == {"type": "boolean"}
    orders = config["ingestion"]["sources"]["orders"]
    assert orders["child_tables"]["orders_lines"]["path"] == "lines"
    ran = dataflow("workflow", "run", "shop", cwd=project_folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert rows(project_folder, "SELECT id, vip FROM marts.customers") == [(3, True)]

    # The second of the sources, and one that the template knows nothing of.
    with duckdb.connect(str(data / "shop.duckdb")) as connection:
        connection.execute("ALTER TABLE products ADD COLUMN weight INTEGER DEFAULT 5")
    commit(project_folder)
    accepted = dataflow("workflow", "inspect", "shop", "--accept", cwd=project_folder)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    model = folder / "dbt" / "models" / "staging" / "stg_products.sql"
    assert "weight" in model.read_text()
    edit(folder / "config.yaml", ("  parameters:\n", f"{EXTRA}  parameters:\n"))
    refused = dataflow("workflow", "inspect", "shop", "--accept", cwd=project_folder)
    assert (refused.returncode, "added to config.yaml by hand" in refused.stderr) == (2, True)


def test_a_folder_of_different_files_becomes_tables_that_pass_their_tests(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """Each shape is a table of its own, never one union; what is rendered passes its checks."""
    data = project_folder / "data" / "in"
    data.mkdir(parents=True)
    (data / "people.csv").write_text("id,name\n1,Ada\n2,Bob\n")
    (data / "sales-01.csv").write_text("nr,amount,day\n1,1.5,2024-01-01\n2,2.5,2024-01-02\n")
    (data / "sales-02.csv").write_text("nr,amount,day\n3,3.5,2024-02-01\n")
    made = dataflow("workflow", "new", "shop", "--source", "data/in", cwd=project_folder)
    assert made.returncode == 0, made.stderr
    assert "2 tables" in made.stdout
    assert "sales: sales-01.csv, sales-02.csv" in made.stdout
    ran = dataflow("workflow", "run", "shop", cwd=project_folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert rows(project_folder, "SELECT sum(amount) FROM marts.sales") == [(7.5,)]
    assert rows(project_folder, "SELECT count(*) FROM marts.people") == [(2,)]
    checked = dataflow("workflow", "check", "shop", cwd=project_folder)
    assert checked.returncode == 0, checked.stdout
    workflow = project_folder / "src" / "dataflow" / "workflows" / "shop"
    for command in (["check"], ["format", "--check"]):
        ruff = [str(BIN / "ruff"), *command, str(workflow)]
        done = subprocess.run(ruff, cwd=project_folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
