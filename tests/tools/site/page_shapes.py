"""Workflows of many shapes: a warehouse each, and the answers that pages are rendered from."""

from __future__ import annotations

from typing import Any


def column(name: str, kind: str, role: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "identifier": name, "type": kind, "role": role, "tests": [], **more}


# A visit every 10 minutes, by New York's clock until 15:50 of the last day.
VISITS = """
CREATE SCHEMA marts; SET TimeZone = 'UTC';
CREATE TABLE marts.visits AS
SELECT range AS id, TIMESTAMPTZ '2024-01-01 05:00:00+00' + range * INTERVAL 10 MINUTE AS visited_at,
    'country ' || range * 7 % 40 AS country, 2.0 AS amount, (range % 4) / 4 AS success_rate
FROM range(60 * 144 + 96)
"""
LEDGER = """
CREATE SCHEMA marts;
CREATE TABLE marts.ledger AS
SELECT ['revenue', 'cost'][range % 2 + 1] AS account, 'shop ' || range % 3 AS shop,
    10.0 + range AS amount
FROM range(60)
"""
# A row for each station, one of them far higher than the others.
STATIONS = """
CREATE SCHEMA marts;
CREATE TABLE marts.stations AS
SELECT 'S' || lpad(range::VARCHAR, 2, '0') AS station, -40 + range * 1.5 AS latitude,
    -150 + range * 6.0 AS longitude, if(range = 7, 1000, range * 37 % 100)::DOUBLE AS height,
    range % 3 = 0 AS manned
FROM range(50)
"""
SURVEY = """
CREATE SCHEMA marts;
CREATE TABLE marts.survey AS
SELECT range AS id, range * 7 % 11 AS recommend,
    CASE WHEN range % 5 > 2 THEN 'yes' WHEN range % 5 > 0 THEN 'no' END AS again,
    ['DE', 'FR', 'SG', 'XX'][range % 4 + 1] AS country,
    [200, 404, 503, 301][range // 30 + 1] AS status,
    if(range % 2 = 0, 'The staff was friendly', 'I waited for ' || range || ' hours') AS comment
FROM range(90)
"""
# More rows than a page reads unasked.
SENSORS = """
CREATE SCHEMA marts;
CREATE TABLE marts.sensors AS
SELECT range AS id, TIMESTAMP '2024-01-01' + range * INTERVAL 20 SECOND AS measured_at,
    'sensor ' || range % 5 AS sensor, md5(range::VARCHAR) AS signature,
    (range % 1000) / 8 AS degrees
FROM range(2_100_000)
"""
SUCCESS = {"name": "success_rate", "sql": "case when {column} < 400 then 1 else 0 end"}
AMOUNT = column("amount", "DOUBLE", "measure", aggregate="sum")
WORKFLOWS: dict[str, tuple[str, dict[str, Any]]] = {
    "visits": (
        VISITS,
        {
            "timezone": "America/New_York",
            "columns": [
                column("id", "BIGINT", "key"),
                column("visited_at", "TIMESTAMP WITH TIME ZONE", "date", clock=True),
                column("country", "VARCHAR", "category"),
                AMOUNT,
                column("success_rate", "DOUBLE", "measure", format="share"),
            ],
        },
    ),
    "never": ("", {}),
    "stations": (
        STATIONS,
        {
            "columns": [
                column("station", "VARCHAR", "key", entity=True),
                column("latitude", "DOUBLE", "place", longitude="longitude"),
                column("longitude", "DOUBLE", "place"),
                column("height", "DOUBLE", "measure"),
                column("manned", "BOOLEAN", "flag"),
            ]
        },
    ),
    "survey": (
        SURVEY,
        {
            "columns": [
                column("id", "BIGINT", "key"),
                column("recommend", "BIGINT", "measure", format="nps", answers=True),
                column("again", "VARCHAR", "category", answers=True, scale=["yes", "no"]),
                column("country", "VARCHAR", "category", country=True),
                column("status", "BIGINT", "category", success=SUCCESS),
                column("comment", "VARCHAR", "text", long=True),
            ]
        },
    ),
    "sensors": (
        SENSORS,
        {
            "columns": [
                column("id", "BIGINT", "key"),
                column("measured_at", "TIMESTAMP", "date", clock=True),
                column("sensor", "VARCHAR", "category"),
                column("signature", "VARCHAR", "text"),
                column("degrees", "DOUBLE", "measure"),
            ]
        },
    ),
    "ledger": (
        LEDGER,
        {
            "columns": [
                column("account", "VARCHAR", "category", kinds=True),
                column("shop", "VARCHAR", "category"),
                AMOUNT,
            ]
        },
    ),
}
