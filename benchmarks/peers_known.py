"""Who is compared in benchmarks/pipeline.py."""

from __future__ import annotations

from peers import Peer

LIMIT = Peer("plain SQL, no tests", "plain_sql")
REFERENCE = Peer("plain SQL and dbt build", "plain_sql_dbt", {"plain_sql": "."})

_DBT = {"dbt": "dbt"}
PEERS = [
    Peer("dlt and dbt", "dlt_dbt", _DBT),
    Peer("Dagster with dagster-dlt and dagster-dbt", "dagster", _DBT),
    Peer("SQLMesh", "sqlmesh"),
    Peer("Kedro with Ibis", "kedro"),
    Peer("Arrow and dlt, no tests", "arrow_dlt", {"plain_sql": "."}),
    Peer("Meltano with tap-csv-folder, target-duckdb and dbt", "meltano", _DBT, slow=True),
    Peer("dicts and dlt, no tests", "dicts_dlt", {"plain_sql": "."}, slow=True),
    Peer(
        "dicts through pickles, plain Dagster, no tests",
        "dicts_dagster",
        {"plain_sql": ".", "dicts_dlt": "."},
        slow=True,
    ),
    Peer("Bruin", "bruin", absent="its program is neither in PyPI nor in npm"),
]
