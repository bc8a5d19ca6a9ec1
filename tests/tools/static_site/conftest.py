"""A project with one workflow of each shape, and its static site in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.dashboard_fixtures import add_workflow, new_project, project, write_workflow

from dataflow.publish.folders import SiteFolders
from dataflow.shared.project import Project
from dataflow_tools.static_site.packages import collect_code

__all__ = ["add_workflow", "project"]

SALES = """
CREATE SCHEMA IF NOT EXISTS marts;
CREATE OR REPLACE TABLE marts.sales AS
SELECT i AS id, TIMESTAMP '2024-01-17 10:00' + INTERVAL (i * 3) HOUR AS sold_at,
    'shop ' || (i % 40) AS shop, CASE i % 3 WHEN 0 THEN 'web' WHEN 1 THEN 'till' END AS channel,
    (i * 7919 % 1000) / 10.0 AS amount, (i % 17) / 3.0 AS price
FROM range({rows}) AS t(i)
"""
_CITIES = """
CREATE SCHEMA marts;
CREATE TABLE marts.cities AS
SELECT 'city ' || i AS name, CASE i % 2 WHEN 0 THEN 'north' ELSE 'south' END AS region,
    i * 7919 % 1009 * 1000 AS population
FROM range(240) AS t(i)
"""
_RATES = """
CREATE SCHEMA marts;
CREATE TABLE marts.rates AS
SELECT DATE '2015-01-01' + INTERVAL (i) MONTH AS month, i * 1.5 AS rate FROM range(100) AS t(i)
"""


@pytest.fixture(scope="session")
def shared_code(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Fetch the pages' JavaScript once; the result links it into a project's folder."""
    folders = SiteFolders(tmp_path_factory.mktemp("code"))
    collect_code(folders, folders.base, lambda _: None)

    def share(project_root: Path) -> None:
        link = project_root / ".dataflow" / "site" / "packages"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folders.base / "packages")

    return share


@pytest.fixture(scope="module")
def shapes(
    tmp_path_factory: pytest.TempPathFactory, shared_code: Callable[[Path], None]
) -> Project:
    """A project with sales over time, cities without time, monthly rates, and nothing run yet."""
    made = new_project(tmp_path_factory.mktemp("shapes") / "shop")
    shared_code(made.root)
    select = {name: {name: f"SELECT * FROM marts.{name}"} for name in ("sales", "cities", "rates")}
    write_workflow(
        made,
        "sales",
        sources=select["sales"],
        config="workflow: {name: Sales of the shop, description: What was sold.}\n"
        "ingestion: {source: {type: file, url: sales.csv}}\n"
        "load: {table: sales, primary_key: [id]}\n",
        warehouse=SALES.format(rows=1500),
    )
    write_workflow(made, "cities", sources=select["cities"], warehouse=_CITIES)
    write_workflow(made, "rates", sources=select["rates"], warehouse=_RATES)
    write_workflow(made, "later")
    return made
