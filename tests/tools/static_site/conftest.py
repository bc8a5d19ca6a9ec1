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
# Each has what a page shows in a way of its own.
_SURVEY = """
CREATE SCHEMA marts;
CREATE TABLE marts.survey AS
SELECT i AS respondent_id, CASE WHEN i % 13 > 0 THEN i * 7 % 11 END AS nps,
    CASE i % 5 WHEN 0 THEN 'Very satisfied' WHEN 1 THEN 'Dissatisfied' WHEN 2 THEN 'Neutral'
        WHEN 3 THEN 'Satisfied' END AS service, i % 3 = 0 AS came_back,
    ['all of it was good and quick, thank you', 'it took far too long until I had an answer',
        'nothing to add to that, really nothing'][i % 7 % 3 + 1] AS comment
FROM range(400) AS t(i)
"""
_VISITS = """
CREATE SCHEMA marts;
CREATE TABLE marts.visits AS
SELECT i AS id, TIMESTAMP '2024-03-04 00:10' + to_minutes((i * i * 37) % 90000) AS happened_at,
    CASE WHEN i % 50 > 0 THEN 47.0 + (i % 90) / 30.0 END AS lat, 7.0 + (i % 77) / 20.0 AS lon,
    ['DE', 'AT', 'CH'][i % 4 % 3 + 1] AS country,
    ['ok', 'failed', 'pending'][i % 9 % 4 % 3 + 1] AS status, i % 19 * 10 AS visits,
    round((i % 19 * (i % 5)) / greatest(i % 19 * 10, 1), 4) AS rate, i % 19 * (i % 5) AS orders
FROM range(900) AS t(i)
"""
_LEDGER = """
CREATE SCHEMA marts;
CREATE TABLE marts.ledger AS
SELECT 2015 + i // 8 || '-Q' || (i // 2 % 4 + 1) AS quarter,
    CASE i % 2 WHEN 0 THEN 'revenue' ELSE 'cost' END AS kind, 100 + i * 3 AS amount
FROM range(64) AS t(i)
"""
_STATIONS = """
CREATE SCHEMA marts;
CREATE TABLE marts.stations AS
SELECT 'station ' || i AS name, 47 + i % 30 / 9.0 AS latitude, 8 + i % 37 / 11.0 AS longitude,
    CASE WHEN i % 40 > 0 THEN i * i % 500 / 4.0 ELSE 5000 + i END AS height, i % 4 = 0 AS is_open
FROM range(300) AS t(i)
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
    """A project with a workflow of each shape, and one that has not run yet."""
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
    others = {"survey": _SURVEY, "visits": _VISITS, "ledger": _LEDGER, "stations": _STATIONS}
    for name, sql in others.items():
        query = {name: f"SELECT * FROM marts.{name}"}
        write_workflow(made, name, sources=query, warehouse=sql)
    write_workflow(made, "later")
    return made
